"""Makes an animated GIF of a finished film: one palette for all of it, found in a first reading, endless.

Two readings of a small film instead of one that keeps every picture in memory.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from farm.encoders import EncoderProfile
from workers.media.decode import video_frames
from workers.media.open import open_media, picture_stream
from workers.media.shape import Shape
from workers.media.streams import named_encoder
from workers.media.verify import verify

_TICKS = 100  # per second: how exact a GIF's delays are
_FORM = EncoderProfile(encoder="gif").format


def write_gif(film: Path, out: Path, shape: Shape, on_frame: Callable[[int], None]) -> None:
    """Turn a film of `shape` into a GIF of the same size and times, and read it back.

    `on_frame` gets the number of frames written. No file is left after TaskFailure CORRUPT_OUTPUT or OSError.
    """
    part = out.with_name(out.name + ".part")
    try:
        _write(film, part, shape, on_frame, _palette(film))
        verify(part, shape, _FORM)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _palette(film: Path) -> VideoFrame:
    """The 256 colours that serve the whole film best."""
    graph = av.filter.Graph()
    source: FilterContext | None = None
    for frame in _frames(film):
        if source is None:
            source = _source(graph, frame)
            _chain(source, graph.add("palettegen", "stats_mode=full"), graph)
        source.push(frame)
    assert source is not None
    source.push(None)
    palette = graph.pull()
    assert isinstance(palette, VideoFrame)
    return palette


def _write(
    film: Path, path: Path, shape: Shape, on_frame: Callable[[int], None], palette: VideoFrame
) -> None:
    with av.open(str(path), "w", format="gif", options={"loop": "0"}) as container:
        with named_encoder(EncoderProfile(encoder="gif")):
            stream = container.add_stream("gif", rate=shape.rate.fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = shape.width, shape.height, "pal8"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        for number, frame in enumerate(_painted(film, palette)):
            frame.time_base = Fraction(1, _TICKS)
            frame.pts = round(shape.rate.seconds(number) * _TICKS)
            container.mux(stream.encode(frame))
            on_frame(number + 1)
        container.mux(stream.encode(None))


def _painted(film: Path, palette: VideoFrame) -> Iterator[VideoFrame]:
    """Every frame in the palette's colours; where nothing changes, nothing flickers."""
    graph = av.filter.Graph()
    source: FilterContext | None = None
    for frame in _frames(film):
        if source is None:
            source, colours = _source(graph, frame), _source(graph, palette)
            painting = graph.add("paletteuse", "dither=sierra2_4a:diff_mode=rectangle")
            colours.link_to(painting, 0, 1)
            _chain(source, painting, graph)
            colours.push(palette)
            colours.push(None)
        source.push(frame)
        yield from _ready(graph)
    if source is not None:
        source.push(None)
        yield from _ready(graph)


def _ready(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield frame


def _chain(source: FilterContext, effect: FilterContext, graph: av.filter.Graph) -> None:
    source.link_to(effect)
    effect.link_to(graph.add("buffersink"))
    graph.configure()


def _source(graph: av.filter.Graph, frame: VideoFrame) -> FilterContext:
    return graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/{_TICKS}"
        f":colorspace={frame.colorspace}:range={frame.color_range}",
    )


def _frames(film: Path) -> Iterator[VideoFrame]:
    with open_media(film) as container:
        stream = picture_stream(container)
        assert stream is not None
        stream.thread_type = "FRAME"
        for number, frame in enumerate(video_frames(container, stream)):
            frame.time_base, frame.pts = Fraction(1, _TICKS), number
            yield frame
