"""Glitch: a signal that stumbles. Held samples, stutters and gaps, without harsh treble."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, laid, noise, panned, sine, times

_SECONDS = 0.5
# When each piece begins, how long it lasts (seconds), its pitch in Hz, how many samples are held, its place.
_PIECES = (
    (0.000, 0.040, 420, 10, -0.5), (0.046, 0.014, 1700, 6, 0.6), (0.066, 0.014, 1700, 6, 0.6),
    (0.086, 0.014, 1700, 6, 0.6), (0.112, 0.055, 210, 22, -0.2), (0.176, 0.020, 2600, 5, 0.3),
    (0.204, 0.034, 640, 14, -0.7), (0.244, 0.010, 3200, 4, 0.7), (0.260, 0.010, 3200, 4, 0.7),
    (0.276, 0.010, 2400, 4, 0.7), (0.300, 0.070, 130, 30, 0.0), (0.382, 0.018, 980, 9, -0.4),
    (0.410, 0.050, 320, 18, 0.2),
)  # fmt: skip


def wave() -> Wave:
    pieces = [
        (at, panned(_piece(seconds, hz, hold, number), place))
        for number, (at, seconds, hz, hold, place) in enumerate(_PIECES)
    ]
    return band(laid(_SECONDS, *pieces), 90, 6500, 1.5)


def _piece(seconds: float, hz: float, hold: int, seed: int) -> Wave:
    """A tone with some noise, its samples held as a broken converter would, soft at both ends."""
    raw = np.tanh(2 * sine(hz, seconds)) + 0.35 * noise(seconds, 60 + seed)
    held = np.repeat(raw[::hold], hold)[: raw.size]
    t, edge = times(seconds), 0.0015
    ends = np.clip(np.minimum(t, t[-1] - t) / edge, 0, 1)
    return np.asarray(held * np.sin(ends * np.pi / 2) ** 2 * (hz / 400) ** -0.3)


SOUND = Sound("glitch", _SECONDS, 0.0, wave, "Digital glitch.")
