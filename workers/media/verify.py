"""Reads a written file back: every packet is there, evenly timed; every keyframe and all sound decodes.

Where segments were joined, what lies around the joins decodes too.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TypeAlias

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from farm.encoders import STANDARD, FileFormat
from farm.errors import FailureClass, TaskFailure
from workers.media.shape import Shape

Seen: TypeAlias = "Packet[VideoStream]"

_DEMUXERS = {"webm": "matroska"}
_SKIPPING = frozenset({"h264", "hevc"})  # decoders that can be told so between two packets
_BEFORE_A_JOIN, _BEHIND_A_JOIN = 8, 8  # packets
_TICKS = {"webm": 1000, "gif": 100}  # per second, in formats that round times
# Samples that an encoder may add at the end: AAC's and Opus's frames.
_PADDING = {"aac": 2 * 1024, "libopus": 2 * 960, "pcm_s16le": 1}


def verify(path: Path, shape: Shape, form: FileFormat = STANDARD.format) -> None:
    """Raise TaskFailure CORRUPT_OUTPUT, saying what is wrong, unless the file is what `shape` says."""
    demuxer = demuxer_of(form)
    try:
        with av.open(str(path), "r", format=demuxer) as container:
            _verify_pictures(container, shape, form)
        if shape.samples:
            with av.open(str(path), "r", format=demuxer) as container:
                _verify_sound(container, shape, form)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"it cannot be read back: {error}") from error


def verify_joins(path: Path, form: FileFormat, joins: Collection[int]) -> None:
    """Raise TaskFailure CORRUPT_OUTPUT unless a decoder gets over each of these frames without a seek.

    Each is the first of a segment. Decoding begins at the keyframe before it.
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
    """Frames that no other needs are passed over until shortly before the join."""
    decoder = CodecContext.create(stream.codec_context.name, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    decoder.thread_type = "FRAME"
    near = max(0, len(packets) - _BEFORE_A_JOIN - _BEHIND_A_JOIN - 1) if decoder.name in _SKIPPING else 0
    decoded: list[int | None] = []
    for number, packet in enumerate(packets):
        decoder.skip_frame = "NONREF" if number < near else "DEFAULT"
        decoded += [shown.pts for shown in decoder.decode(packet)]
    decoded += [shown.pts for shown in decoder.decode(None)]
    times = [time for time in decoded if time is not None]
    if not {packet.pts for packet in packets[near:]} <= {*times} or times != sorted(times):
        raise _corrupt(f"frames around its join at {frame} do not decode in their order")


def _verify_pictures(container: InputContainer, shape: Shape, form: FileFormat) -> None:
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = "NONKEY"
    times: list[Fraction] = []
    keyframes = decoded = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(packet.pts * packet.time_base)
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
