"""Encoding frames that lie in memory: what an encoder alone costs."""

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from tests.benchmarks.render_works import FPS
from workers.media.cuts import CutFinder


def frames_of(path: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Uncompressed I420 frames of a file: number x 3/2 height x width."""
    return np.fromfile(path, np.uint8).reshape(-1, height * 3 // 2, width)


def encode_frames(
    frames: npt.NDArray[np.uint8],
    out: Path,
    options: Mapping[str, str],
    threads: int = 0,
    cuts: CutFinder | None = None,
) -> None:
    """Encode I420 frames with x264, without sound. No `threads` are as many as FFmpeg likes.

    `cuts` tell it where shots begin.
    """
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=dict(options))
        stream.height, stream.width, stream.pix_fmt = frames.shape[1] * 2 // 3, frames.shape[2], "yuv420p"
        stream.codec_context.thread_type = "FRAME"
        stream.codec_context.thread_count = threads
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_numpy_buffer(picture, format="yuv420p")
            frame.pts = number
            if cuts is not None and cuts.begins_shot(picture[: stream.height]):
                frame.pict_type = PictureType.I
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
