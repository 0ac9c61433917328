"""Riser: a chord and air that climb and swell, and let go on the cut."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import noise, panned, room, sine, swept, times

_SECONDS = 2.2
_TOP_S = 1.9


def wave() -> Wave:
    """Two octaves up in an even climb; the beating of the detuned voices quickens with it."""
    t = times(_SECONDS)
    climb = np.clip(t / _TOP_S, 0, 1)
    swell = climb**1.7 * np.where(t < _TOP_S, 1.0, np.exp(-(t - _TOP_S) / 0.05))
    tremble = 1 - 0.3 * (1 - climb**4) * (
        0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(5 + 11 * climb**2) / 48_000)
    )
    out = np.zeros((2, t.size))
    for ratio, cents, place in ((1, -6, -0.5), (1, 6, 0.5), (1.5, 3, -0.2), (2, -4, 0.3)):
        hz = 165 * ratio * 2 ** (cents / 1200) * 4**climb
        out += panned(_voice(hz), place) / ratio
    air = swept(noise(_SECONDS, 51), 500 * 12**climb, 0.55)
    out = 0.3 * out * tremble + panned(0.5 * air * climb, 0.4 * np.sin(2 * np.pi * 1.6 * t))
    return room(out * swell, 0.4, 0.22, 52)


def _voice(hz: Wave) -> Wave:
    """A soft saw of six overtones, none above what is pleasant."""
    sound = np.zeros_like(hz)
    for partial in range(1, 7):
        audible = np.clip((6000 - hz * partial) / 2000, 0, 1)
        sound += audible * sine(hz * partial, _SECONDS) / partial**1.5
    return sound


SOUND = Sound("riser", _SECONDS, _TOP_S, wave, "Build-up sound.")
