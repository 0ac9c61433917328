"""Whoosh: something large goes by from the left to the right; it is nearest on the cut."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, noise, panned, room, swept, times

_SECONDS = 0.95
_NEAR_S = 0.46


def wave() -> Wave:
    """Air through a band that opens as it comes and sinks as it goes, over a low push."""
    t = times(_SECONDS)
    away = (t - _NEAR_S) / np.where(t < _NEAR_S, 0.16, 0.16)
    near = np.exp(-0.5 * away**2)
    centre = 260 * 2 ** (3.3 * np.exp(-0.5 * ((t - _NEAR_S + 0.02) / 0.21) ** 2))
    air = swept(noise(_SECONDS, 21), centre, 0.62) * near
    breath = band(noise(_SECONDS, 22), 3000, 9000, 1.0) * near**3
    push = band(noise(_SECONDS, 23), 60, 190) * near
    place = np.tanh((t - _NEAR_S) / 0.2) * 0.7
    return room(panned(air + 0.035 * breath + 0.22 * push, place), 0.3, 0.2, 24)


SOUND = Sound("whoosh", _SECONDS, _NEAR_S, wave, "Bigger motion sound, for sparing use.")
