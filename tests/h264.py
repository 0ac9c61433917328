"""H.264 clips of every make, drawn and encoded here. Pictures carry their number as `tests.media` has it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from tests.media import coded, mux_sound

WIDTH, HEIGHT = 320, 192
# By what a clip differs from others: x264's settings. The groups of pictures are of half a second.
MAKES = {
    "plain": "bframes=0:ref=1",
    "b-frames": "bframes=3:b-pyramid=normal:weightb=1:weightp=2",
    "slices": "bframes=2:slices=3:aud=1",
    "buffers": "bframes=2:nal-hrd=vbr:vbv-maxrate=2000:vbv-bufsize=1000",
    "cavlc": "cabac=0:bframes=3:weightp=2",
    "open": "bframes=3:open-gop=1",
    "refresh": "bframes=0:intra-refresh=1",
}
GOP = 15


def write_h264(
    path: Path,
    frames: int = 90,
    params: str = "",
    *,
    rate: Fraction = Fraction(30),
    times: Sequence[Fraction] | None = None,
    first: int = 0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    file_format: str = "mp4",
    matrix: int = 1,
    color_range: int = 1,
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    pix_fmt: str = "yuv420p",
    profile: str | None = None,
    gop: int = GOP,
    sound: npt.NDArray[np.float32] | None = None,
) -> Path:
    """A clip whose pictures are numbered from `first`. `params` are x264's own, `times` the frames' seconds.

    `sound` is stereo at 48 kHz.
    """
    settings = ":".join(part for part in (params, f"keyint={gop}:min-keyint={gop}:scenecut=0") if part)
    options = {"preset": "veryfast", "crf": "20", "x264-params": settings}
    if profile:
        options["profile"] = profile
    with av.open(str(path), "w", format=file_format) as out:
        video = out.add_stream("libx264", rate=rate, options=options)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        context = video.codec_context
        context.thread_count = 1
        context.time_base = Fraction(1, 90_000) if times else 1 / rate
        context.colorspace = context.color_primaries = context.color_trc = matrix
        context.color_range = color_range
        if pixel_aspect is not None:
            context.sample_aspect_ratio = pixel_aspect
        if rotation:
            video.set_display_rotation(rotation)
        audio = None
        if sound is not None:
            audio = out.add_stream("aac", rate=48_000)
            assert isinstance(audio, AudioStream)
            audio.layout = "stereo"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(coded(first + number, *size), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=1, dst_color_range=color_range)
            frame.time_base = context.time_base
            frame.pts = round(times[number] * 90_000) if times else number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            mux_sound(out, audio, sound, 48_000)
    return path
