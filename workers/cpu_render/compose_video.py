"""Performs compose-video: mixes and masters the sound, and lays it beside the film's own packets.

The pictures are copied, so they lose nothing and cost next to no time. Where their coding does not belong
into an MP4 they are encoded anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from farm.encoders import STANDARD
from farm.errors import AssetUnreadable, BadRequest, FailureClass, TaskFailure
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tasks.compose_video import VIDEO, ComposeVideo
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.cpu_render.soundtrack import Soundtrack
from workers.media.colour import Converter
from workers.media.encode import Written, created, encode, encode_sound, interleave
from workers.media.open import open_media, origin, picture_stream, sniff_file
from workers.media.planes import Planes
from workers.media.probe import MediaInfo, probe
from workers.media.shape import Shape
from workers.media.sound import Samples
from workers.media.video import VideoReader

_RATE = Rate(num=1000, den=1)  # of the timeline, which is there for its sound alone
_SAMPLE_RATE = 48_000
_FADE_S = Fraction(1, 2)
_LEAST_S = Fraction(1, 100)
_MOST_FPS = 60
_TOLERANCE_S = 0.2
_COPIED = frozenset({"h264", "hevc", "av1"})
_TIMED = frozenset({"mp4", "mov", "matroska"})  # that say when each picture is shown
_VIDEO, _AUDIO = "film", "sound"


@dataclass(frozen=True, slots=True)
class _Job:
    """What is put together, and how long it is to be, in seconds."""

    params: ComposeVideo
    video: InputFile
    audio: InputFile
    seen: MediaInfo
    heard: MediaInfo
    length: Fraction

    @property
    def offset(self) -> Fraction:
        """When the new sound begins, in seconds."""
        return Fraction(str(self.params.offset_s))

    @property
    def samples(self) -> int:
        return self.timeline.samples_at(self.timeline.end_frame_exclusive)

    @property
    def timeline(self) -> Timeline:
        """All that is heard; what it shows is never drawn."""
        params, end = self.params, ceil(self.length * _RATE.fps)
        own = VideoClip(
            media=_VIDEO,
            start_frame=0,
            end_frame_exclusive=end,
            source_end=self.seen.duration,
            sound_gain=0.0 if params.replace_audio else params.video_volume,
        )
        return Timeline(
            name="compose",
            rate=_RATE,
            width=16,
            height=16,
            sample_rate=_SAMPLE_RATE,
            media=(
                Media(id=_VIDEO, kind=MediaKind.VIDEO, name=self.video.file_name),
                Media(id=_AUDIO, kind=MediaKind.AUDIO, name=self.audio.file_name),
            ),
            video=(VideoTrack(clips=(own,)),),
            audio=(AudioTrack(clips=(self._new(end),), role="voiceover"),) if params.audio_volume else (),
        )

    def _new(self, end: int) -> AudioClip:
        is_cut = self.heard.duration is None or self.offset + self.heard.duration > self.length
        return AudioClip(
            media=_AUDIO,
            start_sample=round(self.offset * _SAMPLE_RATE),
            end_sample_exclusive=ceil(_RATE.seconds(end) * _SAMPLE_RATE),
            gain=self.params.audio_volume,
            fade_out_samples=round(min(_FADE_S, self.length - self.offset) * _SAMPLE_RATE) if is_cut else 0,
        )


def perform(task: TaskInput, context: Context) -> Done:
    """Put them together. Raises AssetUnreadable naming the file that is no film, or has no sound."""
    job = _job(ComposeVideo.model_validate(dict(task.params)), task)
    path = context.workdir / "composed.mp4"
    sound = Soundtrack(job.timeline, {_VIDEO: job.video.path, _AUDIO: job.audio.path}, folder=context.workdir)
    try:
        if _may_be_copied(job.video):
            _copied(job, sound, path, context)
        else:
            _encoded(job, sound, path, context)
    finally:
        sound.stop()
    written = _checked(path, job)
    said: dict[str, Any] = {
        "width": written.width,
        "height": written.height,
        "duration_s": round(float(job.length), 3),
        "audio_cut_s": _cut_s(job),
    }
    return Done([Output(VIDEO, path, path.name, "video/mp4", meta=said)], result=said)


def _job(params: ComposeVideo, task: TaskInput) -> _Job:
    video, audio = task.inputs[params.video], task.inputs[params.audio]
    seen, heard = probe(video.path, video.file_name), probe(audio.path, audio.file_name)
    if seen.kind is not MediaKind.VIDEO or not seen.duration or seen.duration < _LEAST_S:
        raise AssetUnreadable(f"{video.file_name} is no film", param="video")
    if not heard.has_audio:
        raise AssetUnreadable(f"{audio.file_name} has no sound", param="audio")
    length, offset = seen.duration, Fraction(str(params.offset_s))
    if params.hold_last_frame and heard.duration is not None:
        length = max(length, offset + heard.duration)
    if offset >= length:
        raise BadRequest(f"offset_s: the film ends after {float(length):.2f} s.", param="offset_s")
    return _Job(params, video, audio, seen, heard, length)


def _cut_s(job: _Job) -> float:
    """How much of the new sound is not heard."""
    if job.heard.duration is None:
        return 0.0
    return round(max(0.0, float(job.offset + job.heard.duration - job.length)), 3)


def _may_be_copied(file: InputFile) -> bool:
    if sniff_file(file.path, file.file_name).container not in _TIMED:
        return False
    with open_media(file.path, file.file_name) as container:
        stream = picture_stream(container)
        return stream is not None and stream.codec_context.codec.canonical_name in _COPIED


def _copied(job: _Job, sound: Soundtrack, path: Path, context: Context) -> None:
    """The film's packets as they are, beside the new sound."""
    whole = context.workdir / "sound.mp4"
    shape = Shape(16, 16, _RATE, 0, _SAMPLE_RATE, job.samples)
    encode_sound(_watched(sound, context, job.samples), whole, shape, STANDARD)
    context.progress(0.8, "join")
    with (
        open_media(job.video.path, job.video.file_name) as source,
        av.open(str(whole), "r", format="mov") as heard,
        created(path, STANDARD.format) as container,
    ):
        picture = picture_stream(source)
        assert picture is not None
        video = container.add_stream_from_template(picture, opaque=True)
        if sniff_file(job.video.path).container in ("mp4", "mov"):
            video.codec_context.codec_tag = picture.codec_context.codec_tag
        audio = container.add_stream_from_template(heard.streams.audio[0])
        container.start_encoding()
        seen = _seen(source, picture, video, job, context)
        interleave(container, seen, _heard(heard, audio))
    whole.unlink()


