"""Dip to black: one picture goes out, then the other comes up."""

import math

from workers.cpu_render.transitions.contract import ONE, Transition, mix_planes
from workers.media.planes import Planes


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Never both at once, and black at the cut only: the light goes gently and turns at once."""
    light = round(ONE * abs(math.cos(math.pi * progress)))
    mix_planes(before, after, out, light if progress < 0.5 else 0, light if progress >= 0.5 else 0)


TRANSITION = Transition("dip-to-black", blend, "Fades through black.")
