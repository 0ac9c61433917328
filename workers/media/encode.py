"""Writes H.264 and AAC into an MP4, and takes nothing on trust: a file is read back before it counts.

Pictures come as `(planes, repeats)` and sound as float32 chunks; both are pulled as the encoder needs them,
so whoever makes them sets the pace. The file appears under its name only when it is whole.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from farm.errors import FailureClass, TaskFailure
from farm.timeline import Rate
from workers.media.ahead import Ahead
from workers.media.planes import Planes

Samples = npt.NDArray[np.float32]

Written: TypeAlias = "Packet[VideoStream] | Packet[AudioStream]"

_BT709 = 1  # AVCOL_*_BT709: matrix, primaries and transfer share the number
_LIMITED = 1  # AVCOL_RANGE_MPEG
_AAC_FRAME = 1024  # samples
MOST_THREADS = 8
SOUND_AHEAD = 64  # packets


@dataclass(frozen=True, slots=True)
class EncoderProfile:
    """How a render is encoded. `threads` 0: one per processor, at most MOST_THREADS.

    More threads cost no more CPU time, but memory: every one holds frames of its own.
    """

    preset: str = "veryfast"
    crf: int = 23
    audio_bitrate: int = 192_000
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file must turn out to be."""

    width: int
    height: int
    rate: Rate
    frames: int
    sample_rate: int
    samples: int  # 0: without sound


class Picture(Protocol):
    """A picture and for how many frames on end it stands."""

    @property
    def planes(self) -> Planes: ...

    @property
    def frames(self) -> int: ...


def encode(
    pictures: Iterable[Picture],
    sound: Iterable[Samples],
    out: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
) -> None:
    """Encode into `out` and check what was written. `on_frame` gets the number of frames done so far.

    Chunks of sound have shape (2, n). Raises TaskFailure CORRUPT_OUTPUT when the file does not read back as
    `shape`, OSError when it cannot be written; then, as for any error of the sources or of `on_frame`, no
    file is left.
    """
    part = out.with_name(out.name + ".part")
    try:
        _write(pictures, sound, part, shape, profile, on_frame)
        verify(part, shape)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write(
    pictures: Iterable[Picture],
    sound: Iterable[Samples],
    path: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, shape, profile)
        audio = _audio_stream(container, shape, profile) if shape.samples else None
        container.start_encoding()
        with ExitStack() as stack:
            heard: Iterator[Written] = iter(())
            if audio is not None:
                heard = stack.enter_context(
                    Ahead(_sound_packets(audio, sound), depth=64, name="encode-sound")
                )
            _interleave(container, _picture_packets(video, pictures, shape, on_frame), heard)


def _video_stream(container: OutputContainer, shape: Shape, profile: EncoderProfile) -> VideoStream:
    stream = container.add_stream(
        "libx264", rate=shape.rate.fps, options={"preset": profile.preset, "crf": str(profile.crf)}
    )
    stream.width, stream.height, stream.pix_fmt = shape.width, shape.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / shape.rate.fps
    # PyAV's default is SLICE, which costs x264 compression and speed.
    context.thread_type, context.thread_count = "FRAME", profile.threads or _own_threads()
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    return stream


def _own_threads() -> int:
    return min(MOST_THREADS, os.cpu_count() or 1)


def _audio_stream(container: OutputContainer, shape: Shape, profile: EncoderProfile) -> AudioStream:
    stream = container.add_stream("aac", rate=shape.sample_rate)
    stream.codec_context.layout = "stereo"
    stream.codec_context.bit_rate = profile.audio_bitrate
    return stream


def _picture_packets(
    stream: VideoStream, pictures: Iterable[Picture], shape: Shape, on_frame: Callable[[int], None]
) -> Iterator[Written]:
    done = 0
    for picture in pictures:
        frame = picture.planes.frame
        frame.time_base = 1 / shape.rate.fps
        frame.pict_type = 0  # x264 would obey what a decoder left there
        for _ in range(picture.frames):
            frame.pts = done
            yield from stream.encode(frame)
            done += 1
            on_frame(done)
    yield from stream.encode(None)


def _sound_packets(stream: AudioStream, sound: Iterable[Samples]) -> Generator[Written, None, None]:
    at = 0
    for chunk in sound:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="fltp", layout="stereo")
        frame.sample_rate = stream.sample_rate
        frame.time_base = Fraction(1, stream.sample_rate)
        frame.pts = at
        at += chunk.shape[1]
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _interleave(container: OutputContainer, seen: Iterator[Written], heard: Iterator[Written]) -> None:
    """Write pictures as they come, and before each the sound that starts earlier."""
    waiting = next(heard, None)
    for packet in seen:
        while waiting is not None and _starts(waiting) <= _starts(packet):
            container.mux_one(waiting)
            waiting = next(heard, None)
        container.mux_one(packet)
    while waiting is not None:
        container.mux_one(waiting)
        waiting = next(heard, None)


def _starts(packet: Written) -> Fraction:
    assert packet.dts is not None and packet.time_base is not None
    return packet.dts * packet.time_base


def verify(path: Path, shape: Shape) -> None:
    """Read a written file back: every packet is there, evenly timed; every keyframe and all sound decodes.

    Raises TaskFailure CORRUPT_OUTPUT saying what is wrong.
    """
    try:
        with av.open(str(path), "r", format="mp4") as container:
            _verify_pictures(container, shape)
        if shape.samples:
            with av.open(str(path), "r", format="mp4") as container:
                _verify_sound(container, shape)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"it cannot be read back: {error}") from error


def _verify_pictures(container: InputContainer, shape: Shape) -> None:
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = "NONKEY"
    times: list[Fraction] = []
    keyframes = decoded = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(packet.pts * packet.time_base * shape.rate.fps)
            keyframes += packet.is_keyframe
        decoded += len(packet.decode())
    if sorted(times) != list(range(shape.frames)):
        raise _corrupt(f"it has {len(times)} frames for {shape.frames}, or their times are uneven")
    if decoded != keyframes or (stream.width, stream.height) != (shape.width, shape.height):
        raise _corrupt(f"{keyframes - decoded} of {keyframes} keyframes are missing, or the size is wrong")


def _verify_sound(container: InputContainer, shape: Shape) -> None:
    samples = sum(frame.samples for frame in container.decode(audio=0))
    if not 0 <= samples - shape.samples < 2 * _AAC_FRAME:
        raise _corrupt(f"it has {samples} samples of sound for {shape.samples}")


def _corrupt(reason: str) -> TaskFailure:
    return TaskFailure(f"The rendered file is not what was asked for: {reason}.", FailureClass.CORRUPT_OUTPUT)
