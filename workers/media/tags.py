"""What a file says of its colours, for frames whose own coding does not say it: players look there too."""

from dataclasses import dataclass
from typing import Self

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_UNSAID, _UNSAID_RANGE = 2, 0  # AVCOL_*_UNSPECIFIED


@dataclass(frozen=True, slots=True)
class ColourTags:
    """The numbers of ITU-T H.273 as FFmpeg has them; 2 is unspecified, range 1 limited and 2 full."""

    matrix: int
    range: int
    primaries: int
    transfer: int

    @classmethod
    def of(cls, told: VideoFrame) -> Self:
        """Those of a frame."""
        return cls(told.colorspace, told.color_range, told.color_primaries, told.color_trc)

    @classmethod
    def of_file(cls, stream: VideoStream) -> Self:
        """Those of the container. To be asked before the first frame: decoders write their own over them."""
        told = stream.codec_context
        return cls(int(told.colorspace), int(told.color_range), told.color_primaries, told.color_trc)

    def filled(self, frame: VideoFrame) -> VideoFrame:
        """The frame itself, with these where it says nothing."""
        if frame.colorspace == _UNSAID:
            frame.colorspace = self.matrix
        if frame.color_range == _UNSAID_RANGE:
            frame.color_range = self.range
        if frame.color_primaries == _UNSAID:
            frame.color_primaries = self.primaries
        if frame.color_trc == _UNSAID:
            frame.color_trc = self.transfer
        return frame
