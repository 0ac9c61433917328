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

kernel_cache.prepare()

F = TypeVar("F", bound=Callable[..., Any])
Index = npt.NDArray[np.int32]

_i32 = numba.int32
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
