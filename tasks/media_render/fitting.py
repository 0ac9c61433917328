"""Shares a length out among visuals, in whole frames. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

_ROUNDS = 80  # halvings of the factor: far below a frame


class Room(NamedTuple):
    """How long a visual would be by itself, and how long it may be, in frames. `most` None: no end."""

    wish: int
    least: int
    most: int | None = None

    @classmethod
    def fixed(cls, frames: int) -> "Room":
        """A length that somebody set."""
        return cls(frames, frames, frames)

    def held(self, frames: float) -> float:
        """`frames`, or the nearest length that it may have."""
        return max(self.least, frames if self.most is None else min(self.most, frames))


def shared_out(total: int, rooms: Sequence[Room]) -> list[int]:
    """Lengths in proportion to the wishes that sum to `total`, none outside its room.

    Where the rooms do not allow that sum, the nearest one that they allow.
    """
    factor = _factor(total, rooms)
    wanted = [room.held(room.wish * factor) for room in rooms]
    lengths = [int(length) for length in wanted]
    by_remainder = sorted(range(len(rooms)), key=lambda index: lengths[index] - wanted[index])
    missing = total - sum(lengths)
    while missing > 0:
        growing = [index for index in by_remainder if rooms[index].held(lengths[index] + 1) > lengths[index]]
        if not growing:
            break
        for index in growing[:missing]:
            lengths[index] += 1
        missing = total - sum(lengths)
    return lengths


def _factor(total: int, rooms: Sequence[Room]) -> float:
    """By how much all wishes must grow or shrink; found by halving, for the sum only grows with it."""
    low, high = 0.0, max((total / room.wish for room in rooms if room.wish), default=1.0)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if sum(room.held(room.wish * middle) for room in rooms) > total:
            high = middle
        else:
            low = middle
    return low
