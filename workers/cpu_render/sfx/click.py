"""Click: a small dry tick with a wooden body, as a good button makes."""

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, laid, noise, panned, ring, room, strike

_SECONDS = 0.2


def wave() -> Wave:
    """Press and release: the second is softer and higher."""
    return room(laid(_SECONDS, (0.0, _tick(1.0, 1)), (0.052, 0.34 * _tick(1.22, 2))), 0.09, 0.16, 5)


def _tick(pitch: float, seed: int) -> Wave:
    seconds = 0.12
    edge = band(noise(seconds, seed), 2400 * pitch, 7000) * strike(seconds, 0.0012, 0.004)
    body = ring(1480 * pitch, seconds, 0.022, (1.62, 0.5, 0.6), (2.71, 0.25, 0.4))
    under = ring(410 * pitch, seconds, 0.034)
    return panned(0.13 * edge + (body + 0.6 * under) * strike(seconds, 0.0025, 1.0), 0.0)


SOUND = Sound("click", _SECONDS, 0.0, wave, "Small UI click.")
