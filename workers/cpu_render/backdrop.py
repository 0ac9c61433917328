"""The blurred, dimmed copy of a picture that fills the frame around it.

The blur is done where it is cheap: on a copy sixteen times smaller, which swscale then enlarges smoothly.
That is for 1080 pixels; smaller frames are shrunk less and larger ones more, so that all sizes look alike.
"""

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from workers.cpu_render.geometry import covering_crop
from workers.media.colour import Converter
from workers.media.planes import BLACK, Plane, Planes

_SHRINK, _WIDE = 16, 1080  # of frames with so many pixels on their shorter side
_RADIUS = 4  # of the Gaussian, in small pixels
_LIGHT = 0.62  # what is left of the brightness
_COLOUR = 0.85  # and of the saturation


class Backdrop:
    """Makes backdrops of one size. Keep one per source: it caches the scalers' tables."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        shrink = max(1.0, _SHRINK * min(width, height) / _WIDE)
        self._small = (_even(width / shrink), _even(height / shrink))
        self._shrink, self._enlarge = Converter(), Converter(Interpolation.BICUBIC)

    def of(self, frame: av.VideoFrame) -> Planes:
        """A new picture of the full size, from the middle of any decoded frame."""
        crop = covering_crop(frame.width, frame.height, self._width, self._height)
        small = Planes.of(self._shrink.convert(frame, *self._small, crop))
        return Planes.of(self._enlarge.convert(_blurred(small), self._width, self._height))


def _blurred(picture: Planes) -> av.VideoFrame:
    """Blurred and dimmed, with 10 bits: swscale dithers on the way back to 8, and no bands show."""
    out = av.VideoFrame(picture.width, picture.height, "yuv420p10le")
    out.colorspace, out.color_range = picture.frame.colorspace, picture.frame.color_range
    keeping = (_LIGHT, _COLOUR, _COLOUR)
    radii = (_RADIUS, _RADIUS // 2, _RADIUS // 2)
    for source, target, ground, kept, radius in zip(picture, out.planes, BLACK, keeping, radii, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint16).reshape(target.height, -1)
        rows[:, : target.width] = np.rint(4 * (ground + kept * (_gaussian(source, radius) - ground)))
    return out


def _gaussian(plane: Plane, radius: int) -> npt.NDArray[np.float32]:
    """Blur both ways; the edges are held. float32, same shape."""
    reach = 2 * radius
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    taps /= taps.sum()
    return _smeared(_smeared(plane.astype(np.float32), taps).T, taps).T


def _smeared(plane: npt.NDArray[np.float32], taps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Convolve columns with taps, an odd number of them."""
    reach, height = len(taps) // 2, plane.shape[0]
    padded = np.pad(plane, ((reach, reach), (0, 0)), mode="edge")
    out = np.zeros_like(plane)
    for shift, tap in enumerate(taps):
        out += tap * padded[shift : shift + height]
    return out


def _even(length: float) -> int:
    return max(4, round(length / 2) * 2)
