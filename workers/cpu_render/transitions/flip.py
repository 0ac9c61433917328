"""Flip: the picture turns over like a card, and the next one is on its back."""

import math

import numpy as np
import numpy.typing as npt

from workers.cpu_render.kernels import TURN_ONE, turn
from workers.cpu_render.transitions.blur import blurred
from workers.cpu_render.transitions.contract import ONE, Transition, eased, eased_within
from workers.media.planes import BLACK, Plane, Planes

_DISTANCE = 1.9  # of the eye, in longer sides
_STEP_BACK = 0.16  # how much smaller the card is when it stands on edge
_SHADE = 0.35  # of its light is gone then
_BEHIND = 0.6  # of the light of what is behind it


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Half a turn about the upright middle, before a dim blur of both pictures."""
    angle = math.pi * eased(progress)
    card, angle = (before, angle) if angle < math.pi / 2 else (after, angle - math.pi)
    blurred(before, after, eased_within(progress, 0.2, 0.8), _BEHIND, out)
    on_edge = math.sin(angle) ** 2
    distance = _DISTANCE * max(out.width, out.height) / out.width
    light = round(ONE * (1 - _SHADE * on_edge))
    for source, row, ground in zip(card, out, BLACK, strict=True):
        _lay(source, row, angle, 1 - _STEP_BACK * on_edge, distance * row.shape[1], light, ground)


def _lay(
    source: Plane, out: Plane, angle: float, size: float, distance: float, light: int, ground: int
) -> None:
    """Turn a plane that is `distance` of its pixels away: which column is seen where, and how tall."""
    width = out.shape[1]
    cos, sin = math.cos(angle), math.sin(angle)
    x = np.arange(width) + 0.5 - width / 2
    left, right = (u * size * cos * distance / (distance + u * sin) for u in (-width / 2, width / 2))
    cover = (np.minimum(x + 0.5, right) - np.maximum(x - 0.5, left)).clip(0, 1)
    facing = np.maximum(distance * cos - x / size * sin, distance * 1e-4)
    u = (x / size * distance / facing).clip(-width / 2, width / 2)
    place = (u + width / 2 - 0.5).clip(0, width - 1)
    index = place.astype(np.int32).clip(max=width - 2)
    scale = (1 + u * sin / distance) / size
    turn(
        source,
        out,
        index,
        _whole((place - index) * 128),
        _whole(cover * 128),
        _whole(scale * TURN_ONE),
        light,
        ground,
    )


def _whole(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    return np.rint(values).astype(np.int32)


TRANSITION = Transition("flip", blend, "Flip movement: a card that turns over.")
