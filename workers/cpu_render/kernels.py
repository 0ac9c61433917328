"""The inner loops of composition, compiled by numba, without the interpreter's lock.

`kernels_reference.py` says the same in plain numpy; tests hold the two equal, byte for byte. All sums
are explicit int32: numba takes uint16 to 64 bit, which is 40 times slower. Weights have 7 bits: 128 is all.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from workers.cpu_render import kernel_cache
from workers.media.planes import Plane

EDGE_ONE = 1024  # of the fields of `reveal`: from here on all is `after`
GLOW_ONE = 4096  # of the rows, columns and sum of `glow`
PAN_ONE = 256  # a pixel, in `pan`
TURN_ONE = 65_536  # of the scale in `turn`

kernel_cache.prepare()

F = TypeVar("F", bound=Callable[..., Any])
Index = npt.NDArray[np.int32]

_i32 = numba.int32
_i64 = numba.int64
_f64 = numba.float64
_u8 = numba.uint8
_u64 = numba.uint64


def _kernel(signature: str) -> Callable[[F], F]:
    """Compile at import, or load from the cache: never in the middle of a render."""
    decorate = numba.njit(signature, nogil=True, boundscheck=False, cache=True)
    return cast(Callable[[F], F], decorate)


@_kernel("void(uint8[:,:], uint8[:,:], int32[::1], int32[::1])")
def blend_rows(source: Plane, out: Plane, index: Index, weight: Index) -> None:
    """Row y of `out` is between rows index[y] and index[y] + 1 of `source`, by weight[y] of 128."""
    width = out.shape[1]
    for y in range(out.shape[0]):
        above, below, row = source[index[y]], source[index[y] + 1], out[y]
        late = _i32(weight[y])
        early = _i32(128) - late
        for x in range(width):
            row[x] = _u8((_i32(above[x]) * early + _i32(below[x]) * late + _i32(64)) >> _i32(7))


@_kernel("void(uint64[:,::1], uint64[:,::1])")
def _transpose_words(source: Any, out: Any) -> None:
    """Transpose bytes in blocks of 8 x 8, each held in eight words (Hacker's Delight, 7-3)."""
    low32 = _u64(0x00000000FFFFFFFF)
    low16 = _u64(0x0000FFFF0000FFFF)
    low8 = _u64(0x00FF00FF00FF00FF)
    s32, s16, s8 = _u64(32), _u64(16), _u64(8)
    for yq in range(source.shape[0] // 8):
        y = yq * 8
        for xq in range(source.shape[1]):
            x = xq * 8
            a0, a1, a2, a3 = source[y, xq], source[y + 1, xq], source[y + 2, xq], source[y + 3, xq]
            a4, a5, a6, a7 = source[y + 4, xq], source[y + 5, xq], source[y + 6, xq], source[y + 7, xq]
            b0, b4 = (a0 & low32) | (a4 << s32), (a0 >> s32) | (a4 & ~low32)
            b1, b5 = (a1 & low32) | (a5 << s32), (a1 >> s32) | (a5 & ~low32)
            b2, b6 = (a2 & low32) | (a6 << s32), (a2 >> s32) | (a6 & ~low32)
            b3, b7 = (a3 & low32) | (a7 << s32), (a3 >> s32) | (a7 & ~low32)
            c0, c2 = (b0 & low16) | ((b2 & low16) << s16), ((b0 >> s16) & low16) | (b2 & ~low16)
            c1, c3 = (b1 & low16) | ((b3 & low16) << s16), ((b1 >> s16) & low16) | (b3 & ~low16)
            c4, c6 = (b4 & low16) | ((b6 & low16) << s16), ((b4 >> s16) & low16) | (b6 & ~low16)
            c5, c7 = (b5 & low16) | ((b7 & low16) << s16), ((b5 >> s16) & low16) | (b7 & ~low16)
            out[x, yq] = (c0 & low8) | ((c1 & low8) << s8)
            out[x + 1, yq] = ((c0 >> s8) & low8) | (c1 & ~low8)
            out[x + 2, yq] = (c2 & low8) | ((c3 & low8) << s8)
            out[x + 3, yq] = ((c2 >> s8) & low8) | (c3 & ~low8)
            out[x + 4, yq] = (c4 & low8) | ((c5 & low8) << s8)
            out[x + 5, yq] = ((c4 >> s8) & low8) | (c5 & ~low8)
            out[x + 6, yq] = (c6 & low8) | ((c7 & low8) << s8)
            out[x + 7, yq] = ((c6 >> s8) & low8) | (c7 & ~low8)


def transpose(source: Plane, out: Plane) -> None:
    """`out` becomes `source` on its side. Both C-contiguous, both sides multiples of 8."""
    _transpose_words(source.view(np.uint64), out.view(np.uint64))


@_kernel("void(uint8[:,:], uint8[:,:], uint8[:,:], int32, int32, int32)")
def mix(before: Plane, after: Plane, out: Plane, before_weight: int, after_weight: int, ground: int) -> None:
    """`out` is both pictures by their weights of 128, and `ground` for what is left of 128."""
    early, late = _i32(before_weight), _i32(after_weight)
    rest = _i32(ground) * (_i32(128) - early - late) + _i32(64)
    width = out.shape[1]
    for y in range(out.shape[0]):
        first, second, row = before[y], after[y], out[y]
        for x in range(width):
            row[x] = _u8((_i32(first[x]) * early + _i32(second[x]) * late + rest) >> _i32(7))


@_kernel("void(uint8[:,:], uint16[:,::1], uint16[:,::1], int32)")
def lay_over(
    out: Plane, alpha: npt.NDArray[np.uint16], premultiplied: npt.NDArray[np.uint16], opacity: int
) -> None:
    """Lay a picture over `out`. alpha and opacity: 256 is opaque; premultiplied: value x alpha."""
    strength = _i32(opacity)
    width = out.shape[1]
    for y in range(out.shape[0]):
        row, cover, colour = out[y], alpha[y], premultiplied[y]
        for x in range(width):
            covered = (_i32(cover[x]) * strength) >> _i32(8)
            added = (_i32(colour[x]) * strength) >> _i32(8)
            row[x] = _u8((_i32(row[x]) * (_i32(256) - covered) + added + _i32(128)) >> _i32(8))


@_kernel(
    "void(uint8[:,:], uint8[:,:], uint8[:,:], int32[::1], int32[::1], int32[::1], int32[::1])",
)
def reveal(
    before: Plane, after: Plane, out: Plane, columns: Index, rows: Index, columns2: Index, rows2: Index
) -> None:
    """Show `after` where the smaller of two fields is EDGE_ONE or more, `before` where it is 0 or less.

    A field is columns[x] + rows[y], each within ±2^29; in between the change is a smoothstep of it.
    """
    width = out.shape[1]
    one = _i32(EDGE_ONE)
    for y in range(out.shape[0]):
        first, second, row = before[y], after[y], out[y]
        here, there = _i32(rows[y]), _i32(rows2[y])
        for x in range(width):
            field = max(_i32(0), min(one, min(_i32(columns[x]) + here, _i32(columns2[x]) + there)))
            late = (field * field * (_i32(3 * EDGE_ONE) - _i32(2) * field)) >> _i32(20)
            row[x] = _u8((_i32(first[x]) * (one - late) + _i32(second[x]) * late + _i32(512)) >> _i32(10))


@_kernel("void(uint8[:,:], int32[:,::1], int32[:,::1], int32)")
def glow(out: Plane, columns: Index, rows: Index, colour: int) -> None:
    """Pull `out` towards `colour` by the sum of three lights, each columns[k, x] times rows[k, y]."""
    width = out.shape[1]
    one, target = _i32(GLOW_ONE), _i32(colour)
    for y in range(out.shape[0]):
        row = out[y]
        a, b, c = _i32(rows[0, y]), _i32(rows[1, y]), _i32(rows[2, y])
        for x in range(width):
            light = a * _i32(columns[0, x]) + b * _i32(columns[1, x]) + c * _i32(columns[2, x])
            strength = min(one, light >> _i32(12))
            value = _i32(row[x])
            row[x] = _u8(value + (((target - value) * strength + _i32(2048)) >> _i32(12)))


@_kernel("void(uint8[:,:], uint8[:,:], uint8[:,:], int64[::1], int64, int64)")
def pan(
    before: Plane, after: Plane, out: Plane, sums: npt.NDArray[np.int64], shift: int, length: int
) -> None:
    """The view on `before` with `after` to its right, moved to the right and smeared along the motion.

    `shift` and `length` are in 1/256 pixels: 0 to all of the width, and at least PAN_ONE. `sums` is scratch
    of 2 x width + 2. Running sums make the mean over a span of any length exact and equally quick.
    """
    width = out.shape[1]
    span = _f64(length)
    start = _i64(shift) - (_i64(length) - _i64(PAN_ONE)) // _i64(2)
    last = _i64(2 * width * PAN_ONE) - _i64(length)
    for y in range(out.shape[0]):
        first, second, row = before[y], after[y], out[y]
        total = _i64(0)
        for x in range(width):
            sums[x] = total
            total += _i64(first[x])
        for x in range(width):
            sums[width + x] = total
            total += _i64(second[x])
        sums[2 * width] = sums[2 * width + 1] = total
        for x in range(width):
            left = max(_i64(0), min(last, start + _i64(x * PAN_ONE)))
            right = left + _i64(length)
            i, j = _u64(left >> _i64(8)), _u64(right >> _i64(8))
            low = (sums[i] << _i64(8)) + (left & _i64(255)) * (sums[i + _u64(1)] - sums[i])
            high = (sums[j] << _i64(8)) + (right & _i64(255)) * (sums[j + _u64(1)] - sums[j])
            row[x] = _u8(_f64(high - low) / span + _f64(0.5))


@_kernel(
    "void(uint8[:,:], uint8[:,:], int32[::1], int32[::1], int32[::1], int32[::1], int32, int32)",
)
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
    height, width = out.shape
    for y in range(height):
        row = out[y]
        for x in range(width):
            if cover[x] == 0:
                continue
            place = ((_i32(2 * y + 1 - height) * _i32(scale[x])) >> _i32(1)) + _i32((height - 1) * 32_768)
            within = min(place, _i32((height - 1) * TURN_ONE) - place)
            hidden = max(_i32(0), min(_i32(128), (within + _i32(TURN_ONE)) >> _i32(9)))
            hidden = (hidden * _i32(cover[x])) >> _i32(7)
            at = max(_i32(0), min(_i32((height - 1) * TURN_ONE), place))
            top, i = min(_i32(height - 2), at >> _i32(16)), _u64(index[x])  # unsigned: never from the end
            late = (at - (top << _i32(16))) >> _i32(9)
            above, below = source[_u64(top)], source[_u64(top) + _u64(1)]
            wide = _i32(weight[x])
            upper = _i32(above[i]) * (_i32(128) - wide) + _i32(above[i + _u64(1)]) * wide
            lower = _i32(below[i]) * (_i32(128) - wide) + _i32(below[i + _u64(1)]) * wide
            value = (upper * (_i32(128) - late) + lower * late + _i32(8192)) >> _i32(14)
            lit = ground + (((value - _i32(ground)) * _i32(light) + _i32(64)) >> _i32(7))
            under = _i32(row[x])
            row[x] = _u8(under + (((lit - under) * hidden + _i32(64)) >> _i32(7)))
