"""Camera shutter: the mirror goes up, the curtain runs, the mirror falls back."""

from workers.cpu_render.sfx.contract import Sound, Wave
from workers.cpu_render.sfx.synth import band, laid, noise, panned, ring, room, strike

_SECONDS = 0.4


def wave() -> Wave:
    """Three strokes of metal in a leather body, with the hiss of the curtain between them."""
    pieces = (
        (0.0, panned(_stroke(0.9, 2100, 11), -0.12)),
        (0.018, panned(0.22 * _curtain(), 0.1)),
        (0.078, panned(1.15 * _stroke(1.0, 2900, 12), 0.12)),
        (0.132, panned(0.3 * _stroke(1.3, 3600, 13), 0.05)),
    )
    return room(laid(_SECONDS, *pieces), 0.22, 0.28, 14)


def _stroke(pitch: float, hz: float, seed: int) -> Wave:
    seconds = 0.12
    slap = band(noise(seconds, seed), 1300 * pitch, 6800) * strike(seconds, 0.002, 0.014)
    metal = ring(hz * pitch, seconds, 0.018, (1.47, 0.6, 0.8), (2.09, 0.4, 0.6))
    body = ring(190 * pitch, seconds, 0.03, (1.9, 0.5, 0.6))
    return 0.26 * slap + (0.3 * metal + 0.55 * body) * strike(seconds, 0.002, 1.0)


def _curtain() -> Wave:
    seconds = 0.08
    return band(noise(seconds, 15), 2600, 9000) * strike(seconds, 0.03, 0.02)


SOUND = Sound("camera-shutter", _SECONDS, 0.0, wave, "Camera or photo cut sound.")
