"""Makes one placing of the words out of what comparing, forced alignment and the sound's own edges say."""

import numpy as np

from workers.asr_align.aligning.comparing import Placed
from workers.asr_align.aligning.onsets import onset
from workers.asr_align.aligning.sharpening import Sharpened
from workers.asr_align.aligning.sound import Sound, Times
from workers.asr_align.aligning.telling import Spots
from workers.asr_align.aligning.warping import Bools
from workers.asr_align.aligning.widths import half_widths

_AGREED_S = 0.15  # between comparing and forced alignment


def spotted(sound: Sound, placed: Placed, sharp: Sharpened | None, language: str, fit: float) -> Spots:
    """Forced alignment where it is near to comparing, which leads; after a pause, where the sound rises."""
    starts, ends = placed.starts, placed.ends
    is_found = is_agreed = np.zeros(len(starts), np.bool_)
    if sharp is not None:
        is_found = sharp.is_found
        is_agreed = is_found & (np.abs(sharp.starts - starts) <= _AGREED_S)
        starts = np.where(is_agreed, sharp.starts, starts)
        ends = np.where(is_agreed, sharp.ends, ends)
    starts = np.maximum.accumulate(starts)
    starts, is_edge = _at_edges(sound, starts, ends)
    certainty = fit * np.where(is_agreed, 0.95, np.where(is_found, 0.7, 0.6))
    return Spots(starts, ends, certainty, half_widths(language, is_found, is_agreed, is_edge))


def _at_edges(sound: Sound, starts: Times, ends: Times) -> tuple[Times, Bools]:
    moved, is_edge = starts.copy(), np.zeros(len(starts), np.bool_)
    before = 0.0
    for index, start_s in enumerate(starts.tolist()):
        found = onset(sound, start_s, start_s - before)
        if found is not None:
            moved[index], is_edge[index] = found, True
        before = float(ends[index])
    return moved, is_edge
