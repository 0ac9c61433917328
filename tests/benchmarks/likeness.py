"""How like two videos are, in dB."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.int32]


def psnr(video: Path, reference: Path) -> float:
    """PSNR of the luma over all frames together; both must have as many."""
    error, pixels = 0.0, 0
    with av.open(str(video)) as one, av.open(str(reference)) as other:
        for frame, exact in zip(one.decode(video=0), other.decode(video=0), strict=True):
            difference = _luma(frame) - _luma(exact)
            error += float((difference * difference).sum())
            pixels += difference.size
    return float(10 * np.log10(255.0**2 * pixels / error))


def _luma(frame: av.VideoFrame) -> Luma:
    plane = frame.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].astype(np.int32)
