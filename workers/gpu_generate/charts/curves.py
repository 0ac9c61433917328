"""The numbers of a line as rows of a picture: where it goes, where it breaks off, how far it swings. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workers.gpu_generate.animatic.colour import Field


@dataclass(frozen=True, slots=True)
class Curve:
    """Some numbers in a row, none of them missing. `places` are their columns.

    For each column of the picture: the line's row, and the rows between which it swings there, which are the
    line's own unless there are many points to a column.
    """

    places: Field
    heights: Field
    upper: Field
    lower: Field

    @property
    def first(self) -> float:
        return float(self.places[0])

    @property
    def last(self) -> float:
        return float(self.places[-1])

    @property
    def swings(self) -> bool:
        return self.upper is not self.lower

    def row(self, x: float) -> float:
        """The line's row at a column."""
        return float(self.heights[min(int(x), len(self.heights) - 1)])


def curves(places: Field, rows: Field, width: int) -> Iterator[Curve]:
    """The line's parts, from left to right. A row that is no number is a gap."""
    known = np.flatnonzero(np.isfinite(rows))
    columns = np.arange(width, dtype=np.float32)
    for part in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        if part.size:
            yield _curve(places[part], rows[part], columns)


def _curve(places: Field, rows: Field, columns: Field) -> Curve:
    if len(places) == 1 or len(places) < 2 * (places[-1] - places[0]):
        heights = np.interp(columns, places, rows).astype(np.float32)
        return Curve(places, heights, heights, heights)
    own, starts = np.unique(places.astype(np.int64), return_index=True)
    swings = (swing.reduceat(rows, starts) for swing in (np.minimum, np.maximum))
    upper, lower = (np.interp(columns, own, one).astype(np.float32) for one in swings)
    return Curve(places, (upper + lower) / np.float32(2), upper, lower)
