"""Turns planar YCbCr of another matrix or range into BT.709, limited, without a way through RGB.

swscale goes through 8-bit BGR where matrices differ, which takes longer and leaves pictures 1.6 of 219 steps
too dark. FFmpeg's colorspace filter multiplies by one matrix, in 14 bits.
"""

import av
from av.video.reformatter import ColorRange, Colorspace

_NAMES = {
    Colorspace.ITU709: "bt709",
    Colorspace.FCC: "fcc",
    Colorspace.ITU601: "bt470bg",
    Colorspace.SMPTE240M: "smpte240m",
    Colorspace.BT2020: "bt2020nc",
}
# What the filter takes light to be does not matter to it: "fast" leaves light as it is.
_TO = "space=bt709:range=tv:iprimaries=bt709:primaries=bt709:itrc=bt709:trc=bt709:fast=1:format=yuv420p"


def is_turned(width: int, height: int) -> bool:
    """Whether the filter takes pictures of that size."""
    return width % 2 == 0 and height % 2 == 0


class MatrixChange:
    """Turns yuv420p pictures of one size, matrix and range."""

    def __init__(self, width: int, height: int, matrix: Colorspace, spread: ColorRange) -> None:
        self.key = (width, height, matrix, spread)
        graph = av.filter.Graph()
        graph.threads = 1
        self._source = graph.add("buffer", f"video_size={width}x{height}:pix_fmt=yuv420p:time_base=1/1")
        wide = "pc" if spread == ColorRange.JPEG else "tv"
        change = graph.add("colorspace", f"ispace={_NAMES[matrix]}:irange={wide}:{_TO}")
        self._sink = graph.add("buffersink")
        self._source.link_to(change)
        change.link_to(self._sink)
        graph.configure()
        self._graph = graph

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._source.push(frame)
        turned = self._sink.pull()
        assert isinstance(turned, av.VideoFrame)
        return turned
