"""Hit: a cinematic stroke. A drum that falls into the bass, a slap, and a room that answers."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, noise, panned, room, sine, strike, times

_SECONDS = 1.4


def wave() -> Wave:
    """The bass has overtones, so that a telephone plays it too."""
    t = times(_SECONDS)
    deep = sine(44 + 92 * np.exp(-t / 0.055), _SECONDS) * strike(_SECONDS, 0.003, 0.24)
    drum = np.tanh(1.8 * deep) / np.tanh(1.8)
    skin = sine(150 + 110 * np.exp(-t / 0.03), _SECONDS) * strike(_SECONDS, 0.002, 0.075)
    slap = band(noise(_SECONDS, 41), 350, 3800, 1.5) * strike(_SECONDS, 0.0015, 0.03)
    rumble = band(noise(_SECONDS, 42), 45, 260) * strike(_SECONDS, 0.02, 0.28)
    dry = panned(0.9 * drum + 0.75 * skin + 0.45 * slap + 0.22 * rumble, 0.0)
    return room(dry, 1.1, 0.42, 43)


SOUND = Sound("hit", _SECONDS, 0.0, wave, "Stronger impact sound.")