def _seen(
    source: InputContainer, picture: VideoStream, stream: VideoStream, job: _Job, context: Context
) -> Iterator[Written]:
    """The packets from time 0 on. The last one lasts until the end."""
    assert picture.time_base is not None
    begins = round(origin(source) / picture.time_base)
    longer = round((job.length - (job.seen.duration or 0)) / picture.time_base)
    last: Packet[VideoStream] | None = None
    for packet in source.demux(picture):
        if packet.dts is None or packet.pts is None:
            continue
        context.checkpoint()
        packet.pts, packet.dts = packet.pts - begins, packet.dts - begins
        packet.stream = stream
        if last is not None:
            yield last
        last = packet
    if last is not None:
        last.duration = (last.duration or 1) + longer
        yield last


def _heard(whole: InputContainer, stream: Any) -> Iterator[Written]:
    for packet in whole.demux(whole.streams.audio[0]):
        if packet.pts is not None:
            packet.stream = stream
            yield packet


def _encoded(job: _Job, sound: Soundtrack, path: Path, context: Context) -> None:
    """Its pictures encoded anew, at an even rate."""
    fps = min(Fraction(_MOST_FPS), job.seen.rate or Fraction(30))
    rate = Rate(num=fps.numerator, den=fps.denominator)
    frames = max(1, round(job.length * fps))
    width, height = _even(job.seen)
    shape = Shape(width, height, rate, frames, _SAMPLE_RATE, job.samples)

    def on_frame(done: int) -> None:
        context.progress(done / frames, "encode")

    encode(_pictures(job, shape), sound, path, shape, STANDARD, on_frame)


@dataclass(frozen=True, slots=True)
class _Picture:
    planes: Planes
    frames: int = 1


def _pictures(job: _Job, shape: Shape) -> Iterator[_Picture]:
    converter = Converter()
    with VideoReader(job.video.path, rate=shape.rate, name=job.video.file_name) as reader:
        for number in range(shape.frames):
            frame = converter.convert(reader.frame(number), shape.width, shape.height)
            yield _Picture(Planes.of(frame))


def _watched(sound: Soundtrack, context: Context, samples: int) -> Iterator[Samples]:
    done = 0
    for chunk in sound:
        yield chunk
        done += chunk.shape[1]
        context.progress(0.8 * done / samples, "sound")


def _checked(path: Path, job: _Job) -> MediaInfo:
    """What was written. Raises TaskFailure CORRUPT_OUTPUT where that is not what was meant."""
    found = probe(path)
    missing_s = abs(float((found.duration or 0) - job.length))
    is_sized = _even(found) == _even(job.seen)
    if not found.has_audio or not is_sized or missing_s > _TOLERANCE_S:
        raise TaskFailure(
            f"The film came out {found.width}x{found.height}, {float(found.duration or 0):.2f} s long.",
            FailureClass.CORRUPT_OUTPUT,
            code="corrupt_output",
        )
    return found


def _even(info: MediaInfo) -> tuple[int, int]:
    return (info.width or 0) // 2 * 2, (info.height or 0) // 2 * 2
