"""Brings decoded pictures to the one format everything is composed in: I420, BT.709, limited range.

One swscale pass crops, scales and converts; what a file does not say about its colours is guessed
here as players guess it, and nowhere else.
"""

from dataclasses import dataclass

import av
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

# AVCOL_SPC_* as decoders report them → the coefficient tables swscale has.
_TABLES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_HD_HEIGHT = 720


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a picture that is kept, in its own pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def key(self) -> str:
        return f"{self.width}:{self.height}:{self.x}:{self.y}"


class Converter:
    """Crops and scales frames of one source. Keep one per source: it caches the scaler's tables."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._graphs: dict[tuple[str, str, int, int], Graph] = {}

    def convert(self, frame: av.VideoFrame, width: int, height: int, crop: Crop | None = None) -> av.VideoFrame:
        """A yuv420p BT.709 limited picture of `width` × `height`; the frame itself when it is one already."""
        if crop is not None and (crop.width, crop.height) != (frame.width, frame.height):
            frame = self._cropped(frame, crop)
        if is_composable(frame) and (frame.width, frame.height) == (width, height):
            return frame
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv420p",
            src_colorspace=_colorspace(frame),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=_range(frame),
            dst_color_range=ColorRange.MPEG,
            interpolation=_interpolation(frame, width),
            threads=1,
        )
