"""Lays a narration's frames along a reading's columns: dynamic time warping with pauses that cost nothing.

A column is a frame of the reading, or a pause between two words, in which a narrator may rest as long as he
likes and which he may leave out. Memory is a quarter of a byte per frame and column looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.asr_align.aligning.sound import Floats

_SKIP = 0.22  # what it costs to read quicker by one frame, as a share of the farthest
_FAR = np.float32(1e9)
_REPORT_EVERY = 2_000  # frames

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """What is read: features of shape (columns, d), which columns are pauses, each word's first column.

    `unlikely` is what a frame of a pause costs on top, where a narrator hardly makes one; 0 elsewhere.
    """

    features: Floats
    is_pause: Bools
    unlikely: Floats
    words: Ints


@dataclass(frozen=True, slots=True)
class Path:
    """The column of each frame, never going back, and how far the two are apart there."""

    columns: Ints
    distances: Floats

    def frame_of(self, column: Ints) -> Ints:
        """The first frame that has come to each column."""
        return np.searchsorted(self.columns, column).clip(0, max(0, self.columns.size - 1))


def warp(
    frames: Floats,
    pauses: Floats,
    columns: Columns,
    first: Ints,
    width: int,
    most: float,
    slower: float,
    report: Callable[[float], None],
) -> Path:
    """The cheapest path from the first column to the last, among `width` columns from `first[i]` at frame i.

    `first` never falls. `pauses` says of each frame how far it is from a pause; other distances are
    Euclidean, and none counts for more than `most`, so that what is said beside the text passes somewhere.
    `slower` is what it costs to read slower by one frame, as a share of `most`. `report` hears 0 to 1 and
    may raise.
    """
    count = columns.features.shape[0]
    width = min(width, count)
    first = np.minimum(first, count - width)
    steps = _Steps(len(frames), width)
    squares = (columns.features**2).sum(axis=1)
    stay = np.where(columns.is_pause, 0.0, slower * most).astype(np.float32)
    skip = np.where(np.roll(columns.is_pause, 1), 0.0, _SKIP * most).astype(np.float32)
    best = np.full(width, _FAR, np.float32)
    best[0] = 0 if first[0] == 0 else _FAR
    at = int(first[0])
    for frame, begin in enumerate(first.tolist()):
        if frame % _REPORT_EVERY == 0:
            report(frame / len(frames))
        span = slice(begin, begin + width)
        near = _distances(frames[frame], columns.features[span], squares[span], most)
        near = np.where(columns.is_pause[span], pauses[frame] + columns.unlikely[span], near)
        if frame == 0:
            best = np.where(np.arange(width) == 0, near, _FAR).astype(np.float32)
            continue
        stayed, moved, skipped = _reached(best, begin - at, width)
        stayed = stayed + stay[span]
        skipped = skipped + skip[span]
        is_moved = moved <= stayed
        cheapest = np.where(is_moved, moved, stayed)
        is_skipped = skipped < cheapest
        best = np.where(is_skipped, skipped, cheapest) + near
        steps.note(frame, is_moved, is_skipped)
        at = begin
    return _traced(frames, pauses, columns, first, width, steps, most)


class _Steps:
    """How each cell was reached, in two bits."""

    def __init__(self, frames: int, width: int) -> None:
        bytes_ = (width + 7) // 8
        self._moved = np.zeros((frames, bytes_), np.uint8)
        self._skipped = np.zeros((frames, bytes_), np.uint8)

    def note(self, frame: int, is_moved: Bools, is_skipped: Bools) -> None:
        self._moved[frame] = np.packbits(is_moved)
        self._skipped[frame] = np.packbits(is_skipped)

    def taken(self, frame: int, cell: int) -> int:
        """By how many columns: 0, 1 or 2."""
        byte, bit = cell >> 3, 7 - (cell & 7)
        if self._skipped[frame, byte] >> bit & 1:
            return 2
        return int(self._moved[frame, byte] >> bit & 1)


def _distances(frame: Floats, columns: Floats, squares: Floats, most: float) -> Floats:
    squared = squares + float(frame @ frame) - 2 * (columns @ frame)
    distances: Floats = np.minimum(np.sqrt(np.maximum(squared, 0)), np.float32(most))
    return distances


def _reached(best: Floats, shift: int, width: int) -> tuple[Floats, Floats, Floats]:
    """What it cost to stand, a frame ago, on the same column, the one before, and the one before that."""
    padded = np.full(width + 2 + shift, _FAR, np.float32)
    padded[2 : 2 + width] = best
    return padded[2 + shift :], padded[1 + shift : 1 + shift + width], padded[shift : shift + width]


def _traced(
    frames: Floats, pauses: Floats, read: Columns, first: Ints, width: int, steps: _Steps, most: float
) -> Path:
    columns = np.zeros(len(frames), np.int64)
    at = int(first[-1]) + width - 1
    for frame in range(len(frames) - 1, -1, -1):
        at = min(max(at, int(first[frame])), int(first[frame]) + width - 1)
        columns[frame] = at
        at -= steps.taken(frame, at - int(first[frame]))
    distances = np.zeros(len(frames), np.float32)
    for begin in range(0, len(frames), _REPORT_EVERY):
        span = slice(begin, begin + _REPORT_EVERY)
        apart = frames[span] - read.features[columns[span]]
        distances[span] = np.minimum(np.sqrt((apart**2).sum(axis=1)), most)
    distances = np.where(read.is_pause[columns], pauses, distances)
    return Path(columns, distances)
