"""Light leak: warm light falls into the camera, wanders over the picture and takes the old one along.

Light only brightens what it falls on, and colours it; it never fills the picture, and it is never white.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.cpu_render.kernels import GLOW_ONE, glow
from workers.cpu_render.transitions.contract import ONE, Transition, eased_within, mix_planes
from workers.media.planes import Plane, Planes

_BRIGHT = 235  # what luma is drawn to


@dataclass(frozen=True, slots=True)
class _Spot:
    """A round-edged light. Places and sizes are fractions of width and height; it moves with the progress."""

    x: float
    y: float
    wander_x: float
    wander_y: float
    wide: float
    tall: float
    strength: float


@dataclass(frozen=True, slots=True)
class _Light:
    """Three spots of one colour (U, V), and how much of their strength is brightness."""

    spots: tuple[_Spot, _Spot, _Spot]
    colour: tuple[int, int]
    brightness: float


_EMBER = _Light(  # a deep orange red, wide and low
    (
        _Spot(-0.05, 0.25, 0.95, 0.10, 0.24, 0.50, 0.62),
        _Spot(0.30, 1.05, 0.70, -0.15, 0.36, 0.24, 0.46),
        _Spot(-0.40, 0.60, 0.90, -0.10, 0.16, 0.90, 0.40),
    ),
    (90, 192),
    0.34,
)
_AMBER = _Light(  # golden, its core
    (
        _Spot(-0.14, 0.16, 1.10, 0.14, 0.11, 0.34, 0.62),
        _Spot(0.10, -0.02, 0.90, 0.08, 0.26, 0.13, 0.40),
        _Spot(0.02, 0.84, 0.86, -0.22, 0.08, 0.17, 0.32),
    ),
    (84, 158),
    0.72,
)


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """The pictures dissolve while the light is strongest."""
    late = round(ONE * eased_within(progress, 0.2, 0.8))
    mix_planes(before, after, out, ONE - late, late)
    swell = math.sin(math.pi * min(1.0, max(0.0, progress))) ** 2
    for light in (_EMBER, _AMBER):
        targets = (_BRIGHT, *light.colour)
        for plane, target, share in zip(out, targets, (light.brightness, 1.0, 1.0), strict=True):
            _shine(plane, light.spots, progress, swell * share, target)


def _shine(plane: Plane, spots: Sequence[_Spot], progress: float, strength: float, target: int) -> None:
    height, width = plane.shape
    columns = [_bell(width, spot.x + spot.wander_x * progress, spot.wide, 1.0) for spot in spots]
    rows = [
        _bell(height, spot.y + spot.wander_y * progress, spot.tall, spot.strength * strength)
        for spot in spots
    ]
    glow(plane, np.stack(columns), np.stack(rows), target)


def _bell(count: int, middle: float, spread: float, strength: float) -> npt.NDArray[np.int32]:
    """A Gaussian over the pixels of a row or column, in units of GLOW_ONE."""
    places = (np.arange(count) + 0.5) / count
    return np.rint(GLOW_ONE * strength * np.exp(-0.5 * ((places - middle) / spread) ** 2)).astype(np.int32)


TRANSITION = Transition("light-leak", blend, "A warm flare of light wanders over the cut.")
