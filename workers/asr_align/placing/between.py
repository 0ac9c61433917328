"""Where scenes may begin whose cues were not heard: between those that were, by the share of speech.

Such a start is a guess, and says so: its interval is all that its neighbours leave, its confidence is low.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from tasks.scene_timestamps.heard import Heard, SpeechSpan
from tasks.scene_timestamps.placed import Status
from workers.asr_align.placing.guess import Guess
from workers.asr_align.placing.stream import Floats

MOST_CONFIDENCE = 0.3
_BY_ORDER, _BY_TEXT, _BY_ANCHOR = 0.1, 0.2, 0.25
_PAUSE_S = 0.25  # a scene rather begins after one
_APART_S = 0.001
_REACH = 0.25  # of a scene's share, in which a pause is looked for


class Between:
    """Guesses starts for one narration. `expected`: each scene's place in the text, 0 to 1; None unknown."""

    def __init__(self, heard: Heard, scenes: int, expected: Sequence[float] | None) -> None:
        self._heard = heard
        self._scenes = scenes
        self._expected = expected
        self._spoken = _spoken_until(heard)
        self._pauses = _after_pauses(heard)

    def fill(self, known: Mapping[int, Guess], anchors: Mapping[int, float]) -> list[Guess]:
        """All scenes: the known ones, and guesses for those between. `anchors`: when a scene's is heard."""
        found = dict(known)
        for before, after in pairwise([-1, *sorted(known), self._scenes]):
            for index in range(before + 1, after):
                found[index] = self._guess(index, before, after, known, anchors.get(index))
        return [found[index] for index in range(self._scenes)]

    def _guess(
        self, index: int, before: int, after: int, known: Mapping[int, Guess], anchor_s: float | None
    ) -> Guess:
        low = known[before].at_s if before >= 0 else 0.0
        high = known[after].at_s if after < self._scenes else self._heard.duration_s
        if anchor_s is not None and low <= anchor_s <= high:
            high = anchor_s
        at_s = self._likely(index, before, after, low, high, is_anchored=anchor_s == high)
        if after < self._scenes:  # the one that was heard is not to give way
            at_s = max(low, min(at_s, high - _APART_S * (after - index)))
        confidence = _BY_ANCHOR if anchor_s == high else _BY_TEXT if self._expected else _BY_ORDER
        if not self._heard.words:
            confidence = _BY_ORDER / 2
        return Guess(at_s, low, high, Status.INTERPOLATED, confidence)

    def _likely(
        self, index: int, before: int, after: int, low: float, high: float, *, is_anchored: bool
    ) -> float:
        """By the share of speech before it; at the pause nearest to that, if there is one near."""
        first, last = self._share(low), self._share(high)
        if before < 0:
            first = max(first, 0.0)
        share = first + (last - first) * self._part(index, before, after, is_anchored=is_anchored)
        at_s = min(max(self._time(share), low), high)
        near = _REACH * (high - low) / max(1, after - before)
        pauses = self._pauses[np.abs(self._pauses - at_s) <= near]
        pauses = pauses[(pauses > low) & (pauses < high)]
        return float(pauses[np.argmin(np.abs(pauses - at_s))]) if pauses.size else at_s

    def _part(self, index: int, before: int, after: int, *, is_anchored: bool) -> float:
        """How far between its neighbours it lies, 0 to 1. The first scene begins with the speech."""
        if is_anchored:
            return 0.8 if index > 0 else 0.0
        if self._expected is not None:
            places = [0.0, *self._expected, 1.0]
            low, here, high = places[before + 1], places[index + 1], places[min(after, self._scenes) + 1]
            if low < high and low <= here <= high:
                return (here - low) / (high - low)
        return index / after if before < 0 else (index - before) / (after - before)

    def _share(self, at_s: float) -> float:
        """How much was spoken until then, in seconds."""
        times, spoken = self._spoken
        return float(np.interp(at_s, times, spoken))

    def _time(self, spoken_s: float) -> float:
        """When so much has been spoken; after a pause, where one begins then."""
        times, spoken = self._spoken
        last = int(np.searchsorted(spoken, spoken_s, side="right")) - 1
        if last >= len(times) - 1:
            return float(times[-1])
        rise = spoken[last + 1] - spoken[last]
        part = (spoken_s - spoken[last]) / rise if rise > 0 else 0.0
        return float(times[last] + part * (times[last + 1] - times[last]))


def _spoken_until(heard: Heard) -> tuple[Floats, Floats]:
    """Seconds spoken, as a curve over time; where nobody is heard, time itself."""
    spans = heard.speech or tuple(SpeechSpan(start_s=word.start_s, end_s=word.end_s) for word in heard.words)
    times, spoken = [0.0], [0.0]
    for span in spans:
        start, end = max(span.start_s, times[-1]), min(span.end_s, heard.duration_s)
        if end > start:
            times += [start, end]
            spoken += [spoken[-1], spoken[-1] + end - start]
    if len(times) == 1:
        return np.array([0.0, heard.duration_s]), np.array([0.0, heard.duration_s])
    return np.array([*times, heard.duration_s]), np.array([*spoken, spoken[-1]])


def _after_pauses(heard: Heard) -> Floats:
    """When somebody speaks again after a pause."""
    starts = [span.start_s for span in heard.speech]
    starts += [b.start_s for a, b in pairwise(heard.words) if b.start_s - a.end_s >= _PAUSE_S]
    return np.array(sorted(set(starts)), dtype=np.float64)
