"""Processing: a machine that thinks. Small notes run up and down over a hum, and come to rest."""

import numpy as np

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import laid, panned, ring, room, sine, strike, times

_SECONDS = 1.7
_STEP_S = 0.085
# MIDI notes of A minor pentatonic, one each step.
_NOTES = (69, 76, 72, 79, 74, 81, 76, 84, 79, 76, 81, 74, 79, 72, 76, 81)


def wave() -> Wave:
    pieces = [(number * _STEP_S, _note(number, note)) for number, note in enumerate(_NOTES)]
    return room(laid(_SECONDS, *pieces) + _hum(), 0.35, 0.25, 120)


def _note(number: int, note: int) -> Wave:
    seconds = 0.3
    hz = 440 * 2 ** ((note - 69) / 12)
    tone = ring(hz, seconds, 0.05, (2.0, 0.3, 0.6), (3.01, 0.12, 0.4))
    level = 1.0 if number % 4 == 0 else 0.7
    return panned(level * tone * np.minimum(1, strike(seconds, 0.003, 10.0)), 0.55 * (-1) ** number)


def _hum() -> Wave:
    """An open fifth that breathes in and out once."""
    t = times(_SECONDS)
    breath = np.sin(np.pi * t / _SECONDS) ** 2
    return panned(0.09 * breath * (sine(110.0, _SECONDS) + 0.6 * sine(165.0, _SECONDS)), 0.0)


SOUND = Sound("processing", _SECONDS, 0.0, wave, "Loading or processing sound.")
