"""A picture seen closer or from further off, sampled between pixels. Beyond its edges it is mirrored."""

import numpy as np
import numpy.typing as npt

from workers.cpu_render.kernels import blend_rows, transpose
from workers.cpu_render.transitions.scratch import array, picture
from workers.media.planes import Plane, Planes

Index = npt.NDArray[np.int32]


def zoomed(source: Planes, zoom: float, key: str) -> Planes:
    """The picture about its middle: `zoom` 2 shows half of each side, 1/2 shows it twice.

    The result is a buffer that the next call with the same `key` uses again.
    """
    out = picture(key, source.width, source.height)
    for plane, target in zip(source, out, strict=True):
        stretch(plane, target, 1 / zoom)
    return out


def stretch(source: Plane, out: Plane, share: float) -> None:
    """Fill `out` with `share` of both sides of `source` about its middle. Sides of at least 2 pixels.

    As in the camera move of stills both passes are plain blends of rows, with the picture on its side
    in between; here it is laid down anew for each frame.
    """
    height, width = out.shape
    tall, wide = _eights(height), _eights(width)
    source_wide = _eights(source.shape[1])
    rows = array("rows", tall, source_wide)
    sideways, narrow = array("sideways", source_wide, tall), array("narrow", wide, tall)
    upright = array("upright", tall, wide)
    blend_rows(source, rows[:height, : source.shape[1]], *_mirrored(source.shape[0], height, share))
    transpose(rows, sideways)
    blend_rows(sideways, narrow[:width], *_mirrored(source.shape[1], width, share))
    transpose(narrow, upright)
    np.copyto(out, upright[:height, :width])


def _mirrored(length: int, out_length: int, share: float) -> tuple[Index, Index]:
    """Which two neighbours each output pixel lies between, and its weight of 128 for the second."""
    centres = (np.arange(out_length) + 0.5) / out_length
    position = (0.5 + share * (centres - 0.5)) * length
    position = length - np.abs(length - position % (2 * length))  # there and back again
    position = (position - 0.5).clip(0, length - 1)
    index = position.astype(np.int32).clip(max=length - 2)
    return index, ((position - index) * 128 + 0.5).astype(np.int32)


def _eights(length: int) -> int:
    return -(-length // 8) * 8
