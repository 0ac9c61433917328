"""How evenly a slow zoom moves, measured in the finished picture."""

from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

# Squares away from the centre, where a zoom is nearly a shift, by their top left corners. A camera that also
# travels hardly moves in one of them, so the worst counts. The frames are the first clip's without its fades.
_CORNERS = ((150, 30), (150, 530), (850, 30), (850, 530))
_SIDE = 512
_FIRST, _LAST = 5, 80
_MOVES = 0.1  # px/frame on average, where a direction counts as moving
_MEASURED = 0.02  # px: smaller steps backward are the measurement's own

Floats = npt.NDArray[np.float64]


def jitter(video: Path) -> float:
    """By how many pixels the step from frame to frame changes, on average, where it changes most."""
    pictures = _pictures(video)
    return max(_jitter_at(pictures, top, left) for top, left in _CORNERS)


def backward_steps(video: Path) -> int:
    """How many steps go against the way that the picture travels, where most do."""
    pictures = _pictures(video)
    return max(_backward_at(pictures, top, left) for top, left in _CORNERS)


def _backward_at(pictures: Sequence[Floats], top: int, left: int) -> int:
    """Of the direction that moves at all: one that stands still has no way."""
    squares = [picture[top : top + _SIDE, left : left + _SIDE] for picture in pictures]
    steps = np.array([_shift(before, after) for before, after in pairwise(squares)])
    ways = steps.mean(axis=0)
    moving = np.abs(ways) > _MOVES
    return int((steps[:, moving] * np.sign(ways[moving]) < -_MEASURED).sum(axis=0).max(initial=0))


def _jitter_at(pictures: Sequence[Floats], top: int, left: int) -> float:
    squares = [picture[top : top + _SIDE, left : left + _SIDE] for picture in pictures]
    steps = np.array([_shift(before, after) for before, after in pairwise(squares)])
    return float(np.abs(np.diff(steps, axis=0)).mean())


def _pictures(video: Path) -> list[Floats]:
    with av.open(str(video)) as container:
        frames = islice(container.decode(video=0), _FIRST, _LAST)
        return [frame.to_ndarray(format="gray").astype(np.float64) for frame in frames]


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
