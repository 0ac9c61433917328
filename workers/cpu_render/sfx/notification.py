"""Notification: two soft bells, a fourth apart, as a telephone greets."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import laid, panned, ring, room, strike

_SECONDS = 1.0
_E6, _A6 = 1318.51, 1760.0


def wave() -> Wave:
    return room(
        laid(_SECONDS, (0.0, panned(_bell(_E6), -0.15)), (0.13, panned(1.1 * _bell(_A6), 0.15))), 0.5, 0.2, 71
    )


def _bell(hz: float) -> Wave:
    seconds = 0.85
    tone = ring(hz, seconds, 0.16, (2.0, 0.16, 0.7), (3.0, 0.1, 0.4), (0.5, 0.18, 0.9), (5.4, 0.04, 0.15))
    return np.asarray(tone * np.minimum(1, strike(seconds, 0.004, 10.0)))


SOUND = Sound("notification", _SECONDS, 0.0, wave, "Phone notification.")
