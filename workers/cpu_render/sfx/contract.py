"""What a sound effect is to the mix: so many samples, equally loud for all, silent at both ends."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from workers.media.loudness import loudest_of
from workers.media.sound import Samples

Wave = npt.NDArray[np.float64]  # mono of shape (n,), or stereo of shape (2, n)

SAMPLE_RATE = 48_000
# The loudest 400 ms of every effect, by ITU-R BS.1770. At the volumes of the media render document an effect
# (0.55) is then 2 dB softer than music mastered at -14 LUFS (0.18), and its stroke stands out.
LOUDNESS_LUFS = -26.0
_RISE_S, _FALL_S = 0.0008, 0.02


@dataclass(frozen=True, slots=True)
class Sound:
    """`wave` draws `seconds` of it, mono or stereo, at any level; the same samples at every call.

    `cut_s` is what belongs on a cut: the moment of the stroke, or of the turn. `samples` are float32 stereo
    at SAMPLE_RATE, LOUDNESS_LUFS loud.
    """

    name: str
    seconds: float
    cut_s: float
    wave: Callable[[], Wave]
    summary: str

    def samples(self) -> Samples:
        """The finished sound; made once, not to be changed."""
        return _finished(self)


@cache
def _finished(sound: Sound) -> Samples:
    wave = np.atleast_2d(sound.wave())
    wave = np.repeat(wave, 2, axis=0) if wave.shape[0] == 1 else wave
    wave = wave * _edges(wave.shape[1])
    samples = (wave / np.abs(wave).max()).astype(np.float32)
    gain = 10 ** ((LOUDNESS_LUFS - loudest_of(samples, SAMPLE_RATE)) / 20)
    loud: Samples = samples * np.float32(gain)
    loud.setflags(write=False)
    return loud


def _edges(count: int) -> Wave:
    """A beginning too short to soften a stroke, and a smooth end: neither clicks."""
    at = np.arange(count) / SAMPLE_RATE
    rise, fall = np.clip(at / _RISE_S, 0, 1), np.clip((at[-1] - at) / _FALL_S, 0, 1)
    return np.asarray(np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2)
