"""Reveals along a soft edge: a field over the picture says where its edge is, as in kernels.reveal.

Coordinates are of the full picture's pixels about its middle, x to the right and y down, in every plane.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.cpu_render.kernels import EDGE_ONE, reveal
from workers.media.planes import Planes

Floats = npt.NDArray[np.float64]

_LIMIT = 1 << 29


@dataclass(frozen=True, slots=True)
class Field:
    """`of_x(x) + of_y(y)`: 0 and less is the picture before, 1 and more the one after."""

    of_x: Callable[[Floats], Floats]
    of_y: Callable[[Floats], Floats]


def reveal_by(before: Planes, after: Planes, out: Planes, first: Field, second: Field) -> None:
    """Show `after` where both fields are high."""
    for early, late, row in zip(before, after, out, strict=True):
        x, y = _middles(row.shape[1], out.width), _middles(row.shape[0], out.height)
        reveal(early, late, row, *_tables(first, x, y), *_tables(second, x, y))


def _middles(count: int, length: int) -> Floats:
    """Where the pixels of a plane's row or column lie."""
    return ((np.arange(count) + 0.5) / count - 0.5) * length


def _tables(field: Field, x: Floats, y: Floats) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    return _whole(field.of_x(x)), _whole(field.of_y(y))


def _whole(values: Floats) -> npt.NDArray[np.int32]:
    limited: Floats = (values * EDGE_ONE).clip(-_LIMIT, _LIMIT)
    return np.rint(limited).astype(np.int32)
