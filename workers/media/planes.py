"""Planar 8-bit 4:2:0 pictures (I420): how every picture is held while it is composed.

Nothing here converts colours; see `workers/media/colour.py` for the one pass that brings a decoded
picture to BT.709 limited range. A picture never goes through RGB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import av
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane

Plane = npt.NDArray[np.uint8]

BLACK = (16, 128, 128)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Views on the three planes of a frame, without the padding at the end of its rows.

    Each is uint8 of shape (height, width), chroma half of that both ways. `frame` owns the memory and
    is what the encoder takes; writing into the planes writes into the frame.
    """

    y: Plane
    u: Plane
    v: Plane
    frame: av.VideoFrame

    @classmethod
    def blank(cls, width: int, height: int) -> Self:
        """A new black picture. Width and height must be even."""
        planes = cls.of(av.VideoFrame(width, height, "yuv420p"))
        for plane, value in zip(planes, BLACK, strict=True):
            plane.fill(value)
        return planes

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Self:
        """Views on a yuv420p frame; nothing is copied."""
        y, u, v = (_view(plane) for plane in frame.planes)
        return cls(y, u, v, frame)

    def __iter__(self) -> Iterator[Plane]:
        yield from (self.y, self.u, self.v)

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    def copy_from(self, other: "Planes") -> None:
        """Take over the pixels of a picture of the same size."""
        for mine, theirs in zip(self, other, strict=True):
            np.copyto(mine, theirs)


def _view(plane: VideoPlane) -> Plane:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
