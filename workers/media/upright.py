"""Turns decoded pictures upright, as EXIF orientation or a display matrix asks, and squares their pixels.

Works on any pixel format FFmpeg can transpose, plane by plane, without a way through RGB.
"""

import struct
from enum import Enum
from fractions import Fraction

import av
from av.sidedata.sidedata import SideData


class Orientation(Enum):
    """How to turn a stored picture for display, as FFmpeg filters. Named by what is done to it."""

    NONE = ""
    FLIP_HORIZONTAL = "hflip"
    TURN_180 = "vflip,hflip"
    FLIP_VERTICAL = "vflip,copy"  # vflip alone hands out planes with negative strides
    TRANSPOSE = "transpose=cclock_flip"
    TURN_CLOCKWISE = "transpose=clock"
    TRANSVERSE = "transpose=clock_flip"
    TURN_COUNTERCLOCKWISE = "transpose=cclock"

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.value.startswith("transpose")


_EXIF = (
    Orientation.NONE,
    Orientation.FLIP_HORIZONTAL,
    Orientation.TURN_180,
    Orientation.FLIP_VERTICAL,
    Orientation.TRANSPOSE,
    Orientation.TURN_CLOCKWISE,
    Orientation.TRANSVERSE,
    Orientation.TURN_COUNTERCLOCKWISE,
)

# `transpose` refuses chroma that is halved in one direction only; these keep all of it.
_TRANSPOSABLE = {
    "yuvj422p": "yuvj444p",
    "yuv422p": "yuv444p",
    "yuvj440p": "yuvj444p",
    "yuv440p": "yuv444p",
    "yuvj411p": "yuvj444p",
    "yuv411p": "yuv444p",
    "yuv422p10le": "yuv444p10le",
    "yuyv422": "yuv444p",
    "uyvy422": "yuv444p",
}


def from_exif(value: int) -> Orientation:
    """The orientation of an EXIF tag 0x0112; anything but 1..8 counts as 1."""
    return _EXIF[value - 1] if 1 <= value <= 8 else Orientation.NONE


def from_display_matrix(frame: av.VideoFrame) -> Orientation:
    """The quarter turn or flip nearest to a frame's display matrix (ISO 14496-12, 6.2.2)."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(data, SideData):
        return Orientation.NONE
    a, b, _, c, d = struct.unpack_from("=5i", bytes(data))
    if abs(b) > abs(a):
        if b > 0:
            return Orientation.TRANSPOSE if c > 0 else Orientation.TURN_CLOCKWISE
        return Orientation.TRANSVERSE if c < 0 else Orientation.TURN_COUNTERCLOCKWISE
    if a < 0:
        return Orientation.TURN_180 if d < 0 else Orientation.FLIP_HORIZONTAL
    return Orientation.FLIP_VERTICAL if d < 0 else Orientation.NONE


class Upright:
    """Turns frames of one orientation and pixel shape; keeps its filter graph between frames."""

    def __init__(self, orientation: Orientation, pixel_aspect: Fraction | None = None) -> None:
        self._orientation = orientation
        plausible = pixel_aspect is not None and Fraction(1, 4) <= pixel_aspect <= 4
        self._aspect = pixel_aspect if pixel_aspect is not None and plausible else Fraction(1)
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The displayed size of a stored picture, in square pixels."""
        width, height = _squared(width, height, self._aspect)
        return (height, width) if self._orientation.swaps_sides else (width, height)

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame as displayed: itself when it stands upright already, else a turned copy."""
        if self._orientation is Orientation.NONE and self._aspect == 1:
            return frame
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._shape != shape:
            self._graph, self._shape = self._build(frame), shape
        self._graph.push(frame)
        turned = self._graph.pull()
        assert isinstance(turned, av.VideoFrame)
        turned.colorspace, turned.color_range = frame.colorspace, frame.color_range
        turned.color_primaries, turned.color_trc = frame.color_primaries, frame.color_trc
        if frame.time_base is not None:
            turned.time_base = frame.time_base
        turned.pts = frame.pts
        return turned

    def _build(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = 1
        node = graph.add(
            "buffer",
            video_size=f"{frame.width}x{frame.height}",
            pix_fmt=frame.format.name,
            time_base="1/90000",
            pixel_aspect="1/1",
            colorspace=str(frame.colorspace),
            range=str(frame.color_range),
        )
        for step in self._steps(frame):
            name, _, arguments = step.partition("=")
            following = graph.add(name, arguments or None)
            node.link_to(following)
            node = following
        node.link_to(graph.add("buffersink"))
        graph.configure()
        return graph

    def _steps(self, frame: av.VideoFrame) -> list[str]:
        steps = []
        if self._aspect != 1:
            width, height = _squared(frame.width, frame.height, self._aspect)
            steps.append(f"scale=w={width}:h={height}:flags=bicubic")
        if self._orientation.swaps_sides and frame.format.name in _TRANSPOSABLE:
            steps.append(f"format={_TRANSPOSABLE[frame.format.name]}")
        return steps + [step for step in self._orientation.value.split(",") if step]


def _squared(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Stretch the short way, never shrink: rows or columns are added, to an even number."""
    if aspect > 1:
        return round(width * aspect / 2) * 2, height
    return (width, round(height / aspect / 2) * 2) if aspect < 1 else (width, height)
