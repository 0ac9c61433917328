"""The instruments without a pitch: noise in a shape, skins that drop in pitch. Deterministic."""

from dataclasses import dataclass

import numpy as np

from workers.cpu_render.tunes.score import Sound
from workers.cpu_render.tunes.voices import SAMPLE_RATE, edged


@dataclass(frozen=True, slots=True)
class Skin:
    """A drum head: a tone that drops from `hz` + `drop` to `hz`, and a little of the stick."""

    hz: float
    drop: float
    drop_rate: float
    decay: float
    stick: float = 0.06
    length_s: float = 0.5
    release_s: float = 0.0

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        t = np.arange(round(self.length_s * SAMPLE_RATE)) / SAMPLE_RATE
        turns = self.hz * t + self.drop / self.drop_rate * (1 - np.exp(-self.drop_rate * t))
        tone = np.sin(2 * np.pi * turns) * np.exp(-self.decay * t)
        stick = _noise(t.size, 1500, 6000, seed=7) * np.exp(-t / 0.006) * self.stick
        return edged(np.asarray((tone + stick) * force, np.float32), 0.08, 0.0015)


@dataclass(frozen=True, slots=True)
class Rattle:
    """Noise between two frequencies that dies at `decay` per second; `hits` are the hands of a clap.

    A `body` adds a drum's tone (hz, loudness). `rise_s` is how softly it begins.
    """

    low_hz: float
    high_hz: float
    decay: float
    rise_s: float = 0.002
    hits: tuple[float, ...] = (0.0,)
    body: tuple[float, float] = (0.0, 0.0)
    length_s: float = 0.3
    release_s: float = 0.0

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        size = round(self.length_s * SAMPLE_RATE)
        t = np.arange(size) / SAMPLE_RATE
        shape = sum(np.where(t >= at, np.exp(-self.decay * np.maximum(t - at, 0)), 0) for at in self.hits)
        made = _noise(size, self.low_hz, self.high_hz, seed=int(self.low_hz)) * shape
        hz, loud = self.body
        if loud:
            made = made + loud * np.sin(2 * np.pi * hz * t) * np.exp(-22 * t)
        return edged(np.asarray(made * force**1.3, np.float32), 0.06, self.rise_s)


def _noise(samples: int, low_hz: float, high_hz: float, seed: int) -> Sound:
    """Noise of about full scale between two frequencies, with soft shoulders."""
    white = np.random.default_rng(seed).standard_normal(samples)
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    shape = 1 / (1 + (low_hz / np.maximum(hz, 1)) ** 4) / (1 + (hz / high_hz) ** 4)
    made = np.fft.irfft(np.fft.rfft(white) * shape, samples)
    return np.asarray(made / (3 * made.std()), np.float32)


KICK = Skin(47, 90, 38, 11)
SOFT_KICK = Skin(46, 55, 30, 13, stick=0.02)
DEEP_KICK = Skin(44, 130, 45, 8, stick=0.1)
TOM = Skin(72, 40, 14, 6, stick=0.1, length_s=0.8)
TAIKO = Skin(52, 34, 12, 4.2, stick=0.16, length_s=1.2)
SNARE = Rattle(1200, 9000, 20, body=(190, 0.6))
BRUSH = Rattle(1500, 7000, 16, rise_s=0.012, body=(180, 0.25))
CLAP = Rattle(900, 6500, 24, hits=(0.0, 0.011, 0.023))
SNAP = Rattle(1800, 5200, 60, hits=(0.0, 0.006), length_s=0.15)
RIM = Rattle(1500, 4500, 110, body=(820, 0.5), length_s=0.12)
HAT = Rattle(7500, 15_000, 75, length_s=0.12)
OPEN_HAT = Rattle(7000, 14_500, 14, length_s=0.35)
SHAKER = Rattle(5500, 13_000, 55, rise_s=0.012, length_s=0.14)
TAMBOURINE = Rattle(6500, 14_000, 22, hits=(0.0, 0.018))
SWELL = Rattle(3000, 13_000, 0.9, rise_s=1.6, length_s=2.0)
CRASH = Rattle(3500, 14_000, 2.2, rise_s=0.004, length_s=2.2)
