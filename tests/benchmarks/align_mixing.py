"""What lies under the narrations of the align benchmark: pink noise, or music of the farm's own, by seed."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.benchmarks.align_texts import Half
from tests.benchmarks.align_voices import SAMPLE_RATE, Speech
from workers.cpu_render.tunes import tune_sound
from workers.media.sound import resampled

_TUNES_RATE = 48_000
_TUNES = {Half.TUNING: ("lift-off", "quiet-letter"), Half.HELD_OUT: ("paper-boats", "late-window")}


@dataclass(frozen=True, slots=True)
class Condition:
    """`bed` is "noise", "music" or nothing; speech is `snr_db` above it where somebody speaks."""

    bed: str = ""
    snr_db: int = 0

    @property
    def name(self) -> str:
        return f"{self.bed} {self.snr_db} dB" if self.bed else "clean"


CLEAN = Condition()
BEDS = ("noise", "music")
LEVELS_DB = (15, 8, 5)


def mixed(speech: Speech, condition: Condition, half: Half, seed: int) -> Speech:
    """Speech with what lies under it, sample on sample. Silence in `speech` is exact zeros."""
    if not condition.bed:
        return speech
    bed = pink(speech.size, seed) if condition.bed == "noise" else music(speech.size, half, seed)
    spoken = float((speech[speech != 0] ** 2).mean())
    gain = np.sqrt(spoken / float((bed**2).mean()) / 10 ** (condition.snr_db / 10))
    return speech + bed * np.float32(gain)


def pink(count: int, seed: int) -> Speech:
    """Noise as strong in every octave."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(1, np.arange(spectrum.size)))
    return np.fft.irfft(spectrum, count).astype(np.float32)


def music(count: int, half: Half, seed: int) -> Speech:
    """A tune of that half from somewhere in it on, over and over."""
    rng = np.random.default_rng(seed)
    tune = _tune(_TUNES[half][seed % 2])
    first = int(rng.integers(tune.size))
    return np.resize(np.roll(tune, -first), count)


@cache
def _tune(name: str) -> Speech:
    mono: Speech = resampled(tune_sound(name), _TUNES_RATE, SAMPLE_RATE).mean(axis=0)
    return mono
