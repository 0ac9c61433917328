"""Joins pictures that were encoded in segments, and sound that was encoded whole, into one file.

Packets are copied: nothing is decoded but around the joins, to see that a player gets over them. Segments
lie in MP4 or MOV, whatever the film is, because these say exactly when a frame is shown.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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

_HVCC_ARRAYS = 22  # where a hvcC says how many lists of units follow
_HEVC_SEI = frozenset({39, 40})


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
    on_frame: Callable[[float], None],
    chapters: Sequence[Chapter] = (),
) -> None:
    """Write one file of the pieces, in their order, and the sound, and check what was written.

    `shape` and `chapters` are as for `encode`; the sound lies in the profile's own format. `on_frame` gets
    how many of the film's frames are done, half for writing them and half for reading them back, and may
    raise. Raises TaskFailure CORRUPT_OUTPUT when the pieces do not make one film, and OSError when it cannot
    be written; then no file is left.
    """
    every = thinning(profile, shape.rate)
    written = written_shape(shape, profile)
    joins = [*accumulate(piece.frames for piece in pieces)][:-1]
    part = out.with_name(out.name + ".part")

    def on_half(done: int) -> None:
        on_frame(min(done * every, 2 * shape.frames) / 2)

    try:
        _write(
            pieces,
            sound,
            part,
            written,
            profile,
            on_half,
            [thinned_chapter(chapter, every) for chapter in chapters],
        )
        verify(part, written, profile.format, lambda done: on_half(written.frames + done))
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
    joining = _Joining(pieces, segment_form(profile), shape)
    with ExitStack() as stack:
        first = stack.enter_context(_opened(pieces[0].path, joining.form)).streams.video[0]
        container = stack.enter_context(created(path, profile.format))
        video = container.add_stream_from_template(first, opaque=True)  # no encoder need be here
        video.codec_context.framerate = shape.rate.fps
        if profile.format.container == joining.form.container:
            video.codec_context.codec_tag = first.codec_context.codec_tag
        heard: Iterator[Written] = iter(())
        if sound is not None:
            whole = stack.enter_context(_opened(sound, profile.format))
            heard = _heard(whole, container.add_stream_from_template(whole.streams.audio[0]))
        set_chapters(container, chapters, shape.rate)
        container.start_encoding()
        interleave(container, joining.packets(first, video, on_frame), heard)


@dataclass(frozen=True, slots=True)
class _Joining:
    """The pieces of a film of this shape."""

    pieces: Sequence[Piece]
    form: FileFormat
    shape: Shape

    def packets(
        self, first: VideoStream, stream: VideoStream, on_frame: Callable[[int], None]
    ) -> Iterator[Written]:
        """Those of all pieces in the times of the film: one per frame, decoded as early as any needs it."""
        tick, delay, at = self.shape.rate.seconds(1), self._delay(), 0
        for number, piece in enumerate(self.pieces, 1):
            shown = set[int]()
            for packet, pts in self._of_piece(piece, number, first):
                decoded = at + len(shown) - delay
                shown.add(pts)
                if decoded > at + pts:
                    raise _unfit(f"segment {number} shows a frame before it can be decoded")
                packet.time_base, packet.duration = tick, 1
                packet.pts, packet.dts = at + pts, decoded
                packet.stream = stream
                yield packet
                on_frame(at + len(shown))
            if shown != set(range(piece.frames)):
                raise _unfit(f"segment {number} has {len(shown)} frames for {piece.frames}, or uneven times")
            at += piece.frames

    def _of_piece(self, piece: Piece, number: int, first: VideoStream) -> Iterator[tuple[Seen, int]]:
        """A piece's packets, and which of its frames each is."""
        with _opened(piece.path, self.form) as container:
            source = container.streams.video[0]
            _check_alike(first, source, self.shape, number)
            for place, packet in enumerate(_whole(container)):
                if place == 0 and not packet.is_keyframe:
                    raise _unfit(f"segment {number} does not begin with a keyframe")
                yield packet, _frames(packet.pts, packet, self.shape, number)

    def _delay(self) -> int:
        """How many frames before the first is shown decoding begins: what most of the pieces ask for."""
        asked = [0]
        for number, piece in enumerate(self.pieces, 1):
            with _opened(piece.path, self.form) as container:
                for packet in _whole(container):
                    asked.append(-_frames(packet.dts, packet, self.shape, number))
                    break
        return max(asked)


def _whole(container: InputContainer) -> Iterator[Seen]:
    """The packets of a file's pictures; a demuxer ends with an empty one."""
    packets = container.demux(container.streams.video[0])
    return (packet for packet in packets if packet.pts is not None and packet.dts is not None)


def _frames(time: int | None, packet: Seen, shape: Shape, number: int) -> int:
    """A packet's time in frames of the film."""
    frames = (time or 0) * packet.time_base * shape.rate.fps
    if frames.denominator != 1:
        raise _unfit(f"segment {number} has frames between those of the film")
    return frames.numerator


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
    head = bytes(context.extradata or b"")
    sets = _without_sei(head) if context.name == "hevc" else head
    return context.name, context.codec_tag, stream.pix_fmt, context.profile, sets


def _without_sei(record: bytes) -> bytes:
    """An hvcC (ISO 14496-15, 8.3.3.1) less the messages in which x265 tells of its threads and processor."""
    kept, at = [record[:_HVCC_ARRAYS]], _HVCC_ARRAYS + 1
    for _ in range(record[_HVCC_ARRAYS]):
        start, kind = at, record[at] & 63
        units, at = int.from_bytes(record[at + 1 : at + 3], "big"), at + 3
        for _ in range(units):
            at += 2 + int.from_bytes(record[at : at + 2], "big")
        if kind not in _HEVC_SEI:
            kept.append(record[start:at])
    return b"".join(kept)


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
