"""Iris: the next picture opens as a circle from the middle."""

import math

from workers.cpu_render.transitions.contract import Transition, eased
from workers.cpu_render.transitions.field import Field, reveal_by
from workers.media.planes import Planes

_SOFT = 0.09  # of the shorter side


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """A round circle in every shape of picture. (R² - r²) / 2R is near R - r where it matters."""
    soft = _SOFT * min(out.width, out.height)
    along = eased(progress)
    radius = along * math.hypot(out.width, out.height) / 2
    steep = soft * max(2 * radius, soft)
    field = Field(lambda x: along + (radius**2 - x * x) / steep, lambda y: -y * y / steep)
    reveal_by(before, after, out, field, field)


TRANSITION = Transition("iris", blend, "Iris-style reveal.")
