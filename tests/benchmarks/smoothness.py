"""How evenly a slow zoom moves, measured in the finished picture."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

# A square away from the centre, where a zoom is nearly a shift; the first clip's frames without its fades.
_TOP, _LEFT, _SIDE = 150, 100, 512
_FIRST, _LAST = 5, 80

Floats = npt.NDArray[np.float64]


def jitter(video: Path) -> float:
    """By how many pixels the step from frame to frame changes, on average, in the first clip of a video."""
    steps = np.array([_shift(before, after) for before, after in pairwise(_squares(video))])
    return float(np.abs(np.diff(steps, axis=0)).mean())


def _squares(video: Path) -> list[Floats]:
    squares = []
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= _LAST:
                break
            if number >= _FIRST:
                luma = frame.to_ndarray(format="gray").astype(np.float64)
                squares.append(luma[_TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE])
    return squares


def _shift(before: Floats, after: Floats) -> tuple[float, float]:
    """By how many pixels down and to the right, by phase correlation; the peak's centroid is subpixel."""
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE))
    spectrum = np.fft.rfft2(after * window) * np.fft.rfft2(before * window).conj()
    peaks = np.fft.fftshift(np.fft.irfft2(spectrum / (np.abs(spectrum) + 1e-9)))
    row, column = np.unravel_index(int(peaks.argmax()), peaks.shape)
    near = peaks[row - 2 : row + 3, column - 2 : column + 3].clip(0)
    rows, columns = np.mgrid[row - 2 : row + 3, column - 2 : column + 3]
    half = _SIDE // 2
    total = near.sum()
    return float((rows * near).sum() / total - half), float((columns * near).sum() / total - half)
