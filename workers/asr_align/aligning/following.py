"""Finds a known text among recognised words: roughly where each of its words is, how much of it was heard."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.asr_align.aligning.laying import ReadFrames
from workers.asr_align.aligning.matching import match
from workers.asr_align.aligning.reading import NoReader, read
from workers.asr_align.aligning.recognising import Recognised
from workers.asr_align.aligning.rough import Known
from workers.asr_align.aligning.script import ScriptWord, clauses_of, words_of
from workers.asr_align.aligning.sound import Times
from workers.asr_align.aligning.spectra import HOP_S

_NO_FIT, _GOOD_FIT = 0.25, 0.85  # of the text, that was recognised where it should be
_LONG = "\u02d0"


@dataclass(frozen=True, slots=True)
class Followed:
    """Seconds at which words of the text begin, NaN for those not recognised; `fit` 0 to 1."""

    starts: Times
    fit: float

    def known(self, reading: ReadFrames) -> Known | None:
        """What this says of a reading of the text, drawn out to both of its ends; None for nothing."""
        found = np.flatnonzero(np.isfinite(self.starts))
        if not found.size:
            return None
        frames = self.starts[found].astype(np.float64) / HOP_S
        places = reading.words[found].astype(np.float64)
        end = float(len(reading.power))
        frames = np.concatenate([[frames[0] - places[0]], frames, [frames[-1] + end - places[-1]]])
        return Known(np.maximum.accumulate(frames), np.concatenate([[0.0], places, [end]]))


def followed(
    script: Sequence[ScriptWord], reading: ReadFrames | None, heard: Sequence[Recognised], language: str
) -> Followed:
    """By their sounds where they can be had, so that numbers are found however they are written."""
    ours = _written(script) if reading is None else _spoken(reading.sounds)
    theirs = _sounds_of(heard, language) if reading is not None and any(ours) else None
    if theirs is None:
        ours, theirs = _written(script), _written(heard)
    matched = match(ours, theirs)
    sizes = np.array([len(word) for word in ours], np.float64)
    is_found = np.isfinite(matched.places)
    share = float((sizes * matched.likeness)[is_found].sum() / max(1.0, sizes.sum()))
    fit = min(1.0, max(0.0, (share - _NO_FIT) / (_GOOD_FIT - _NO_FIT)))
    return Followed(_times(matched.places, heard), fit)


def _sounds_of(heard: Sequence[Recognised], language: str) -> list[str] | None:
    """The sounds of each recognised word; None where nobody tells them."""
    text = " ".join(word.text.replace(" ", "") or "-" for word in heard)
    script = words_of(text)
    try:
        sounds = [word for read_ in read(script, clauses_of(text, script), language) for word in read_.sounds]
    except NoReader:
        return None
    if not any(sounds):
        return None
    spoken = dict(zip((word.start for word in script), _spoken(sounds), strict=True))
    found, at = [], 0
    for word in text.split(" "):
        found.append(spoken.get(at, ""))
        at += len(word) + 1
    return found


def _spoken(sounds: Sequence[Sequence[str]]) -> list[str]:
    return ["".join(word).replace(_LONG, "") for word in sounds]


def _written(words: Sequence[ScriptWord] | Sequence[Recognised]) -> list[str]:
    return ["".join(char for char in word.text.lower() if char.isalnum()) for word in words]


def _times(places: Times, heard: Sequence[Recognised]) -> Times:
    """Seconds, of places in the recognised words."""
    times = np.full(len(places), np.nan)
    for index in np.flatnonzero(np.isfinite(places)):
        word = heard[min(len(heard) - 1, int(places[index]))]
        part = float(places[index]) - int(places[index])
        times[index] = word.start_s + part * (word.end_s - word.start_s)
    return times
