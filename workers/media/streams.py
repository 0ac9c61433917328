"""Opens the encoders that a profile names, with the right pixels, colours, threads and sound."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.codec.context import CodecContext, Flags, ThreadType
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from farm.encoders import EncoderProfile
from farm.errors import FailureClass, TaskFailure
from workers.media.priority import ordinary_priority
from workers.media.shape import Shape
from workers.media.x264 import with_best_instructions
from workers.processors import threads

_BT709 = 1  # AVCOL_*_BT709: matrix, primaries and transfer share the number
_LIMITED = 1  # AVCOL_RANGE_MPEG
_APPLES_HEVC = "hvc1"  # the tag without which QuickTime plays no HEVC
MOST_THREADS = 8
# AAC of so many bits needs no intensity stereo, and what is above 18 kHz costs more than it is heard: without
# both, music is 0.7 dB nearer to what came in, and a tenth less work.
_RICH_BITRATE, _RICH_RATE = 160_000, 44_100
_RICH_AAC = {"aac_is": "0", "cutoff": "18000"}
os.environ.setdefault("SVT_LOG", "1")  # errors only; SVT-AV1 tells its settings on stderr otherwise


@contextmanager
def named_encoder(profile: EncoderProfile) -> Iterator[None]:
    """Say which encoder it was that this worker lacks, cannot open, or that takes no such option."""
    try:
        yield
    except UnknownCodecError as error:
        raise _missing(f"This worker has no encoder {str(error)!r}.") from error
    except av.error.FFmpegError as error:
        reason = (error.strerror or "unknown error").lower()
        raise _missing(f"This worker cannot open the encoder {profile.encoder}: {reason}.") from error


def _missing(message: str) -> TaskFailure:
    return TaskFailure(message, FailureClass.INTERNAL, code="encoder_missing")


def video_stream(container: OutputContainer, shape: Shape, profile: EncoderProfile) -> VideoStream:
    """The picture's stream: BT.709, limited range, at the shape's rate."""
    stream = container.add_stream(profile.encoder, rate=shape.rate.fps, options=encoder_options(profile))
    assert isinstance(stream, VideoStream)
    _set_up(stream.codec_context, shape, profile)
    return stream


def piece_encoder(shape: Shape, profile: EncoderProfile) -> VideoCodecContext:
    """An open encoder without a file, which does as that of `video_stream` does."""
    context = CodecContext.create(profile.encoder, "w")
    assert isinstance(context, VideoCodecContext)
    context.framerate, context.options = shape.rate.fps, encoder_options(profile)
    context.flags |= Flags.global_header
    _set_up(context, shape, profile)
    _open(context, profile)
    return context


def encoder_options(profile: EncoderProfile) -> dict[str, str]:
    """A profile's options, and what this machine's processor makes of them."""
    is_x264 = profile.encoder == "libx264"
    return with_best_instructions(profile.options) if is_x264 else dict(profile.options)


def _set_up(context: VideoCodecContext, shape: Shape, profile: EncoderProfile) -> None:
    context.width, context.height = shape.width, shape.height
    context.pix_fmt = profile.format.pixel_format
    context.time_base = 1 / shape.rate.fps
    # PyAV's default is SLICE, which costs x264 compression and speed.
    context.thread_type, context.thread_count = ThreadType.FRAME, profile.threads or own_threads()
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    if profile.encoder in ("libx265", "hevc_nvenc"):
        context.codec_tag = _APPLES_HEVC


def open_video(stream: VideoStream, profile: EncoderProfile) -> None:
    """Open the encoder before its first picture. FFmpeg itself passes over options that it does not know."""
    _open(stream.codec_context, profile)


def _open(context: VideoCodecContext, profile: EncoderProfile) -> None:
    with ordinary_priority():
        context.open()
    if unknown := ", ".join(sorted(context.options)):
        raise _missing(f"The encoder {profile.encoder} of this worker has no option {unknown} (encode.toml).")


def own_threads() -> int:
    """One per processor of this engine's share, up to MOST_THREADS: more cost memory."""
    return min(MOST_THREADS, threads())


def audio_stream(container: OutputContainer, shape: Shape, profile: EncoderProfile) -> AudioStream:
    """The sound's stream, stereo; PyAV resamples where its rate is not the timeline's."""
    form = profile.format
    assert form.sound is not None
    rate = form.sound_rate or shape.sample_rate
    is_rich = form.sound == "aac" and profile.audio_bitrate >= _RICH_BITRATE and rate >= _RICH_RATE
    stream = container.add_stream(form.sound, rate=rate, options=dict(_RICH_AAC) if is_rich else {})
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "stereo"
    if not form.sound.startswith("pcm_"):
        stream.codec_context.bit_rate = profile.audio_bitrate
    return stream


class PixelFormat:
    """Brings composed pictures into the pixel format of a stream; yuv420p passes untouched."""

    def __init__(self, stream: VideoStream) -> None:
        self._format = stream.pix_fmt
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        if frame.format.name == self._format:
            return frame
        converted = self._reformatter.reformat(frame, format=self._format, threads=1)
        # ProRes says in every frame what the frame says of itself.
        converted.colorspace = converted.color_primaries = converted.color_trc = _BT709
        converted.color_range = _LIMITED
        return converted
