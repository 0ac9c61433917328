"""Cuts a narration whose words are roughly placed into windows, and takes what is found in each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from workers.asr_align.aligning.forced import Sharpener, Window
from workers.asr_align.aligning.sound import Sound, Times
from workers.asr_align.aligning.warping import Bools

_SHORTEST_S, _LONGEST_S = 3.5, 8.0  # of a window's core
_MARGIN_S = 1.5  # of sound, to each side
_UNSURE_S = 2.5  # words placed so far outside the core may still be in the window


@dataclass(frozen=True, slots=True)
class Sharpened:
    """Starts and ends in seconds, and which words were found by forced alignment (the others stayed)."""

    starts: Times
    ends: Times
    is_found: Bools


def sharpened(
    sound: Sound, starts: Times, ends: Times, sharpener: Sharpener, report: Callable[[float], None]
) -> Sharpened:
    """Look for every word near where it was placed. `report` hears 0 to 1 and may raise."""
    new_starts, new_ends = starts.copy(), ends.copy()
    is_found = np.zeros(len(starts), np.bool_)
    for window in windows(starts, ends, sound.duration_s):
        report(window.core_first / len(starts))
        for found in sharpener.found_in(sound, window):
            new_starts[found.index], new_ends[found.index] = found.start_s, found.end_s
            is_found[found.index] = True
    return Sharpened(new_starts, new_ends, is_found)


def windows(starts: Times, ends: Times, duration_s: float) -> Iterator[Window]:
    """Every word is in the core of one window; cores are cut at the longest pauses."""
    first = 0
    while first < len(starts):
        last = _core_end(starts, ends, first)
        begin, end = float(starts[first]), float(ends[last - 1])
        yield Window(
            start_s=max(0.0, begin - _MARGIN_S),
            end_s=min(duration_s, end + _MARGIN_S),
            first=int(np.searchsorted(ends, begin - _MARGIN_S - _UNSURE_S)),
            last_exclusive=max(last, int(np.searchsorted(starts, end + _MARGIN_S + _UNSURE_S))),
            core_first=first,
            core_last_exclusive=last,
        )
        first = last


def _core_end(starts: Times, ends: Times, first: int) -> int:
    """The word before which the longest pause lies, of those that make a window of a fair length."""
    earliest = int(np.searchsorted(starts, starts[first] + _SHORTEST_S))
    latest = int(np.searchsorted(starts, starts[first] + _LONGEST_S))
    earliest, latest = max(earliest, first + 1), max(latest, first + 1)
    if latest >= len(starts):
        return len(starts)
    pauses = starts[earliest : latest + 1] - ends[earliest - 1 : latest]
    return earliest + int(np.argmax(pauses))
