"""Fade: a dissolve through a brief dark moment, softer than a dip to black, calmer than a crossfade."""

import math

from workers.cpu_render.transitions.contract import ONE, Transition, mix_planes
from workers.media.planes import Planes

_DARKEST = 0.6  # share of the light that is gone halfway


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Dim, change over while it is darkest, and brighten again."""
    light = 1 - _DARKEST * math.sin(math.pi * progress) ** 2
    late = progress * progress * (3 - 2 * progress)
    mix_planes(before, after, out, round(ONE * light * (1 - late)), round(ONE * light * late))


TRANSITION = Transition("fade", blend, "Simple fade, through a brief dark moment.")
