"""The one way a clip or a sound is opened: sniffed, with a forced demuxer, from a local file only.

Nothing else in the farm calls `av.open` for reading. Pictures have their own door in stills.py.
A file is what its bytes say, whatever its name: a playlist named .mp4 never reaches a demuxer that
would follow it to other files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.stream import VideoStream

from farm.errors import AssetUnreadable
from farm.media_types import HEAD_BYTES, Sniffed, describe_foreign, sniff
from farm.timeline import MediaKind

MAX_DURATION_S = 24 * 3600
MAX_STREAMS = 64
MAX_VIDEO_PIXELS = 8192 * 4608

_DEMUXERS = {
    "mp4": "mov",
    "mov": "mov",
    "matroska": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "mpeg-ps": "mpeg",
    "mpeg-es": "mpegvideo",
    "mpeg-ts": "mpegts",
    "wav": "wav",
    "ogg": "ogg",
    "mp3": "mp3",
    "aac": "aac",
    "flac": "flac",
}

# Decoders met in real uploads. Everything else FFmpeg knows stays shut: its rare decoders are where
# hostile files aim (MagicYUV in AVI was one).
# fmt: off
_CODECS = frozenset(
    {
        "h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2",
        "msmpeg4v3", "h263", "mjpeg", "prores", "dnxhd", "dvvideo", "theora", "rawvideo", "png",
        "qtrle", "aac", "mp1", "mp2", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "amr_nb",
        "amr_wb", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "pcm_u8", "pcm_s8", "pcm_s16le",
        "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be",
        "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"
    }
)
# fmt: on


def sniff_file(path: Path, name: str | None = None) -> Sniffed:
    """What the file is by its first bytes. Raises AssetUnreadable for nothing the farm knows."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    found = sniff(head)
    if found is None:
        raise AssetUnreadable(
            f"{name or path.name} is {describe_foreign(head)}, not a picture, video or sound"
        )
    return found


@contextmanager
def open_media(path: Path, name: str | None = None) -> Iterator[InputContainer]:
    """Open a clip or a sound for reading. `name` is what errors call it; the file name if None.

    Raises AssetUnreadable for a file that is neither, is broken, or is beyond the limits above;
    also for whatever FFmpeg raises while the file is in use.
    """
    label = name or path.name
    found = sniff_file(path, label)
    if found.container not in _DEMUXERS:
        raise AssetUnreadable(f"{label} is {found.label}, not a video or a sound")
    with translated_errors(label, found), _open(path, _DEMUXERS[found.container]) as container:
        _check_limits(container, label)
        yield container


@contextmanager
def translated_errors(label: str, found: Sniffed) -> Iterator[None]:
    """Turn FFmpeg's errors into AssetUnreadable, naming the file."""
    try:
        yield
    except av.error.FFmpegError as error:
        reason = (error.strerror or "unknown error").lower()
        raise AssetUnreadable(f"{label} cannot be read as {found.label}: {reason}") from error


def _open(path: Path, demuxer: str) -> InputContainer:
    options = {
        "format_whitelist": av.ContainerFormat(demuxer, "r").name,
        "protocol_whitelist": "file",
        "max_streams": str(MAX_STREAMS),
    }
    return av.open(str(path.resolve()), "r", format=demuxer, options=options, metadata_errors="replace")


def _check_limits(container: InputContainer, label: str) -> None:
    if container.duration is not None and container.duration > MAX_DURATION_S * 1_000_000:
        raise AssetUnreadable(f"{label} claims to last more than {MAX_DURATION_S // 3600} hours")
    for stream in (picture_stream(container), sound_stream(container)):
        if stream is not None and _codec(stream) not in _CODECS:
            codec = _codec(stream) or "an unknown codec"
            raise AssetUnreadable(f"{label} uses {codec}, which is not accepted")
    video = picture_stream(container)
    if video is not None and video.codec_context.width * video.codec_context.height > MAX_VIDEO_PIXELS:
        size = f"{video.codec_context.width} × {video.codec_context.height}"  # noqa: RUF001 a true times sign
        raise AssetUnreadable(f"{label} has a picture of {size} pixels, more than {MAX_VIDEO_PIXELS}")


def _codec(stream: VideoStream | AudioStream) -> str | None:
    """The coding's own name, whichever decoder serves it; None where FFmpeg has none."""
    context: CodecContext | None = stream.codec_context  # declared as always there, and is not
    return None if context is None else context.codec.canonical_name


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream that moves: the default video stream that is not cover art, or None."""
    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    return next(
        (s for s in moving if s.disposition & av.stream.Disposition.default), next(iter(moving), None)
    )


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The default audio stream, or the first, or None."""
    streams = container.streams.audio
    return next(
        (s for s in streams if s.disposition & av.stream.Disposition.default), next(iter(streams), None)
    )


def origin(container: InputContainer) -> Fraction:
    """The file's own time (seconds) at which the medium's time 0 lies.

    That is the first displayed frame of a video, else the first sound: a clip's picture and sound
    share it, so that a container starting at 1.4 s or with encoder delay stays in step.
    """
    for stream in (picture_stream(container), sound_stream(container)):
        if stream is not None and stream.start_time is not None and stream.time_base is not None:
            return stream.start_time * stream.time_base
    return Fraction(container.start_time or 0, 1_000_000)


def family(container: InputContainer) -> MediaKind:
    """VIDEO when something moves, else AUDIO."""
    return MediaKind.AUDIO if picture_stream(container) is None else MediaKind.VIDEO
