"""The kernels as numba compiles them; what each does is told in kernels.py, where they are called.

All sums are explicit int32: numba takes uint16 to 64 bit, which is 40 times slower. Weights have 7 bits: 128
is all. Nothing here may raise or allocate, for the code must stand alone; build.py refuses what does not.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # published without type information
from numba import carray, types  # type: ignore[attr-defined]  # its own `carray` is not in its __all__
from numba.extending import intrinsic

from workers.cpu_render.machine_code import image, place
from workers.cpu_render.machine_code.signatures import BAND, EDGE_ONE, GLOW_ONE, PAN_ONE, SIGNATURES, TURN_ONE

# numba has no types for these: pointers are arguments of `numba.carray`, the rest are machine numbers.
At: TypeAlias = Any
Kernel: TypeAlias = Any

_i32 = numba.int32
_i64 = numba.int64
_f64 = numba.float64
_u8 = numba.uint8
_u64 = numba.uint64

_LINE = 64  # bytes that a processor fetches at once
_AHEAD = 4  # columns: far enough for the processor's last cache, near enough for its first

KERNELS: dict[str, Kernel] = {}


def _is_cached() -> bool:
    """Whether numba keeps what it makes: where there are no images, every engine asks it."""
    lasting = None if image.is_supported() else place.folder()
    if lasting is not None:
        numba.config.CACHE_DIR = str(lasting)  # type: ignore[attr-defined]  # made from the environment
    return lasting is not None


_CACHED = _is_cached()


def _kernel(body: Callable[..., None]) -> Callable[..., None]:
    """Compile at import: never in the middle of a render."""
    signature = types.void(*(_typed(name) for name in SIGNATURES[body.__name__]))
    compiled = numba.cfunc(signature, error_model="numpy", forceinline=True, cache=_CACHED)
    KERNELS[body.__name__] = compiled(body)
    return body


def _typed(name: str) -> Any:
    item = getattr(types, name.removesuffix("*"))
    return types.CPointer(item) if name.endswith("*") else item  # type: ignore[no-untyped-call]  # of numba


def _fetching(_typing: Any, at: Any, offset: Any) -> Any:
    """Have the line at `at` + `offset` brought near, while other work goes on. Any address will do."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        there, number = builder.gep(arguments[0], [arguments[1]]), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [there.type, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [there.type], kind)
        builder.call(prefetch, [there, number(0), number(3), number(1)])  # to read, soon and often, data
        return context.get_dummy_value()

    return types.void(at, types.int64), code


_fetch: Any = intrinsic(_fetching)


@numba.njit(inline="always")
def _placed(first: int, step: int, number: int, length: int) -> tuple[Any, Any]:
    """The pixel ahead of a place, of `length`, and the weight of the one behind it. See kernels.Sampling."""
    one, edge = _i64(1 << 32), _i64(length) << _i64(32)
    along = edge - abs(edge - abs(_i64(first) + _i64(number) * _i64(step)))  # there and back again
    along = max(_i64(0), min(edge - one, along - (one >> _i64(1))))
    index = min(along >> _i64(32), _i64(length) - _i64(2))
    return index, (along - (index << _i64(32)) + (one >> _i64(8))) >> _i64(25)


@numba.njit(inline="always")
def _turned(words: At, first: Any, to: Any, count: Any) -> None:
    """Eight rows from `to` on become those from `first` on, each block of 8 x 8 bytes on its side.

    Hacker's Delight, 7-3. LLVM takes several blocks in each step: it sees that rows of one array are apart.
    """
    low32 = _u64(0x00000000FFFFFFFF)
    low16 = _u64(0x0000FFFF0000FFFF)
    low8 = _u64(0x00FF00FF00FF00FF)
    s32, s16, s8 = _u64(32), _u64(16), _u64(8)
    for x in range(count):
        a0, a1, a2, a3 = words[first, x], words[first + 1, x], words[first + 2, x], words[first + 3, x]
        a4, a5, a6, a7 = words[first + 4, x], words[first + 5, x], words[first + 6, x], words[first + 7, x]
        b0, b4 = (a0 & low32) | (a4 << s32), (a0 >> s32) | (a4 & ~low32)
        b1, b5 = (a1 & low32) | (a5 << s32), (a1 >> s32) | (a5 & ~low32)
        b2, b6 = (a2 & low32) | (a6 << s32), (a2 >> s32) | (a6 & ~low32)
        b3, b7 = (a3 & low32) | (a7 << s32), (a3 >> s32) | (a7 & ~low32)
        c0, c2 = (b0 & low16) | ((b2 & low16) << s16), ((b0 >> s16) & low16) | (b2 & ~low16)
        c1, c3 = (b1 & low16) | ((b3 & low16) << s16), ((b1 >> s16) & low16) | (b3 & ~low16)
        c4, c6 = (b4 & low16) | ((b6 & low16) << s16), ((b4 >> s16) & low16) | (b6 & ~low16)
        c5, c7 = (b5 & low16) | ((b7 & low16) << s16), ((b5 >> s16) & low16) | (b7 & ~low16)
        words[to, x] = (c0 & low8) | ((c1 & low8) << s8)
        words[to + 1, x] = ((c0 >> s8) & low8) | (c1 & ~low8)
        words[to + 2, x] = (c2 & low8) | ((c3 & low8) << s8)
        words[to + 3, x] = ((c2 >> s8) & low8) | (c3 & ~low8)
        words[to + 4, x] = (c4 & low8) | ((c5 & low8) << s8)
        words[to + 5, x] = ((c4 >> s8) & low8) | (c5 & ~low8)
        words[to + 6, x] = (c6 & low8) | ((c7 & low8) << s8)
        words[to + 7, x] = ((c6 >> s8) & low8) | (c7 & ~low8)


