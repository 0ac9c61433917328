"""Reads a written file back: every packet is there, evenly timed; every keyframe and all sound decodes.

Where segments were joined, what lies around the joins decodes too.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TypeAlias

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from farm.encoders import STANDARD, FileFormat
from farm.errors import FailureClass, TaskFailure
from workers.media.shape import Shape

Seen: TypeAlias = "Packet[VideoStream]"

_DEMUXERS = {"webm": "matroska"}
_MAKING_UP = frozenset({"h264", "hevc"})  # decoders that go on when frames are missing
_BEFORE_A_JOIN, _BEHIND_A_JOIN = 8, 8  # packets
_TICKS = {"webm": 1000, "gif": 100}  # per second, in formats that round times
# Samples that an encoder may add at the end: AAC's and Opus's frames.
_PADDING = {"aac": 2 * 1024, "libopus": 2 * 960, "pcm_s16le": 1}


def verify(
    path: Path,
    shape: Shape,
    form: FileFormat = STANDARD.format,
    on_frame: Callable[[int], None] = lambda _done: None,
    untouched: Set[int] = frozenset(),
) -> None:
    """Raise TaskFailure CORRUPT_OUTPUT, saying what is wrong, unless the file is what `shape` says.

    `on_frame` gets the number of frames read so far and may raise. Of frames that are `untouched`, somebody
    else's bytes, there must be as many as are said; whether they decode is not asked.
    """
    demuxer = demuxer_of(form)
    try:
        with av.open(str(path), "r", format=demuxer) as container:
            _verify_pictures(container, shape, form, on_frame, untouched)
        if shape.samples:
            with av.open(str(path), "r", format=demuxer) as container:
                _verify_sound(container, shape, form)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"it cannot be read back: {error}") from error


def verify_joins(path: Path, form: FileFormat, joins: Collection[int]) -> None:
    """Raise TaskFailure CORRUPT_OUTPUT unless a decoder gets over each of these frames without a seek.

    Each is the first of a segment, and so a keyframe.
    """
    try:
        with av.open(str(path), "r", format=demuxer_of(form)) as container:
            stream = container.streams.video[0]
            for frame, packets in _around(container.demux(stream), joins):
                _verify_join(stream, frame, packets)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"it cannot be decoded over a join: {error}") from error


def demuxer_of(form: FileFormat) -> str:
    """What reads a file of this format."""
    return _DEMUXERS.get(form.container, form.container)


def _around(packets: Iterable[Seen], joins: Collection[int]) -> Iterator[tuple[int, list[Seen]]]:
    """Each join with the packets before it, from the last keyframe on, and some behind it."""
    since_keyframe: list[Seen] = []
    waiting: dict[int, list[Seen]] = {}
    whole = (packet for packet in packets if packet.pts is not None)
    for number, packet in enumerate(whole):
        if number in joins:
            waiting[number] = [*since_keyframe]
        for frame in list(waiting):
            waiting[frame].append(packet)
            if number == frame + _BEHIND_A_JOIN:
                yield frame, waiting.pop(frame)
        if packet.is_keyframe:
            since_keyframe.clear()
        since_keyframe.append(packet)
    yield from waiting.items()


def _verify_join(stream: VideoStream, frame: int, packets: Sequence[Seen]) -> None:
    """The frames from the join on come whole and in their order, after others.

    Where a decoder makes up for what it lacks, those others are the keyframe and the last before the join.
    """
    place = next((n for n, packet in enumerate(packets) if n and packet.is_keyframe), None)
    if place is None:
        raise _corrupt(f"no keyframe is at its join at {frame}")
    decoder = CodecContext.create(stream.codec_context.name, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    least = max(1, place - _BEFORE_A_JOIN) if decoder.name in _MAKING_UP else 1
    shown = [*_decoded(decoder, [packets[0], *packets[least:place]], is_whole=least == 1)]
    shown += _decoded(decoder, [*packets[place:], None], is_whole=True)
    wanted = sorted(packet.pts or 0 for packet in packets[place:])
    if [each.pts for each in shown if (each.pts or 0) >= wanted[0]] != wanted:
        raise _corrupt(f"frames behind its join at {frame} do not decode in their order")


def _decoded(
    decoder: VideoCodecContext, packets: Sequence["Seen | None"], *, is_whole: bool
) -> Iterator[VideoFrame]:
    """Where they are not the whole from a keyframe on, what cannot be decoded is passed over."""
    for packet in packets:
        try:
            yield from decoder.decode(packet)
        except av.error.InvalidDataError:
            if is_whole:
                raise


def _verify_pictures(
    container: InputContainer,
    shape: Shape,
    form: FileFormat,
    on_frame: Callable[[int], None],
    untouched: Set[int],
) -> None:
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = "NONKEY"
    times: list[Fraction] = []
    keyframes = decoded = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(packet.pts * packet.time_base)
            on_frame(len(times))
            if untouched and round(times[-1] * shape.rate.fps) in untouched:
                continue
            keyframes += packet.is_keyframe
        decoded += len(packet.decode())
    if not _is_even(sorted(times), shape, form):
        raise _corrupt(f"it has {len(times)} frames for {shape.frames}, or their times are uneven")
    # Some decoders do not skip, and give all frames.
    if not keyframes <= decoded <= shape.frames or (stream.width, stream.height) != (
        shape.width,
        shape.height,
    ):
        raise _corrupt(f"{keyframes - decoded} of {keyframes} keyframes are missing, or the size is wrong")


def _is_even(times: list[Fraction], shape: Shape, form: FileFormat) -> bool:
    """Whether there is a time for every frame, exact to what the format can say."""
    if len(times) != shape.frames:
        return False
    wanted = [shape.rate.seconds(frame) for frame in range(shape.frames)]
    ticks = _TICKS.get(form.container)
    if ticks is None:
        return times == wanted
    return all(abs(time - right) <= Fraction(1, ticks) for time, right in zip(times, wanted, strict=True))


def verify_sound(path: Path, shape: Shape, form: FileFormat) -> None:
    """`verify` for the sound alone."""
    try:
        with av.open(str(path), "r", format=demuxer_of(form)) as container:
            _verify_sound(container, shape, form)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"its sound cannot be read back: {error}") from error


def _verify_sound(container: InputContainer, shape: Shape, form: FileFormat) -> None:
    stream = container.streams.audio[0]
    samples = sum(frame.samples for frame in container.decode(stream))
    wanted = ceil(Fraction(shape.samples * stream.rate, shape.sample_rate))
    if not 0 <= samples - wanted < _PADDING[form.sound or "aac"]:
        raise _corrupt(f"it has {samples} samples of sound for {wanted}")


def _corrupt(reason: str) -> TaskFailure:
    return TaskFailure(f"The rendered file is not what was asked for: {reason}.", FailureClass.CORRUPT_OUTPUT)
