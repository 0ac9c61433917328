"""Moves the start of a word that follows a pause to where its sound begins, to a few milliseconds."""

import numpy as np

from workers.asr_align.aligning.sound import SAMPLE_RATE, Floats, Sound

_STEP = 40  # samples: 2.5 ms
_WINDOW = 160
_BEFORE_S, _AFTER_S = 0.2, 0.15
_PAUSE_S = 0.06  # before a word, for it to be looked at
_QUIET_STEPS = 10  # what is louder for less than this before the pause is no pause's end
_ABOVE_FLOOR_DB, _BELOW_LOUD_DB = 8.0, 38.0
_LEAST_RISE_DB = 26.0  # from the pause to the word, for the edge to be heard


def onset(sound: Sound, start_s: float, pause_s: float) -> float | None:
    """Where the word that was placed at `start_s`, `pause_s` after the one before, begins to be heard.

    None where there is no pause before it, or no edge that stands out from what sounds beside it.
    """
    if pause_s < _PAUSE_S:
        return None
    begin_s = max(0.0, start_s - min(_BEFORE_S, pause_s))
    levels = _levels(sound, begin_s, start_s + _AFTER_S)
    if levels.size < 2 * _QUIET_STEPS:
        return None
    floor, loud = float(np.percentile(levels, 10)), float(levels.max())
    if loud - floor < _LEAST_RISE_DB:
        return None
    threshold = max(floor + _ABOVE_FLOOR_DB, loud - _BELOW_LOUD_DB)
    step = _rise(levels > threshold, int(np.argmax(levels)))
    return None if step is None else begin_s + (step * _STEP + _WINDOW // 2) / SAMPLE_RATE


def _levels(sound: Sound, start_s: float, end_s: float) -> Floats:
    """Loudness in decibels, every 2.5 ms."""
    piece = sound.between(start_s, end_s).astype(np.float32)
    if piece.size < _WINDOW:
        return np.zeros(0, np.float32)
    piece = np.diff(piece, prepend=piece[:1])  # hum and thumps have no edge
    frames = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::_STEP]
    levels: Floats = 10 * np.log10((frames**2).mean(axis=1) + 1e-3)
    return levels


def _rise(is_loud: np.ndarray[tuple[int], np.dtype[np.bool_]], peak: int) -> int | None:
    """Going back from the loudest moment: the first step of what is not parted from it by quiet."""
    quiet = 0
    for step in range(peak, -1, -1):
        quiet = 0 if is_loud[step] else quiet + 1
        if quiet == _QUIET_STEPS:
            return step + _QUIET_STEPS
    return None