@_kernel
def resample(
    source_at: At,
    source_step: int,
    out_at: At,
    out_step: int,
    scratch_at: At,
    column_first: int,
    column_step: int,
    row_first: int,
    row_step: int,
    wide: int,
    tall: int,
    height: int,
    width: int,
) -> None:
    """In bands of BAND source rows, so that what lies between the two passes stays in the processor's cache.

    A column of a band is too short for a processor to foresee the next: each is asked for ahead of its turn.

    `scratch` is 16 columns, the same upright, the band, and all places: pixel and weight in turn.
    """
    source, out = carray(source_at, (wide, source_step)), carray(out_at, (height, out_step))
    pairs = (width + 15) // 16
    band_from, places_from = 32 * BAND, (32 + 16 * pairs) * BAND // 4
    rows_from = places_from + 32 * pairs
    few, few_words = carray(scratch_at, (16, BAND), np.uint8), carray(scratch_at, (32, BAND // 8), np.uint64)
    band = carray(scratch_at, 4 * places_from, np.uint8)
    band_words = carray(scratch_at, places_from // 2, np.uint64)
    places = carray(scratch_at, rows_from + 2 * height, np.int32)
    for x in range(16 * pairs):
        index, weight = _placed(column_first, column_step, min(x, width - 1), wide)
        at = _u64(places_from + 2 * x)
        places[at], places[at + _u64(1)] = _i32(index), _i32(weight)
    for y in range(height):
        index, weight = _placed(row_first, row_step, y, tall)
        at = _u64(rows_from + 2 * y)
        places[at], places[at + _u64(1)] = _i32(index), _i32(weight)
    whole = (_i64(tall) + _i64(7)) & ~7
    span = min(_i64(BAND), whole)
    top = _i64(0)
    while top < height:
        low = _i64(places[_u64(rows_from + 2 * top)])
        high, end = low, top
        while end < height:
            index = _i64(places[_u64(rows_from + 2 * end)])
            if max(high, index) + 1 - (min(low, index) & ~7) >= span:
                break
            low, high, end = min(low, index), max(high, index), end + 1
        begin = _u64(min(low & ~7, whole - span))
        for pair in range(pairs):
            for column in range(16):
                at = _u64(places_from + 2 * (16 * pair + column))
                index, late = _u64(places[at]), _i32(places[at + _u64(1)])
                before, after, row = source[index], source[index + _u64(1)], few[column]
                early = _i32(128) - late
                later = min(16 * pair + column + _AHEAD, 16 * pairs - 1)
                soon = _i64(places[_u64(places_from + 2 * later)]) + _i64(1)
                for far in range(0, span, _LINE):
                    _fetch(source_at, soon * _i64(source_step) + _i64(begin) + _i64(far))
                for y in range(span):
                    here = begin + _u64(y)
                    one, other = _i32(before[here]), _i32(after[here])
                    row[y] = _u8((one * early + other * late + _i32(64)) >> _i32(7))
            _turned(few_words, 0, 16, span // 8)
            _turned(few_words, 8, 24, span // 8)
            for word in range(span // 8):
                for y in range(8):
                    at = _u64(band_from // 8 + 2 * ((8 * word + y) * pairs + pair))
                    left, right = few_words[16 + y, word], few_words[24 + y, word]
                    band_words[at], band_words[at + _u64(1)] = left, right
        for y in range(top, end):
            at = _u64(rows_from + 2 * y)
            index, late = _u64(places[at]) - begin, _i32(places[at + _u64(1)])
            above = _u64(band_from) + index * _u64(16 * pairs)
            below = above + _u64(16 * pairs)
            row, early = out[y], _i32(128) - late
            for x in range(width):
                upper, lower = _i32(band[above + _u64(x)]), _i32(band[below + _u64(x)])
                row[x] = _u8((upper * early + lower * late + _i32(64)) >> _i32(7))
        top = end


@_kernel
def transpose(
    source_at: At, source_step: int, out_at: At, out_step: int, scratch_at: At, height: int, width: int
) -> None:
    """Some blocks of 8 x 8 at a time. `out` is in words, and sizes are of `source`."""
    eights = (width + 7) // 8
    source, out = carray(source_at, (height, source_step)), carray(out_at, (8 * eights, out_step))
    few, few_words = carray(scratch_at, (8, BAND), np.uint8), carray(scratch_at, (16, BAND // 8), np.uint64)
    for eight in range((height + 7) // 8):
        for begin in range(0, width, BAND):
            for y in range(8):
                row, kept = source[min(8 * eight + y, height - 1)], few[y]
                for x in range(min(BAND, width - begin)):
                    kept[x] = row[_u64(begin + x)]
            count = min(BAND // 8, eights - begin // 8)
            _turned(few_words, 0, 8, count)
            for word in range(count):
                for x in range(8):
                    out[begin + 8 * word + x, eight] = few_words[8 + x, word]


@_kernel
def mix(
    before_at: At,
    before_step: int,
    after_at: At,
    after_step: int,
    out_at: At,
    out_step: int,
    before_weight: int,
    after_weight: int,
    ground: int,
    height: int,
    width: int,
) -> None:
    before, after = (
        carray(before_at, (height, before_step)),
        carray(after_at, (height, after_step)),
    )
    out = carray(out_at, (height, out_step))
    early, late = _i32(before_weight), _i32(after_weight)
    rest = _i32(ground) * (_i32(128) - early - late) + _i32(64)
    for y in range(height):
        first, second, row = before[y], after[y], out[y]
        for x in range(width):
            row[x] = _u8((_i32(first[x]) * early + _i32(second[x]) * late + rest) >> _i32(7))


@_kernel
def lay_over(
    out_at: At,
    out_step: int,
    alpha_at: At,
    premultiplied_at: At,
    step: int,
    opacity: int,
    height: int,
    width: int,
) -> None:
    out = carray(out_at, (height, out_step))
    alpha, premultiplied = (
        carray(alpha_at, (height, step)),
        carray(premultiplied_at, (height, step)),
    )
    strength = _i32(opacity)
    for y in range(height):
        row, cover, colour = out[y], alpha[y], premultiplied[y]
        for x in range(width):
            covered = (_i32(cover[x]) * strength) >> _i32(8)
            added = (_i32(colour[x]) * strength) >> _i32(8)
            row[x] = _u8((_i32(row[x]) * (_i32(256) - covered) + added + _i32(128)) >> _i32(8))


@_kernel
def reveal(
    before_at: At,
    before_step: int,
    after_at: At,
    after_step: int,
    out_at: At,
    out_step: int,
    columns_at: At,
    rows_at: At,
    columns2_at: At,
    rows2_at: At,
    height: int,
    width: int,
) -> None:
    before, after = (
        carray(before_at, (height, before_step)),
        carray(after_at, (height, after_step)),
    )
    out = carray(out_at, (height, out_step))
    columns, rows = carray(columns_at, width), carray(rows_at, height)
    columns2, rows2 = carray(columns2_at, width), carray(rows2_at, height)
    one = _i32(EDGE_ONE)
    for y in range(height):
        first, second, row = before[y], after[y], out[y]
        here, there = _i32(rows[y]), _i32(rows2[y])
        for x in range(width):
            field = max(_i32(0), min(one, min(_i32(columns[x]) + here, _i32(columns2[x]) + there)))
            late = (field * field * (_i32(3 * EDGE_ONE) - _i32(2) * field)) >> _i32(20)
            row[x] = _u8((_i32(first[x]) * (one - late) + _i32(second[x]) * late + _i32(512)) >> _i32(10))


@_kernel
def glow(
    out_at: At, out_step: int, columns_at: At, rows_at: At, colour: int, height: int, width: int
) -> None:
    out = carray(out_at, (height, out_step))
    columns, rows = carray(columns_at, (3, width)), carray(rows_at, (3, height))
    one, target = _i32(GLOW_ONE), _i32(colour)
    for y in range(height):
        row = out[y]
        a, b, c = _i32(rows[0, y]), _i32(rows[1, y]), _i32(rows[2, y])
        for x in range(width):
            light = a * _i32(columns[0, x]) + b * _i32(columns[1, x]) + c * _i32(columns[2, x])
            strength = min(one, light >> _i32(12))
            value = _i32(row[x])
            row[x] = _u8(value + (((target - value) * strength + _i32(2048)) >> _i32(12)))


@_kernel
def pan(
    before_at: At,
    before_step: int,
    after_at: At,
    after_step: int,
    out_at: At,
    out_step: int,
    sums_at: At,
    shift: int,
    length: int,
    height: int,
    width: int,
) -> None:
    before, after = (
        carray(before_at, (height, before_step)),
        carray(after_at, (height, after_step)),
    )
    out, sums = carray(out_at, (height, out_step)), carray(sums_at, 2 * width + 2)
    span = _f64(length)
    start = _i64(shift) - (_i64(length) - _i64(PAN_ONE)) // _i64(2)
    last = _i64(2 * width * PAN_ONE) - _i64(length)
    for y in range(height):
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


@_kernel
def turn(
    source_at: At,
    source_step: int,
    out_at: At,
    out_step: int,
    index_at: At,
    weight_at: At,
    cover_at: At,
    scale_at: At,
    light: int,
    ground: int,
    height: int,
    width: int,
) -> None:
    source, out = carray(source_at, (height, source_step)), carray(out_at, (height, out_step))
    index, weight = carray(index_at, width), carray(weight_at, width)
    cover, scale = carray(cover_at, width), carray(scale_at, width)
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
