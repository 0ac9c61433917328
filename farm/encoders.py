"""Encoder profiles: how a finished film is written. The catalog reads them from configs/encode.toml.

Which profiles may be asked for is `tasks/media_render/profiles.py`; what follows from an encoder (its file
format, its sound) is the table below, because it is no operator's choice. Nothing here opens a codec.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from farm.noun import Noun

Encoder = Literal[
    "libx264",
    "libx265",
    "h264_nvenc",
    "hevc_nvenc",
    "libvpx-vp9",
    "libsvtav1",
    "libaom-av1",
    "prores_aw",
    "prores_ks",
    "gif",
]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What an encoder's pictures are put into. `sound` is the sound's encoder; None: silent.

    `container` and the pixel format are named as FFmpeg does; `sound_rate` None: the timeline's own.
    """

    container: str
    suffix: str
    content_type: str
    pixel_format: str = "yuv420p"
    sound: str | None = "aac"
    sound_rate: int | None = None


_MP4 = FileFormat("mp4", ".mp4", "video/mp4")
_WEBM = FileFormat("webm", ".webm", "video/webm", sound="libopus", sound_rate=48_000)
_MOV = FileFormat("mov", ".mov", "video/quicktime", pixel_format="yuv422p10le", sound="pcm_s16le")
_GIF = FileFormat("gif", ".gif", "image/gif", pixel_format="pal8", sound=None)
_FORMATS: Mapping[str, FileFormat] = {"libvpx-vp9": _WEBM, "prores_aw": _MOV, "prores_ks": _MOV, "gif": _GIF}


class EncoderProfile(Noun):
    """How a film is encoded; see configs/encode.toml, where each key is explained."""

    encoder: Encoder = "libx264"
    options: Mapping[str, str] = Field(default_factory=dict)
    audio_bitrate: int = Field(default=192_000, gt=0)
    scale: float = Field(default=1.0, ge=0.05, le=1)
    longest_side: int | None = Field(default=None, ge=32)
    most_fps: float | None = Field(default=None, ge=1)
    threads: int = Field(default=0, ge=0)
    copy_up_to_bitrate: int = Field(default=0, ge=0)

    @property
    def format(self) -> FileFormat:
        """The file that its encoder's pictures go into."""
        return _FORMATS.get(self.encoder, _MP4)


# Whatever the configs say; they tell why.
STANDARD = EncoderProfile(
    options={
        "preset": "veryfast",
        "crf": "23",
        "motion-est": "dia",
        "partitions": "i8x8",
        "trellis": "1",
        "sc_threshold": "0",
        "b_strategy": "0",
        "rc-lookahead": "12",
    }
)
