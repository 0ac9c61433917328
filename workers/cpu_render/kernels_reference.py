"""What the compiled kernels must compute, in plain numpy. For tests; an engine never runs this."""

import numpy as np
import numpy.typing as npt

from workers.media.planes import Plane

Index = npt.NDArray[np.int32]


def blend_rows(source: Plane, out: Plane, index: Index, weight: Index) -> None:
    """See kernels.blend_rows."""
    width = out.shape[1]
    above = source[index, :width].astype(np.int32)
    below = source[index + 1, :width].astype(np.int32)
    late = weight[:, None]
    out[:] = (above * (128 - late) + below * late + 64) >> 7


def transpose(source: Plane, out: Plane) -> None:
    """See kernels.transpose."""
    out[:] = source.T


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
