"""Typing: a quick hand on a good keyboard, and the space bar at the end."""

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, laid, noise, panned, ring, room, strike

_SECONDS = 1.3
# When each key goes down (seconds), how hard, its pitch, and where on the keyboard it lies.
_KEYS = (
    (0.000, 0.90, 1.00, -0.4), (0.098, 0.75, 1.10, 0.3), (0.181, 0.85, 0.96, -0.1), (0.302, 0.70, 1.06, 0.5),
    (0.374, 0.80, 1.02, -0.5), (0.463, 0.90, 0.93, 0.1), (0.602, 0.72, 1.12, -0.2), (0.683, 0.82, 1.00, 0.4),
    (0.771, 0.76, 1.05, -0.3), (0.872, 0.86, 0.97, 0.2), (1.020, 1.00, 0.72, 0.0),
)  # fmt: skip


def wave() -> Wave:
    pieces = []
    for number, (at, force, pitch, place) in enumerate(_KEYS):
        down, up = _stroke(pitch, 2 * number), 0.3 * _stroke(1.25 * pitch, 2 * number + 1)
        pieces += [(at, panned(force * down, place)), (at + 0.062, panned(force * up, place))]
    return room(laid(_SECONDS, *pieces), 0.12, 0.2, 99)


def _stroke(pitch: float, seed: int) -> Wave:
    """Plastic on plastic, over the thud of the case."""
    seconds = 0.1
    tick = band(noise(seconds, 100 + seed), 1700 * pitch, 5600) * strike(seconds, 0.0012, 0.008)
    cap = ring(1150 * pitch, seconds, 0.011, (1.8, 0.6, 0.7))
    case = ring(290 * pitch, seconds, 0.022)
    return 0.22 * tick + (0.35 * cap + 0.55 * case) * strike(seconds, 0.002, 1.0)


SOUND = Sound("typing", _SECONDS, 0.0, wave, "Keyboard typing.")
