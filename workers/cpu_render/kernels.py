"""The inner loops of composition, compiled, without the interpreter's lock.

How they do it is in machine_code/source.py; `kernels_reference.py` says the same in plain numpy, and tests
hold the two equal, byte for byte. Types and strides are checked here, at each call; sizes are not.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from workers.cpu_render.machine_code.loading import kernels
from workers.cpu_render.machine_code.signatures import BAND, EDGE_ONE, GLOW_ONE, PAN_ONE, TURN_ONE
from workers.cpu_render.scratch import array
from workers.media.planes import Plane

__all__ = [
    "EDGE_ONE",
    "GLOW_ONE",
    "PAN_ONE",
    "TURN_ONE",
    "Sampling",
    "glow",
    "lay_over",
    "mix",
    "pan",
    "resample",
    "reveal",
    "sampling",
    "transpose",
    "turn",
]

Index = npt.NDArray[np.int32]

_PIXEL = 1 << 32
_BYTES, _INDEX = np.dtype(np.uint8), np.dtype(np.int32)
_WIDE, _LONG = np.dtype(np.uint16), np.dtype(np.int64)
_compiled = kernels()
_resample, _transpose = _compiled["resample"], _compiled["transpose"]
_mix, _lay_over, _reveal = _compiled["mix"], _compiled["lay_over"], _compiled["reveal"]
_glow, _pan, _turn = _compiled["glow"], _compiled["pan"], _compiled["turn"]


class Sampling(NamedTuple):
    """Which places along a side of a picture its output pixels show, in units of 2^-32 of its pixels.

    Output pixel n shows the place `first` + n * `step` from the edge. Beyond the edges lies the mirrored
    picture, once.
    """

    first: int
    step: int


def sampling(length: int, out_length: int, start: float, share: float) -> Sampling:
    """The middles of `out_length` equal parts of a side of `length` pixels.

    They are parts of a `share` of it from `start` on, both in fractions of the side.
    """
    step = share * length / out_length
    return Sampling(round((start * length + step / 2) * _PIXEL), round(step * _PIXEL))


def resample(sideways: Plane, out: Plane, columns: Sampling, rows: Sampling) -> None:
    """Fill `out` with a picture that lies on its side, sampled between pixels, first along `columns`.

    `sideways` has at least 2 pixels both ways, and each row some more, up to a multiple of 8.
    """
    if sideways.strides[0] < -(-sideways.shape[1] // 8) * 8:
        raise TypeError(f"rows of {sideways.shape[1]} bytes with nothing behind them")
    pairs = -(-out.shape[1] // 16)
    scratch = _scratch((32 + 16 * pairs) * BAND + 128 * pairs + 8 * out.shape[0])
    _resample(*_plane(sideways), *_drawn(out), scratch, *columns, *rows, *sideways.shape, *out.shape)


def transpose(source: Plane, out: Plane) -> None:
    """`out` becomes `source` on its side. It is C-contiguous, and its sides are rounded up to multiples of 8.

    What it has more than `source` is filled with anything.
    """
    _transpose(*_plane(source), _table(out, _BYTES), out.shape[1] // 8, _scratch(16 * BAND), *source.shape)


def mix(before: Plane, after: Plane, out: Plane, before_weight: int, after_weight: int, ground: int) -> None:
    """`out` is both pictures by their weights of 128, and `ground` for what is left of 128."""
    _mix(*_plane(before), *_plane(after), *_drawn(out), before_weight, after_weight, ground, *out.shape)


def lay_over(
    out: Plane, alpha: npt.NDArray[np.uint16], premultiplied: npt.NDArray[np.uint16], opacity: int
) -> None:
    """Lay a picture over `out`. alpha and opacity: 256 is opaque; premultiplied: value x alpha."""
    sheet = _table(alpha, _WIDE), _table(premultiplied, _WIDE), alpha.shape[1]
    _lay_over(*_drawn(out), *sheet, opacity, *out.shape)


def reveal(
    before: Plane, after: Plane, out: Plane, columns: Index, rows: Index, columns2: Index, rows2: Index
) -> None:
    """Show `after` where the smaller of two fields is EDGE_ONE or more, `before` where it is 0 or less.

    A field is columns[x] + rows[y], each within ±2^29; in between the change is a smoothstep of it.
    """
    fields = (_table(field, _INDEX) for field in (columns, rows, columns2, rows2))
    _reveal(*_plane(before), *_plane(after), *_drawn(out), *fields, *out.shape)


def glow(out: Plane, columns: Index, rows: Index, colour: int) -> None:
    """Pull `out` towards `colour` by the sum of three lights, each columns[k, x] times rows[k, y]."""
    _glow(*_drawn(out), _table(columns, _INDEX), _table(rows, _INDEX), colour, *out.shape)


def pan(
    before: Plane, after: Plane, out: Plane, sums: npt.NDArray[np.int64], shift: int, length: int
) -> None:
    """The view on `before` with `after` to its right, moved to the right and smeared along the motion.

    `shift` and `length` are in 1/256 pixels: 0 to all of the width, and at least PAN_ONE. `sums` is scratch
    of 2 x width + 2. Running sums make the mean over a span of any length exact and equally quick.
    """
    _pan(*_plane(before), *_plane(after), *_drawn(out), _table(sums, _LONG), shift, length, *out.shape)


def turn(
    source: Plane,
    out: Plane,
    index: Index,
    weight: Index,
    cover: Index,
    scale: Index,
    light: int,
    ground: int,
) -> None:
    """Lay `source`, turned about its upright middle, over `out`, of the same size.

    Column x lies between columns index[x] and index[x] + 1 by weight[x] of 128, and hides cover[x] of 128.
    Its rows are scale[x] / TURN_ONE source rows apart. `light` of 128 is left of it, on `ground`.
    """
    tables = (_table(values, _INDEX) for values in (index, weight, cover, scale))
    _turn(*_plane(source), *_drawn(out), *tables, light, ground, *out.shape)


def _plane(plane: Plane) -> tuple[int, int]:
    """Where its pixels begin, and how far its rows lie apart."""
    if plane.dtype != _BYTES or plane.strides[1] != 1:
        raise TypeError(f"no plane of bytes in rows: {plane.dtype}, strides {plane.strides}")
    return plane.ctypes.data, plane.strides[0]


def _drawn(plane: Plane) -> tuple[int, int]:
    """A plane that is drawn on."""
    if not plane.flags.writeable:
        raise TypeError("a plane that cannot be drawn on")
    return _plane(plane)


def _scratch(size: int) -> int:
    """Where this thread may keep so many bytes while a kernel runs."""
    return array("kernel", 1, size).ctypes.data


def _table(values: npt.NDArray[Any], kind: np.dtype[Any]) -> int:
    """Where numbers without gaps begin."""
    if values.dtype != kind or not values.flags.c_contiguous:
        raise TypeError(f"no table of {kind} without gaps: {values.dtype}, strides {values.strides}")
    return values.ctypes.data
