"""Finds roughly where a narrator is in a text: all of the narration against all of the reading."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.asr_align.aligning.laying import Laid, ReadFrames, laid_out
from workers.asr_align.aligning.sound import Floats, Times
from workers.asr_align.aligning.spectra import CEPSTRA
from workers.asr_align.aligning.warping import Bools, Columns, Path, warp

_MOST_ROWS = 12_000  # of the coarse comparison
_LEAST_POOL = 4  # frames
_KNOWN_WITHIN = 120  # frames, of what something else has found
_SLOWER = 0.32  # what it costs to read slower by a frame: see warp
_SLOWEST, _QUICKEST = 1.8, 0.6  # narrators, in lengths of the reading

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Known:
    """Frames of the narration, and the reading's frames that lie there; both rise."""

    frames: Times
    places: Times


@dataclass(frozen=True, slots=True)
class Rough:
    """Which frame of the reading each of the narration's is about, and whether somebody speaks there.

    `quick`: how long the narrator takes for what the reading says in 1.
    """

    places: Times
    is_spoken: Bools
    quick: float
    laid: Laid
    path: Path


class Search:
    """A narration in coarse steps: `frames` are its features, `pauses` how far each is from a pause."""

    def __init__(self, frames: Floats, pauses: Floats, most: float) -> None:
        """`most`: distances beyond it count no more."""
        self._most = most
        self._count = len(frames)
        self._pool = max(_LEAST_POOL, -(-len(frames) // _MOST_ROWS))
        self._frames = _pooled(frames, self._pool)
        self._pauses = _pooled(pauses[:, None], self._pool)[:, 0]
        self._times: Times = (np.arange(len(self._frames), dtype=np.float64) + 0.5) * self._pool

    def look(
        self, reading: Floats, read: ReadFrames, quick: float, known: Known | None, report: Report
    ) -> Rough:
        """The path through all of it: anywhere, or near what is known."""
        laid = laid_out(reading, read, self._pool / quick, read.opens_clause)
        path = self._along(laid, known, report) if known else self._anywhere(laid.columns, report)
        is_spoken = ~laid.columns.is_pause[path.columns]
        every = np.arange(self._count)
        return Rough(
            places=np.interp(every, self._times, laid.at[path.columns]),
            is_spoken=np.interp(every, self._times, is_spoken) > 0.5,
            quick=min(_SLOWEST, max(_QUICKEST, float(is_spoken.sum()) * self._pool / len(reading))),
            laid=laid,
            path=path,
        )

    def gain(self, rough: Rough, report: Report) -> float:
        """How much nearer the reading is than itself played backwards, as a share.

        A text that is not what is spoken is no nearer.
        """
        columns = rough.laid.columns
        backwards = columns.features[::-1].copy()
        backwards[:, CEPSTRA:] *= -1
        theirs = self._anywhere(
            Columns(backwards, columns.is_pause[::-1], columns.unlikely[::-1], columns.words), report
        )
        ours_apart, theirs_apart = float(rough.path.distances.mean()), float(theirs.distances.mean())
        return (theirs_apart - ours_apart) / max(theirs_apart, 1e-6)

    def _anywhere(self, columns: Columns, report: Report) -> Path:
        first, width = np.zeros(len(self._frames), np.int64), len(columns.is_pause)
        return warp(self._frames, self._pauses, columns, first, width, self._most, _SLOWER, report)

    def _along(self, laid: Laid, known: Known, report: Report) -> Path:
        near = max(8, round(_KNOWN_WITHIN / self._pool))
        places = np.searchsorted(laid.at, np.interp(self._times, known.frames, known.places)) - near
        first = np.maximum.accumulate(np.maximum(0, places))
        columns = laid.columns
        return warp(self._frames, self._pauses, columns, first, 2 * near, self._most, _SLOWER, report)


def _pooled(frames: Floats, pool: int) -> Floats:
    whole = max(1, len(frames) // pool)
    pooled: Floats = frames[: whole * pool].reshape(whole, -1, frames.shape[1]).mean(axis=1)
    return pooled
