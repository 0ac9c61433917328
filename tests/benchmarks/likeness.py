"""How like a video is to what it was made from, in dB."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.int32]


def psnr(video: Path, frames: Path) -> float:
    """PSNR of the luma over all frames together; `frames` has as many, uncompressed, as I420."""
    error, pixels = 0.0, 0
    with av.open(str(video)) as container, frames.open("rb") as file:
        for frame in container.decode(video=0):
            luma = _luma(frame)
            exact = np.frombuffer(file.read(luma.size * 3 // 2), np.uint8)[: luma.size]
            difference = luma - exact.reshape(luma.shape)
            error += float((difference * difference).sum())
            pixels += difference.size
    return float(10 * np.log10(255.0**2 * pixels / error))


def _luma(frame: av.VideoFrame) -> Luma:
    plane = frame.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].astype(np.int32)
