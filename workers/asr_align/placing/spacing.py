"""Keeps starts in order and apart, moving as few as little as possible; fixed ones stay."""

from collections.abc import Sequence
from dataclasses import replace

from tasks.scene_timestamps.placed import Status
from workers.asr_align.placing.guess import Guess

_MOVED = 0.8  # of a confidence, once the start was moved


def spaced(guesses: Sequence[Guess], duration_s: float, min_scene_ms: int) -> tuple[list[Guess], list[int]]:
    """The same on whole milliseconds, each scene so long at least; and which were moved for that.

    There is room for all of them: see placing.placed and params.unkept.
    """
    step = max(1, min_scene_ms)
    wanted = [round(guess.at_s * 1000) for guess in guesses]
    is_fixed = [guess.status is Status.FIXED for guess in guesses]
    starts = _from_behind(_from_the_front(wanted, is_fixed, step), is_fixed, step, round(duration_s * 1000))
    moved = [index for index, (was, is_) in enumerate(zip(wanted, starts, strict=True)) if was != is_]
    kept = []
    for guess, was, at in zip(guesses, wanted, starts, strict=True):
        new = guess.moved(at / 1000)
        if at != was:  # it no longer begins with its word
            new = replace(new, confidence=round(new.confidence * _MOVED, 3), word=None)
        kept.append(new)
    return kept, [index for index in moved if min_scene_ms]


def _from_the_front(wanted: Sequence[int], is_fixed: Sequence[bool], step: int) -> list[int]:
    starts: list[int] = []
    for index, at in enumerate(wanted):
        least = starts[-1] + step if starts else 0
        starts.append(at if is_fixed[index] else max(at, least))
    return starts


def _from_behind(starts: list[int], is_fixed: Sequence[bool], step: int, end: int) -> list[int]:
    most = end - step
    for index in range(len(starts) - 1, -1, -1):
        if not is_fixed[index]:
            starts[index] = min(starts[index], most)
        most = starts[index] - step
    return starts
