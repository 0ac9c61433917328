"""Makes whole pictures of interlaced ones, whose even and odd lines were taken one after the other.

Camcorders, DV tapes and broadcasts have them; shown as they are, whatever moves is frayed like a comb.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from itertools import chain

import av
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

# One picture for each, at its time: its first field, and lines between made of what is around, in time too.
_FILTER, _HOW = "bwdif", "mode=send_frame:deint=interlaced"


def progressive(frames: Iterable[VideoFrame]) -> Generator[VideoFrame, None, None]:
    """The pictures of a clip, each at its own time; those that are not interlaced are passed on untouched.

    From the first interlaced one on, a picture comes when the one after it is decoded.
    """
    coming = iter(frames)
    for frame in coming:
        if frame.interlaced_frame:
            yield from _woven_anew(chain([frame], coming))
        else:
            yield frame


def _woven_anew(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    filtering: _Filtering | None = None
    for frame in frames:
        if filtering is None or not filtering.fits(frame):
            if filtering is not None:
                yield from filtering.rest()
            filtering = _Filtering(frame)
        yield from filtering.given(frame)
    if filtering is not None:
        yield from filtering.rest()


class _Filtering:
    """Frames of one size and format on their way through the filter, which counts time its own way."""

    def __init__(self, like: VideoFrame) -> None:
        self._key = _key(like)
        self._times: deque[tuple[int | None, Fraction | None]] = deque()
        self._count = 0
        graph = av.filter.Graph()
        graph.threads = 1
        self._source: FilterContext = graph.add(
            "buffer",
            f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}:time_base=1/90000"
            f":colorspace={like.colorspace}:range={like.color_range}",
        )
        weaving, self._sink = graph.add(_FILTER, _HOW), graph.add("buffersink")
        self._source.link_to(weaving)
        weaving.link_to(self._sink)
        graph.configure()
        self._graph = graph

    def fits(self, frame: VideoFrame) -> bool:
        return self._key == _key(frame)

    def given(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take a frame; hand out what is ready."""
        self._times.append((frame.pts, frame.time_base))
        frame.pts = self._count
        self._count += 1
        self._source.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[VideoFrame]:
        """Hand out what is still within."""
        self._source.push(None)
        yield from self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        while True:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, VideoFrame)
            pts, time_base = self._times.popleft()
            frame.pts = pts
            if time_base is not None:
                frame.time_base = time_base
            yield frame


def _key(frame: VideoFrame) -> tuple[object, ...]:
    return frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range
