"""Which frames of the film each shot has, and what it must be asked for beyond them. Pure.

Cuts lie where the film is shared evenly, and no transition moves one: a crossfade shows frames of both shots
around its cut, so these are generated as well. A shot that continues another begins with the frame that the
other ended with; that frame is not shown twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

FRAME_RATE = 24
_CROSSFADE_S = Fraction(1, 2)
_MOST_SHARE = Fraction(1, 4)  # of the shortest shot that a crossfade may take on its side
_MILLI = 1000


class Transition(StrEnum):
    """How one shot becomes the next."""

    CUT = "hard_cut"
    CROSSFADE = "crossfade"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shot is shown, in frames of the film; `head` and `tail` are frames that it has beyond that."""

    start_frame: int
    end_frame_exclusive: int
    head: int
    tail: int

    @property
    def frames(self) -> int:
        return self.end_frame_exclusive - self.start_frame

    @property
    def asked(self) -> int:
        """How many frames it is asked for."""
        return self.head + self.frames + self.tail

    @property
    def asked_s(self) -> Decimal:
        """The same in seconds, to the millisecond: near enough to lead back to the number of frames."""
        return Decimal(round(Fraction(self.asked * _MILLI, FRAME_RATE))) / _MILLI

    @property
    def last_shown(self) -> int:
        """Which of its own frames is seen last, but for a crossfade's."""
        return self.head + self.frames - 1


def lay_out(length_s: Decimal, shots: int, transitions: Sequence[Transition]) -> list[Place]:
    """The place of each shot. `transitions` are one fewer; with others, none is taken account of."""
    total = max(shots, round(Fraction(length_s) * FRAME_RATE))
    cuts = [round(Fraction(total * number, shots)) for number in range(shots + 1)]
    half = half_frames(length_s, shots)
    joins = list(transitions) if len(transitions) == shots - 1 else [Transition.CUT] * (shots - 1)
    heads = [0, *(_head(join, half) for join in joins)]
    tails = [*(half if join is Transition.CROSSFADE else 0 for join in joins), 0]
    return [
        Place(start, end, head, tail)
        for (start, end), head, tail in zip(pairwise(cuts), heads, tails, strict=True)
    ]


def half_frames(length_s: Decimal, shots: int) -> int:
    """How many frames a crossfade takes on either side of its cut."""
    share = Fraction(length_s) * FRAME_RATE / shots
    return max(1, min(round(_CROSSFADE_S * FRAME_RATE / 2), int(share * _MOST_SHARE)))


def _head(join: Transition, half: int) -> int:
    return {Transition.CROSSFADE: half, Transition.CONTINUOUS: 1}.get(join, 0)
