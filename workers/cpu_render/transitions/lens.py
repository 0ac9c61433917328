"""A picture seen closer or from further off, sampled between pixels. Beyond its edges it is mirrored."""

from workers.cpu_render.kernels import resample, sampling, transpose
from workers.cpu_render.scratch import array, picture
from workers.media.planes import Plane, Planes


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

    The picture is laid on its side as that of a camera move is; here anew for each frame.
    """
    (height, width), (out_height, out_width) = source.shape, out.shape
    start = (1 - share) / 2
    sideways = array("sideways", _eights(width), _eights(height))
    transpose(source, sideways)
    columns, rows = sampling(width, out_width, start, share), sampling(height, out_height, start, share)
    resample(sideways[:width, :height], out, columns, rows)


def _eights(length: int) -> int:
    return -(-length // 8) * 8
