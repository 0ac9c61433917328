"""Writes pictures and sound into a file as a profile says, and takes nothing on trust: it is read back.

Pictures come as `(planes, repeats)` and sound as float32 chunks; both are pulled as the encoder needs them,
so whoever makes them sets the pace. The file appears under its name only when it is whole. How single codecs
are opened is in streams.py, GIF in gif.py, the reading back in verify.py.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, inf
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from farm.encoders import EncoderProfile, FileFormat
from farm.timeline import Rate
from workers.media.ahead import Ahead
from workers.media.frames import Picture, frames_of
from workers.media.planes import Planes
from workers.media.shape import Shape
from workers.media.streams import PixelFormat, audio_stream, named_encoder, open_video, video_stream
from workers.media.verify import verify, verify_sound

Samples = npt.NDArray[np.float32]

Written: TypeAlias = "Packet[VideoStream] | Packet[AudioStream]"

SOUND_AHEAD = 64  # packets
# An edit list says in ticks of the film's own how long a track is. In FFmpeg's milliseconds that could be too
# short for what a last packet of AAC holds, up to 24 samples, and players left it out.
_QUICKTIME = {"movflags": "+faststart", "movie_timescale": "48000"}
_CONTAINER_OPTIONS = {"mp4": _QUICKTIME, "mov": _QUICKTIME}


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the film that players offer to jump to, in frames of the file."""

    title: str
    start_frame: int
    end_frame_exclusive: int


@dataclass(frozen=True, slots=True)
class _Thinned:
    planes: Planes
    frames: int


def encode(
    pictures: Iterable[Picture],
    sound: Iterable[Samples],
    out: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter] = (),
    form: FileFormat | None = None,
) -> None:
    """Encode into `out` and check what was written. `on_frame` gets the number of pictures used up so far.

    Chunks of sound have shape (2, n). `shape` and `chapters` are of what comes in; `thinning` tells what a
    profile makes of it. `form` is another file format than the profile's own. Raises TaskFailure
    CORRUPT_OUTPUT when the file does not read back as it should, INTERNAL `encoder_missing` when this worker
    has no such encoder, OSError when it cannot be written; then, as for any error of the sources or of
    `on_frame`, no file is left.
    """
    every = thinning(profile, shape.rate)
    written = written_shape(shape, profile)
    form = form or profile.format
    part = out.with_name(out.name + ".part")
    try:
        _write(
            thinned(pictures, every) if every > 1 else pictures,
            sound,
            part,
            written,
            profile,
            form,
            lambda done: on_frame(min(done * every, shape.frames)),
            [thinned_chapter(chapter, every) for chapter in chapters],
        )
        verify(part, written, form)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def encode_sound(sound: Iterable[Samples], out: Path, shape: Shape, profile: EncoderProfile) -> None:
    """Encode the sound of a film alone, to be joined with its pictures later. Raises as `encode` does."""
    part = out.with_name(out.name + ".part")
    try:
        with created(part, profile.format) as container:
            with named_encoder(profile):
                stream = audio_stream(container, shape, profile)
            container.start_encoding()
            for packet in sound_packets(stream, sound, shape):
                container.mux_one(packet)
        verify_sound(part, shape, profile.format)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def thinning(profile: EncoderProfile, rate: Rate) -> int:
    """Of how many frames on end a profile writes one."""
    return 1 if profile.most_fps is None else max(1, ceil(rate.fps / Fraction(profile.most_fps)))


def written_shape(shape: Shape, profile: EncoderProfile) -> Shape:
    """What the file of a profile must turn out to be."""
    every = thinning(profile, shape.rate)
    return replace(
        shape,
        rate=Rate(num=shape.rate.num, den=shape.rate.den * every) if every > 1 else shape.rate,
        frames=ceil(shape.frames / every),
        samples=0 if profile.format.sound is None else shape.samples,
    )


def thinned(pictures: Iterable[Picture], every: int) -> Iterator[Picture]:
    """The first of every so many frames."""
    at = 0
    for picture in pictures:
        end = at + picture.frames
        kept = ceil(end / every) - ceil(at / every)
        if kept:
            yield _Thinned(picture.planes, kept)
        at = end


def thinned_chapter(chapter: Chapter, every: int) -> Chapter:
    """The same chapter in frames of the thinned film."""
    return replace(
        chapter,
        start_frame=ceil(chapter.start_frame / every),
        end_frame_exclusive=ceil(chapter.end_frame_exclusive / every),
    )


def _write(
    pictures: Iterable[Picture],
    sound: Iterable[Samples],
    path: Path,
    shape: Shape,
    profile: EncoderProfile,
    form: FileFormat,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter],
) -> None:
    with created(path, form) as container:
        with named_encoder(profile):
            video = video_stream(container, shape, profile)
            audio = audio_stream(container, shape, profile) if shape.samples else None
            open_video(video, profile)
        set_chapters(container, chapters, shape.rate)
        container.start_encoding()
        with ExitStack() as stack:
            heard: Iterator[Written] = iter(())
            if audio is not None:
                heard = stack.enter_context(
                    Ahead(sound_packets(audio, sound, shape), depth=SOUND_AHEAD, name="encode-sound")
                )
            interleave(container, _picture_packets(video, pictures, shape, profile, on_frame), heard)


def created(path: Path, form: FileFormat) -> OutputContainer:
    """A new file, to be closed. One that players stream has its index in front."""
    return av.open(str(path), "w", format=form.container, options=_CONTAINER_OPTIONS.get(form.container, {}))


def set_chapters(container: OutputContainer, chapters: Sequence[Chapter], rate: Rate) -> None:
    """Give a file its chapters; before its encoding starts."""
    if chapters:
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": chapter.start_frame,
                    "end": chapter.end_frame_exclusive,
                    "time_base": 1 / rate.fps,
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters)
            ]
        )


def _picture_packets(
    stream: VideoStream,
    pictures: Iterable[Picture],
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
) -> Iterator[Written]:
    frames = frames_of(pictures, 0, shape.rate, profile, PixelFormat(stream))
    for done, frame in enumerate(frames, 1):
        yield from stream.encode(frame)
        on_frame(done)
    yield from stream.encode(None)


def sound_packets(
    stream: AudioStream, sound: Iterable[Samples], shape: Shape
) -> Generator[Written, None, None]:
    """Encode chunks of shape (2, n), from the start on."""
    at = 0
    for chunk in sound:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="fltp", layout="stereo")
        frame.sample_rate = shape.sample_rate
        frame.time_base = Fraction(1, shape.sample_rate)
        frame.pts = at
        at += chunk.shape[1]
        yield from stream.encode(frame)
    yield from stream.encode(None)


def interleave(container: OutputContainer, seen: Iterator[Written], heard: Iterator[Written]) -> None:
    """Write pictures as they come, and before each the sound that starts earlier."""
    waiting = next(heard, None)
    sounds_s = _starts_s(waiting)
    for packet in seen:
        starts_s = _starts_s(packet)
        while waiting is not None and sounds_s <= starts_s:
            container.mux_one(waiting)
            waiting = next(heard, None)
            sounds_s = _starts_s(waiting)
        container.mux_one(packet)
    while waiting is not None:
        container.mux_one(waiting)
        waiting = next(heard, None)


def _starts_s(packet: "Written | None") -> float:
    """When it is to be decoded; a float, as this is asked for every packet. What does not come, never is."""
    if packet is None:
        return inf
    base = packet.time_base
    assert packet.dts is not None and base is not None
    return packet.dts * base.numerator / base.denominator
