"""A dim, blurred mixture of two pictures, for behind what does not fill the frame."""

import math

import numpy as np
import numpy.typing as npt

from workers.cpu_render.transitions.lens import stretch
from workers.media.planes import BLACK, Plane, Planes

_LEFT = 67.5  # the blur is done where it is cheap: on a copy with some so many pixels of the shorter side
_SAMPLED = 4  # of the pixels in each of its rows and columns
_PASSES = 14

Floats = npt.NDArray[np.float32]


def blurred(before: Planes, after: Planes, late: float, light: float, out: Planes) -> None:
    """Draw over `out`: `late` of the second picture, and of all that `light`, on black."""
    shrink = _shrink(min(out.width, out.height))
    for first, second, row, ground, halved in zip(before, after, out, BLACK, (1, 2, 2), strict=True):
        small = (1 - late) * _small(first, shrink // halved) + late * _small(second, shrink // halved)
        dim = ground + light * (_soft(_soft(small).T).T - ground)
        stretch(np.rint(dim).astype(np.uint8), row, 1.0)


def _shrink(shorter: int) -> int:
    """A power of two, so that whole samples lie in each block of both luma and chroma."""
    return 1 << max(1, round(math.log2(shorter / _LEFT)))


def _small(plane: Plane, shrink: int) -> Floats:
    """The mean of each block of `shrink` x `shrink`, by a few of its pixels."""
    step = max(1, shrink // _SAMPLED)
    height, width = plane.shape[0] // shrink, plane.shape[1] // shrink
    picked = plane[: height * shrink : step, : width * shrink : step]
    blocks = picked.reshape(height, shrink // step, width, shrink // step)
    means: Floats = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _soft(small: Floats) -> Floats:
    """Smeared along its columns; the edges are held."""
    for _ in range(_PASSES):
        padded = np.pad(small, ((1, 1), (0, 0)), mode="edge")
        small = np.float32(0.25) * (padded[:-2] + small + small + padded[2:])
    return small
