"""The inner loops of charts, compiled by numba: masks of marks, their colours on I420, a moving window."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from workers.gpu_generate import kernel_cache
from workers.media.planes import Plane

F = TypeVar("F", bound=Callable[..., Any])
Floats = npt.NDArray[np.float32]

kernel_cache.prepare(__file__)


def _kernel(signature: str) -> Callable[[F], F]:
    """Compile at import, or load from the cache."""
    return cast(Callable[[F], F], numba.njit(signature, nogil=True, boundscheck=False, cache=True))


@_kernel("void(uint8[:,::1], float32[::1], int32, int32, float32, float32)")
def trace(mask: Plane, heights: Floats, start: int, end: int, thick: float, strength: float) -> None:
    """A line through `heights` (a row for each column), from column `start` to `end`, `thick` pixels wide."""
    rows = mask.shape[0]
    half = thick / np.float32(2)
    for x in range(start, end):
        before, after = heights[max(x - 1, 0)], heights[min(x + 1, heights.shape[0] - 1)]
        lean = np.float32(np.sqrt(np.float32(1) + ((after - before) / np.float32(2)) ** 2))
        low, high = min(before, after, heights[x]), max(before, after, heights[x])
        reach = half * lean + np.float32(1)
        for y in range(max(0, int(low - reach)), min(rows, int(high + reach) + 2)):
            far = abs(np.float32(y) - heights[x]) / lean
            value = strength * min(max(half + np.float32(0.5) - far, np.float32(0)), np.float32(1))
            if value > mask[y, x]:
                mask[y, x] = np.uint8(value)


@_kernel("void(uint8[:,::1], float32[::1], float32[::1], int32, int32, float32, float32, float32)")
def fill(
    mask: Plane,
    heights: Floats,
    floors: Floats,
    start: int,
    end: int,
    top: float,
    foot: float,
    reach: float,
) -> None:
    """Between a line and a floor: `foot` strong at the floor, and `top` so many rows from it."""
    rows = mask.shape[0]
    for x in range(start, end):
        upper, lower = min(heights[x], floors[x]), max(heights[x], floors[x])
        for y in range(max(0, int(upper)), min(rows, int(lower) + 1)):
            inside = min(np.float32(y + 1) - upper, lower - np.float32(y), np.float32(1))
            part = min(abs(np.float32(y) - floors[x]) / reach, np.float32(1))
            mask[y, x] = np.uint8(max(inside, np.float32(0)) * (foot + (top - foot) * part))


@_kernel("void(uint8[:,::1], float32, float32, float32, float32)")
def dot(mask: Plane, x: float, y: float, radius: float, strength: float) -> None:
    """A filled circle."""
    for row in range(max(0, int(y - radius) - 1), min(mask.shape[0], int(y + radius) + 2)):
        for column in range(max(0, int(x - radius) - 1), min(mask.shape[1], int(x + radius) + 2)):
            far = np.float32(np.sqrt((column - x) ** 2 + (row - y) ** 2))
            value = strength * min(max(radius + np.float32(0.5) - far, np.float32(0)), np.float32(1))
            if value > mask[row, column]:
                mask[row, column] = np.uint8(value)


@_kernel("void(uint8[:,::1], float32, float32, float32, float32, float32)")
def bar(mask: Plane, left: float, right: float, head: float, floor: float, round_by: float) -> None:
    """A bar from its floor to its head, whose corners there are round. It may hang down."""
    top, bottom = min(head, floor), max(head, floor)
    corner = min(round_by, (right - left) / 2.0, bottom - top)
    at = top + corner if head < floor else bottom - corner
    for y in range(max(0, int(top) - 1), min(mask.shape[0], int(bottom) + 2)):
        down = min(y + 1.0 - top, bottom - y, 1.0)
        beyond = max(at - y, 0.0) if head < floor else max(y - at, 0.0)
        for x in range(max(0, int(left) - 1), min(mask.shape[1], int(right) + 2)):
            inside = min(x + 1.0 - left, right - x, 1.0)
            aside = max(left + corner - x, x - (right - corner), 0.0)
            if beyond > 0 and aside > 0:
                far = float(np.sqrt(beyond * beyond + aside * aside))
                inside = min(inside, corner + 0.5 - far)
            value = 255.0 * max(min(inside, down), 0.0)
            if value > mask[y, x]:
                mask[y, x] = np.uint8(value)


@_kernel("void(uint8[:,::1], float32[::1], float32[::1], float32, float32, float32)")
def bars(mask: Plane, lefts: Floats, heads: Floats, wide: float, floor: float, round_by: float) -> None:
    """Bars from one floor. One that is less than half a pixel high is left out."""
    for number in range(lefts.shape[0]):
        if abs(heads[number] - floor) >= 0.5:
            bar(mask, lefts[number], lefts[number] + wide, heads[number], floor, round_by)


@_kernel(
    "void(uint8[:,::1], float32[:,::1], float32[:,::1], int32, int32, int32[::1], float32, float32, float32,"
    " float32, float32)"
)
def slice_(
    mask: Plane,
    turns: Floats,
    ways: Floats,
    left: int,
    top: int,
    box: npt.NDArray[np.int32],
    start: float,
    end: float,
    inner: float,
    outer: float,
    gap: float,
) -> None:
    """A piece of a ring between two angles in turns. `turns`, `ways`: each pixel's angle and distance.

    `box` is where of these the piece lies: left, top, right, bottom.
    """
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            way = ways[y, x]
            if way < inner - 1 or way > outer + 1:
                continue
            turn, around = turns[y, x], np.float32(6.2831855) * way
            edge = min((turn - start) * around, (end - turn) * around) - gap
            value = min(way - inner, outer - way, edge) + np.float32(0.5)
            value = np.float32(255) * min(max(value, np.float32(0)), np.float32(1))
            if value > mask[y + top, x + left]:
                mask[y + top, x + left] = np.uint8(value)


@_kernel(
    "void(uint8[:,:], uint8[:,:], uint8[:,:], uint8[:,::1], int32, int32, int32, int32, int32, int32, int32)"
)
def tint(
    out_y: Plane,
    out_u: Plane,
    out_v: Plane,
    mask: Plane,
    left: int,
    top: int,
    right: int,
    bottom: int,
    luma: int,
    u: int,
    v: int,
) -> None:
    """Lay one colour on a picture where a mask is, within a box of even sides; the mask is empty after it."""
    for half_y in range(top // 2, bottom // 2):
        for half_x in range(left // 2, right // 2):
            y, x = half_y * 2, half_x * 2
            total = np.int32(mask[y, x]) + mask[y, x + 1] + mask[y + 1, x] + mask[y + 1, x + 1]
            if total == 0:
                continue
            for corner in range(4):
                row, column = y + (corner >> 1), x + (corner & 1)
                share = np.int32(mask[row, column])
                share += share >> 7
                out_y[row, column] = np.uint8(
                    (np.int32(out_y[row, column]) * (np.int32(256) - share) + luma * share + 128) >> 8
                )
                mask[row, column] = 0
            share = (total + 2) >> 2
            share += share >> 7
            rest = np.int32(256) - share
            out_u[half_y, half_x] = np.uint8((np.int32(out_u[half_y, half_x]) * rest + u * share + 128) >> 8)
            out_v[half_y, half_x] = np.uint8((np.int32(out_v[half_y, half_x]) * rest + v * share + 128) >> 8)


@_kernel("void(uint8[:,:], uint8[:,:], int32[::1], int32[::1], int32[::1], int32[::1], uint8[::1])")
def window(
    source: Plane,
    out: Plane,
    columns: npt.NDArray[np.int32],
    parts_x: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int32],
    parts_y: npt.NDArray[np.int32],
    line: Plane,
) -> None:
    """A part of a plane, enlarged. Indexes are of the pixel before, parts of 128 of the next one."""
    for y in range(out.shape[0]):
        above, below, late = source[rows[y]], source[rows[y] + 1], parts_y[y]
        for x in range(source.shape[1]):
            line[x] = np.uint8(
                (np.int32(above[x]) * (np.int32(128) - late) + np.int32(below[x]) * late + 64) >> 7
            )
        for x in range(out.shape[1]):
            at, part = columns[x], parts_x[x]
            out[y, x] = np.uint8(
                (np.int32(line[at]) * (np.int32(128) - part) + np.int32(line[at + 1]) * part + 64) >> 7
            )
