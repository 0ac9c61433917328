"""Joins pictures that were encoded in segments, and sound that was encoded whole, into one file.

Packets are copied: nothing is decoded but around the joins, to see that a player gets over them. Segments
lie in MP4 or MOV, whatever the film is, because these say exactly when a frame is shown.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from farm.encoders import EncoderProfile, FileFormat
from farm.errors import FailureClass, TaskFailure
from workers.media.encode import (
    Chapter,
    Written,
    created,
    interleave,
    set_chapters,
    thinned_chapter,
    thinning,
    written_shape,
)
from workers.media.shape import Shape
from workers.media.verify import Seen, demuxer_of, verify, verify_joins


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment's file, and how many frames it must have."""

    path: Path
    frames: int


def segment_form(profile: EncoderProfile) -> FileFormat:
    """What a profile's segments are put into: silent, and exact in time."""
    container = "mov" if profile.format.container == "mov" else "mp4"
    return replace(profile.format, container=container, suffix=f".{container}", sound=None)


def join(
    pieces: Sequence[Piece],
    sound: Path | None,
    out: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter] = (),
) -> None:
    """Write one file of the pieces, in their order, and the sound, and check what was written.

    `shape` and `chapters` are as for `encode`; the sound lies in the profile's own format. `on_frame` gets
    the number of frames written so far and may raise. Raises TaskFailure CORRUPT_OUTPUT when the pieces do
    not make one film, and OSError when it cannot be written; then no file is left.
    """
    every = thinning(profile, shape.rate)
    written = written_shape(shape, profile)
    joins = [*accumulate(piece.frames for piece in pieces)][:-1]
    part = out.with_name(out.name + ".part")
    try:
        _write(
            pieces,
            sound,
            part,
            written,
            profile,
            on_frame,
            [thinned_chapter(chapter, every) for chapter in chapters],
        )
        verify(part, written, profile.format)
        verify_joins(part, profile.format, joins)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write(
    pieces: Sequence[Piece],
    sound: Path | None,
    path: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter],
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(_opened(pieces[0].path, segment_form(profile))).streams.video[0]
        container = stack.enter_context(created(path, profile.format))
        video = container.add_stream_from_template(first, opaque=True)  # no encoder need be here
        video.codec_context.framerate = shape.rate.fps
        if profile.format.container == segment_form(profile).container:
            video.codec_context.codec_tag = first.codec_context.codec_tag
        heard: Iterator[Written] = iter(())
        if sound is not None:
            whole = stack.enter_context(_opened(sound, profile.format))
            heard = _heard(whole, container.add_stream_from_template(whole.streams.audio[0]))
        set_chapters(container, chapters, shape.rate)
        container.start_encoding()
        interleave(container, _seen(pieces, first, video, shape, segment_form(profile), on_frame), heard)


def _seen(
    pieces: Sequence[Piece],
    first: VideoStream,
    stream: VideoStream,
    shape: Shape,
    form: FileFormat,
    on_frame: Callable[[int], None],
) -> Iterator[Written]:
    """The packets of all pieces, in the times of the film."""
    at, last, tick = 0, None, shape.rate.seconds(1)
    for number, piece in enumerate(pieces, 1):
        shown = set()
        with _opened(piece.path, form) as container:
            source = container.streams.video[0]
            _check_alike(first, source, shape, number)
            for packet, pts, dts in _timed(container, source, tick, number):
                if last is not None and dts + at <= last:
                    raise _unfit(f"segment {number} begins before the one before it has ended")
                shown.add(pts)
                last = dts + at
                packet.time_base, packet.duration = tick, 1
                packet.pts, packet.dts = pts + at, last
                packet.stream = stream
                yield packet
                on_frame(at + len(shown))
        if shown != set(range(piece.frames)):
            raise _unfit(f"segment {number} has {len(shown)} frames for {piece.frames}, or uneven times")
        at += piece.frames


def _timed(
    container: InputContainer, source: VideoStream, tick: Fraction, number: int
) -> Iterator[tuple[Seen, int, int]]:
    """A segment's packets, and when each is shown and decoded, in frames of the segment."""
    for packet in container.demux(source):
        if packet.pts is None or packet.dts is None:
            continue
        pts, dts = (time * packet.time_base / tick for time in (packet.pts, packet.dts))
        if pts.denominator != 1 or dts.denominator != 1:
            raise _unfit(f"segment {number} has frames between those of the film")
        yield packet, pts.numerator, dts.numerator


def _heard(whole: InputContainer, stream: AudioStream) -> Iterator[Written]:
    for packet in whole.demux(whole.streams.audio[0]):
        if packet.pts is not None:
            packet.stream = stream
            yield packet


def _check_alike(first: VideoStream, other: VideoStream, shape: Shape, number: int) -> None:
    """One decoder must do for all of them."""
    sizes = (other.width, other.height) == (shape.width, shape.height)
    if not sizes or _coding(first) != _coding(other):
        raise _unfit(f"segment {number} is coded in another way than the first")


def _coding(stream: VideoStream) -> tuple[object, ...]:
    context = stream.codec_context
    return context.name, context.codec_tag, stream.pix_fmt, context.profile, bytes(context.extradata or b"")


@contextmanager
def _opened(path: Path, form: FileFormat) -> Iterator[InputContainer]:
    try:
        container = av.open(str(path), "r", format=demuxer_of(form))
    except av.error.InvalidDataError as error:
        raise _unfit(f"{path.name} cannot be read") from error
    with container:
        yield container


def _unfit(reason: str) -> TaskFailure:
    return TaskFailure(f"The segments do not make one film: {reason}.", FailureClass.CORRUPT_OUTPUT)
