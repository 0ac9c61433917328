"""Starts as they are answered: on the final timeline, with frames, and a transition out of the pause before.

A short pause is cut, a longer one dissolves and ends as the first word begins; nothing lasts longer than a
quarter of the shorter scene. Where the start is less certain than the pause is long, somebody should look.
"""

from collections.abc import Sequence
from fractions import Fraction

from farm.timeline import Rate
from tasks.scene_timestamps.heard import Heard
from tasks.scene_timestamps.params import SceneTimestamps
from tasks.scene_timestamps.placed import CutType, Interval, SceneTime, Status, Transition
from workers.asr_align.placing.guess import Guess

_RUN_ON_MS, _SHORT_MS, _LONG_MS, _DIP_MS = 120, 350, 900, 2_000  # of pauses
_AHEAD_MS = 40  # a cut comes so much before the word
_LEAST_MS, _MIDDLE_MS, _MOST_MS = 200, 400, 800  # of transitions
_SHARE = 4  # no longer than one part in so many of the shorter scene
_WIDE_MS = 500  # an interval that somebody should look at, whatever the pause


def timeline_of(guesses: Sequence[Guess], heard: Heard, params: SceneTimestamps) -> tuple[SceneTime, ...]:
    """All scenes, as answered."""
    offset, end = params.start_offset_ms, round(heard.duration_s * 1000)
    starts = [round(guess.at_s * 1000) for guess in guesses]
    scenes = []
    for index, (guess, scene) in enumerate(zip(guesses, params.scenes, strict=True)):
        before = starts[index] - starts[index - 1] if index else 0
        lasts = (starts[index + 1] if index + 1 < len(starts) else end) - starts[index]
        interval = _interval(guess, starts[index], end)
        cut = _transition(guess, heard, starts[index], interval, min(before, lasts)) if index else _OPENING
        scenes.append(
            SceneTime(
                scene_id=scene.scene_id,
                start_ms=offset + starts[index],
                start_frame=_frame(offset + starts[index], params.rate),
                status=guess.status,
                confidence=guess.confidence,
                interval=Interval(from_ms=offset + interval.from_ms, to_ms=offset + interval.to_ms),
                transition=cut.model_copy(update={"start_ms": offset + cut.start_ms}),
            )
        )
    return tuple(scenes)


_OPENING = Transition(type=CutType.CUT, start_ms=0, duration_ms=0, review=False)


def _interval(guess: Guess, start: int, end: int) -> Interval:
    low, high = round(guess.low_s * 1000), round(guess.high_s * 1000)
    return Interval(from_ms=max(0, min(low, start)), to_ms=max(start, min(high, end)))


def _frame(at_ms: int, rate: Rate | None) -> int | None:
    return None if rate is None else rate.nearest_frame(Fraction(at_ms, 1000))


def _transition(guess: Guess, heard: Heard, start: int, interval: Interval, shorter: int) -> Transition:
    pause = _pause_ms(guess, heard)
    if guess.word is None:
        return _cut(start, review=guess.status is Status.INTERPOLATED)
    if pause < _RUN_ON_MS:
        return _cut(start - min(_AHEAD_MS, shorter // _SHARE), review=interval.width_ms > _WIDE_MS)
    if interval.width_ms > pause:
        return _cut(start - min(_AHEAD_MS, shorter // _SHARE), review=True)
    length = min(_length_ms(pause), shorter // _SHARE)
    if pause < _SHORT_MS or length < _LEAST_MS:
        return _cut(start - min(pause // 2, shorter // _SHARE), review=False)
    kind = CutType.DIP if pause >= _DIP_MS else CutType.DISSOLVE
    return Transition(type=kind, start_ms=start - length, duration_ms=length, review=False)


def _cut(at: int, *, review: bool) -> Transition:
    return Transition(type=CutType.CUT, start_ms=max(0, at), duration_ms=0, review=review)


def _length_ms(pause: int) -> int:
    """Between 350 and 900 ms of pause 200 to 400 ms, from there on up to 800."""
    if pause <= _LONG_MS:
        return _LEAST_MS + (_MIDDLE_MS - _LEAST_MS) * (pause - _SHORT_MS) // (_LONG_MS - _SHORT_MS)
    return min(_MOST_MS, _MIDDLE_MS + (pause - _LONG_MS) // 2)


def _pause_ms(guess: Guess, heard: Heard) -> int:
    """How long nobody speaks before a scene's first word."""
    if guess.word is None:
        return 0
    start = heard.words[guess.word].start_s
    said = max((word.end_s for word in heard.words[max(0, guess.word - 3) : guess.word]), default=0.0)
    silent = max((span.end_s for span in heard.speech if span.end_s <= start), default=None)
    speaks_on = any(span.start_s < start - 0.1 and span.end_s > start for span in heard.speech)
    pause = start - said
    if silent is not None and not speaks_on:
        pause = max(pause, start - silent)
    return max(0, round(pause * 1000))
