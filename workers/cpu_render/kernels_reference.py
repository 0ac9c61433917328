"""What the compiled kernels must compute, in plain numpy. For tests; an engine never runs this."""

import numpy as np
import numpy.typing as npt

from workers.cpu_render.kernels import Sampling
from workers.media.planes import Plane

Index = npt.NDArray[np.int32]


def resample(sideways: Plane, out: Plane, columns: Sampling, rows: Sampling) -> None:
    """See kernels.resample."""
    narrow = _between(sideways, out.shape[1], columns)
    out[:] = _between(narrow.T, out.shape[0], rows)


def _between(source: Plane, count: int, sampling: Sampling) -> Plane:
    """Rows between the rows of a plane."""
    length = len(source) << 32
    place = np.abs(sampling.first + sampling.step * np.arange(count, dtype=np.int64))
    place = (length - np.abs(length - place) - (1 << 31)).clip(0, length - (1 << 32))
    index = (place >> 32).clip(max=len(source) - 2)
    late = ((place - (index << 32)) + (1 << 24) >> 25)[:, None]
    pixels = source.astype(np.int64)
    between: Plane = ((pixels[index] * (128 - late) + pixels[index + 1] * late + 64) >> 7).astype(np.uint8)
    return between


def transpose(source: Plane, out: Plane) -> None:
    """See kernels.transpose."""
    out[: source.shape[1], : source.shape[0]] = source.T


def mix(before: Plane, after: Plane, out: Plane, before_weight: int, after_weight: int, ground: int) -> None:
    """See kernels.mix."""
    rest = ground * (128 - before_weight - after_weight) + 64
    out[:] = (before.astype(np.int32) * before_weight + after.astype(np.int32) * after_weight + rest) >> 7


def lay_over(
    out: Plane, alpha: npt.NDArray[np.uint16], premultiplied: npt.NDArray[np.uint16], opacity: int
) -> None:
    """See kernels.lay_over."""
    covered = (alpha.astype(np.int32) * opacity) >> 8
    added = (premultiplied.astype(np.int32) * opacity) >> 8
    out[:] = (out * (256 - covered) + added + 128) >> 8


def reveal(
    before: Plane, after: Plane, out: Plane, columns: Index, rows: Index, columns2: Index, rows2: Index
) -> None:
    """See kernels.reveal."""
    field = np.minimum(rows[:, None] + columns, rows2[:, None] + columns2).clip(0, 1024)
    late = (field * field * (3 * 1024 - 2 * field)) >> 20
    out[:] = (before.astype(np.int32) * (1024 - late) + after.astype(np.int32) * late + 512) >> 10


def glow(out: Plane, columns: Index, rows: Index, colour: int) -> None:
    """See kernels.glow."""
    strength = np.minimum(4096, np.einsum("ky,kx->yx", rows, columns) >> 12)
    value = out.astype(np.int32)
    out[:] = value + (((colour - value) * strength + 2048) >> 12)


def pan(
    before: Plane, after: Plane, out: Plane, sums: npt.NDArray[np.int64], shift: int, length: int
) -> None:
    """See kernels.pan. Sums pixels one by one, in 1/256 pixels."""
    width = out.shape[1]
    strip = np.concatenate([before, after], axis=1).astype(np.float64)
    start = shift - (length - 256) // 2
    left = (start + 256 * np.arange(width)).clip(0, 2 * width * 256 - length)
    edges = np.arange(2 * width) * 256
    for x in range(width):
        overlap = np.minimum(edges + 256, left[x] + length) - np.maximum(edges, left[x])
        out[:, x] = np.floor(strip @ overlap.clip(0) / length + 0.5)


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
    """See kernels.turn."""
    height = out.shape[0]
    place = (((2 * np.arange(height) + 1 - height)[:, None] * scale) >> 1) + (height - 1) * 32_768
    within = np.minimum(place, (height - 1) * 65_536 - place)
    hidden = (((within + 65_536) >> 9).clip(0, 128) * cover) >> 7
    at = place.clip(0, (height - 1) * 65_536)
    top = (at >> 16).clip(max=height - 2)
    late = (at - (top << 16)) >> 9
    pixels = source.astype(np.int32)
    upper = pixels[top, index] * (128 - weight) + pixels[top, index + 1] * weight
    lower = pixels[top + 1, index] * (128 - weight) + pixels[top + 1, index + 1] * weight
    value = (upper * (128 - late) + lower * late + 8192) >> 14
    lit = ground + (((value - ground) * light + 64) >> 7)
    out[:] = out + (((lit - out) * hidden + 64) >> 7)
