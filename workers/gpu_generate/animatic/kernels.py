"""The inner loops of the animatic, compiled by numba: a stack of sheets seen by a camera, straight to I420.

Colours are BT.709 in limited range, as everything in workers/media is.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from workers.gpu_generate import kernel_cache
from workers.media.planes import Plane

TILE = 16
_AROUND = 5  # pixels of a sheet that a block of output may reach beyond its first one
F = TypeVar("F", bound=Callable[..., Any])
Floats = npt.NDArray[np.float32]

kernel_cache.prepare(__file__)


def _kernel(signature: str) -> Callable[[F], F]:
    """Compile at import, or load from the cache. `fastmath` is left off: frames are the same everywhere."""
    return cast(Callable[[F], F], numba.njit(signature, nogil=True, boundscheck=False, cache=True))


@_kernel("void(float32[:,:,:], float32[:,::1], float32[:,::1], boolean, uint8[:,:,::1])")
def pack(colour: Floats, amount: Floats, noise: Floats, shines: bool, out: npt.NDArray[np.uint8]) -> None:
    """Colours 0..1 by their amount into a premultiplied sheet, with noise in place of steps.

    `colour` may have one row, one column or both. What `shines` has no alpha.
    """
    rows, columns, size = out.shape[0], out.shape[1], noise.shape[0]
    tall, wide = colour.shape[0] > 1, colour.shape[1] > 1
    for y in range(rows):
        for x in range(columns):
            share = min(max(amount[y, x], np.float32(0)), np.float32(1)) * np.float32(255)
            if share < np.float32(0.1):
                out[y, x, 0] = out[y, x, 1] = out[y, x, 2] = out[y, x, 3] = 0
                continue
            speck = noise[y % size, x % size]
            for part in range(3):
                value = colour[y if tall else 0, x if wide else 0, part] * share + speck
                out[y, x, part] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
            out[y, x, 3] = np.uint8(0) if shines else np.uint8(share + np.float32(0.5))


@_kernel("void(uint8[:,:,::1], uint8[:,:,::1])")
def lay(over: npt.NDArray[np.uint8], under: npt.NDArray[np.uint8]) -> None:
    """Lay one sheet over another, into that one."""
    for y in range(over.shape[0]):
        for x in range(over.shape[1]):
            rest = np.int32(255) - over[y, x, 3]
            for part in range(4):
                value = over[y, x, part] + (under[y, x, part] * rest + np.int32(127)) // np.int32(255)
                under[y, x, part] = np.uint8(min(value, np.int32(255)))


@_kernel("void(uint32[:,::1], uint8[:,::1])")
def find_tiles(sheet: npt.NDArray[np.uint32], tiles: Plane) -> None:
    """Mark the tiles of a sheet that hold anything, each with the pixels around it."""
    rows, columns = sheet.shape
    for y in range(rows):
        for x in range(columns):
            if sheet[y, x]:
                for ty in range(max(0, y - _AROUND) // TILE, min(rows - 1, y + _AROUND) // TILE + 1):
                    for tx in range(max(0, x - _AROUND) // TILE, min(columns - 1, x + _AROUND) // TILE + 1):
                        tiles[ty, tx] = 1


@_kernel(
    "void(uint32[:,:,::1], uint8[:,:,::1], float32[:,::1], float32[:,::1], float32[::1], float32[::1],"
    " float32, int8[:,::1], int32, int32, float32, uint8[:,:], uint8[:,:], uint8[:,:])"
)
def look(
    sheets: npt.NDArray[np.uint32],
    tiles: npt.NDArray[np.uint8],
    maps: Floats,
    sways: Floats,
    gains: Floats,
    shades: Floats,
    vignette: float,
    grain: npt.NDArray[np.int8],
    grain_x: int,
    grain_y: int,
    grain_gain: float,
    out_y: Plane,
    out_u: Plane,
    out_v: Plane,
) -> None:
    """Look at a stack of sheets, the nearest first, through one affine map each.

    Sheets hold premultiplied RGBA, a byte each. `maps` (sheets, 6) give the place on the sheet of an output
    pixel: x = m0 + m1 x + m2 y, y = m3 + m4 x + m5 y. `sways` (sheets, rows) move rows sideways, `gains`
    weaken whole sheets, `shades` (rows) and `vignette` darken all behind the first. Width and height of the
    output are even, and neighbours on it at most two pixels apart on a sheet.
    """
    height, width = out_y.shape
    count, rows, columns = sheets.shape
    size = grain.shape[0]
    wide, high = np.float32(columns - 1.01), np.float32(rows - 1.01)
    nought, one = np.float32(0), np.float32(1)
    # Red and blue, then green and alpha, are summed two at a time in one word, each in 16 bits.
    pair, low = np.uint32(0x00FF00FF), np.uint32(0xFFFF)
    eight, sixteen = np.uint32(8), np.uint32(16)
    unit = np.float32(1 / 256)
    found = np.empty((4, 4), np.float32)
    for block_y in range(height // 2):
        top = np.float32(block_y * 2)
        for block_x in range(width // 2):
            left = np.float32(block_x * 2)
            away_x = left / np.float32(width) - np.float32(0.5)
            away_y = top / np.float32(height) - np.float32(0.5)
            dim = one - vignette * (away_x * away_x + away_y * away_y)
            for corner in range(4):
                found[corner, 0] = found[corner, 1] = found[corner, 2] = nought
                found[corner, 3] = one
            for number in range(count):
                if number == 1:
                    for corner in range(4):
                        found[corner, 3] *= shades[block_y * 2] * dim
                m = maps[number]
                start_x = m[0] + m[1] * left + m[2] * top + sways[number, block_y * 2]
                start_y = m[3] + m[4] * left + m[5] * top
                tile_x = int(min(max(start_x, nought), wide)) // TILE
                tile_y = int(min(max(start_y, nought), high)) // TILE
                if tiles[number, tile_y, tile_x] == 0:
                    continue
                sheet, gain = sheets[number], gains[number]
                left_over = nought
                for corner in range(4):
                    rest = found[corner, 3]
                    if rest < np.float32(0.004):
                        continue
                    right, down = np.float32(corner & 1), np.float32(corner >> 1)
                    at_x = min(max(start_x + m[1] * right + m[2] * down, nought), wide)
                    at_y = min(max(start_y + m[4] * right + m[5] * down, nought), high)
                    x0, y0 = int(at_x), int(at_y)
                    part_x = np.uint32((at_x - np.float32(x0)) * np.float32(256))
                    part_y = np.uint32((at_y - np.float32(y0)) * np.float32(256))
                    w11 = (part_x * part_y) >> eight
                    w01, w10 = part_x - w11, part_y - w11
                    w00 = np.uint32(256) - part_x - w10
                    p00, p01 = sheet[y0, x0], sheet[y0, x0 + 1]
                    p10, p11 = sheet[y0 + 1, x0], sheet[y0 + 1, x0 + 1]
                    rb = (p00 & pair) * w00 + (p01 & pair) * w01 + (p10 & pair) * w10 + (p11 & pair) * w11
                    ga = (
                        ((p00 >> eight) & pair) * w00
                        + ((p01 >> eight) & pair) * w01
                        + ((p10 >> eight) & pair) * w10
                        + ((p11 >> eight) & pair) * w11
                    )
                    weight = gain * rest * unit
                    found[corner, 0] += weight * np.float32(rb & low)
                    found[corner, 1] += weight * np.float32(ga & low)
                    found[corner, 2] += weight * np.float32(rb >> sixteen)
                    rest -= weight * np.float32(ga >> sixteen) * np.float32(1 / 255)
                    found[corner, 3] = rest
                    left_over = max(left_over, rest)
                if left_over < np.float32(0.004):
                    break
            sum_r = sum_g = sum_b = nought
            for corner in range(4):
                r = min(found[corner, 0], np.float32(255))
                g = min(found[corner, 1], np.float32(255))
                b = min(found[corner, 2], np.float32(255))
                sum_r, sum_g, sum_b = sum_r + r, sum_g + g, sum_b + b
                py, px = block_y * 2 + (corner >> 1), block_x * 2 + (corner & 1)
                speck = grain_gain * np.float32(grain[(py + grain_y) % size, (px + grain_x) % size])
                luma = (
                    np.float32(16.5)
                    + np.float32(0.18259) * r
                    + np.float32(0.61423) * g
                    + np.float32(0.06201) * b
                )
                out_y[py, px] = np.uint8(min(max(luma + speck, np.float32(16)), np.float32(235)))
            r, g, b = sum_r * np.float32(0.25), sum_g * np.float32(0.25), sum_b * np.float32(0.25)
            out_u[block_y, block_x] = np.uint8(
                np.float32(128.5)
                - np.float32(0.10064) * r
                - np.float32(0.33857) * g
                + np.float32(0.43922) * b
            )
            out_v[block_y, block_x] = np.uint8(
                np.float32(128.5)
                + np.float32(0.43922) * r
                - np.float32(0.39894) * g
                - np.float32(0.04027) * b
            )


@_kernel(
    "void(uint8[:,:], uint8[:,:], uint8[:,:], float32, float32, float32, float32, float32, float32, float32,"
    " float32, float32)"
)
def fleck(
    out_y: Plane,
    out_u: Plane,
    out_v: Plane,
    x: float,
    y: float,
    to_x: float,
    to_y: float,
    radius: float,
    strength: float,
    luma: float,
    u: float,
    v: float,
) -> None:
    """A soft streak from one place to another, in pixels; a dot when they are the same."""
    height, width = out_y.shape
    left, right = int(min(x, to_x) - radius) - 1, int(max(x, to_x) + radius) + 2
    top, bottom = int(min(y, to_y) - radius) - 1, int(max(y, to_y) + radius) + 2
    run_x, run_y = to_x - x, to_y - y
    length = run_x * run_x + run_y * run_y + np.float32(1e-6)
    for py in range(max(0, top), min(height, bottom)):
        for px in range(max(0, left), min(width, right)):
            along = ((px - x) * run_x + (py - y) * run_y) / length
            along = np.float32(0) if along < 0 else np.float32(1) if along > 1 else along
            far_x, far_y = px - x - along * run_x, py - y - along * run_y
            near = np.float32(1) - (far_x * far_x + far_y * far_y) / (radius * radius)
            if near <= 0:
                continue
            weight = strength * near * near
            out_y[py, px] = np.uint8(out_y[py, px] + weight * (luma - np.float32(out_y[py, px])))
            if (py | px) & 1 == 0:
                half_y, half_x = py >> 1, px >> 1
                out_u[half_y, half_x] = np.uint8(
                    out_u[half_y, half_x] + weight * (u - np.float32(out_u[half_y, half_x]))
                )
                out_v[half_y, half_x] = np.uint8(
                    out_v[half_y, half_x] + weight * (v - np.float32(out_v[half_y, half_x]))
                )
