"""Takes out of a sound what sounds on: chords under a narration, hum, steady noise. Plain numpy.

Within a second a voice is at every pitch for a moment only, and music on a few for long: what the median of a
second says of a narrow band is not the voice's. Measured in `make bench ONLY=align` with music at 5 to 15 dB.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import numpy.typing as npt

from workers.asr_align.aligning.sound import Floats, Sound

_WINDOW, _STEP = 1_024, 256  # samples: 64 and 16 ms
_LOOK = 63  # frames: 1 s
_EVERY = 8  # frames, between which the median is drawn straight
_BLOCK = 3_600  # frames: a minute or so
_MARGIN = 2 * _LOOK
_STRENGTH = 4.0  # times the median's power is taken away
_LEAST = 0.01  # of the power is left, so that no hole sounds
_FULL_SCALE = 32_767


@contextmanager
def without_tones(sound: Sound, report: Callable[[float], None]) -> Iterator[Sound]:
    """The same sound without what is steady in it, as long, kept on disk. `report` hears 0 to 1."""
    with tempfile.TemporaryFile() as file:
        for start in range(0, sound.samples.size, _BLOCK * _STEP):
            report(start / sound.samples.size)
            file.write(_block(sound, start).tobytes())
        file.flush()
        yield Sound(np.memmap(file, np.int16, "r"), sound.peak)


def _block(sound: Sound, start: int) -> npt.NDArray[np.int16]:
    """The samples from `start` on, worked out with some before and after them."""
    end = min(start + _BLOCK * _STEP, sound.samples.size)
    first = max(0, start - _MARGIN * _STEP)
    piece = sound.floats(first, min(end + _MARGIN * _STEP, sound.samples.size))
    cleaned = _cleaned(piece)[start - first : end - first]
    return (cleaned * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE).astype(np.int16)


def _cleaned(piece: Floats) -> Floats:
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    padded = np.pad(piece, (_WINDOW, 2 * _WINDOW))
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP] * window, axis=1)
    levels = np.abs(spectra).astype(np.float32)
    left = 1 - _STRENGTH * (_steady(levels) / np.maximum(levels, 1e-9)) ** 2
    spectra *= np.sqrt(left.clip(_LEAST, 1))
    frames = np.fft.irfft(spectra, _WINDOW, axis=1).astype(np.float32) * window
    return _overlapped(frames, padded.size)[_WINDOW : _WINDOW + piece.size]


def _steady(levels: Floats) -> Floats:
    """The median over a second around each frame, in every band."""
    edge: Literal["reflect", "edge"] = "reflect" if len(levels) > _LOOK else "edge"
    around = np.pad(levels, ((_LOOK // 2, _LOOK // 2), (0, 0)), mode=edge)
    at = np.arange(0, len(levels) + _EVERY - 1, _EVERY).clip(0, len(levels) - 1)
    medians = np.stack([np.median(around[place : place + _LOOK], axis=0) for place in at])
    frames = np.arange(len(levels))
    after = np.searchsorted(at, frames).clip(1, max(1, len(at) - 1)).clip(0, len(at) - 1)
    before = np.maximum(after - 1, 0)
    part = ((frames - at[before]) / np.maximum(1, at[after] - at[before])).clip(0, 1)[:, None]
    steady: Floats = (medians[before] * (1 - part) + medians[after] * part).astype(np.float32)
    return steady


def _overlapped(frames: Floats, size: int) -> Floats:
    """Frames laid over each other; squared Hann windows at a quarter's step add up to 1.5."""
    quarters = frames.reshape(len(frames), 4, _STEP)
    laid = np.zeros((len(frames) + 3, _STEP), np.float32)
    for quarter in range(4):
        laid[quarter : quarter + len(frames)] += quarters[:, quarter]
    flat = laid.reshape(-1) / np.float32(1.5)
    return np.pad(flat, (0, max(0, size - flat.size)))[:size]
