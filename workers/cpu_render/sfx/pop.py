"""Pop: a bubble; its pitch runs up as it bursts."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import panned, room, sine, strike, times

_SECONDS = 0.2


def wave() -> Wave:
    t = times(_SECONDS)
    hz = 330 + 620 * (1 - np.exp(-t / 0.028))
    bubble = sine(hz, _SECONDS) + 0.22 * sine(2 * hz, _SECONDS) + 0.06 * sine(3 * hz, _SECONDS)
    return room(panned(bubble * strike(_SECONDS, 0.004, 0.024), 0.0), 0.12, 0.14, 31)


SOUND = Sound("pop", _SECONDS, 0.0, wave, "Light pop.")
