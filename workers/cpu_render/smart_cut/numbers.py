"""Gives the parameter sets of all clips of a film numbers of their own, and the encoder's one, too. Pure.

Clips of one encoder share theirs. Where a clip can keep its numbers its slices stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from workers.media.coding import Coding, Unfit
from workers.media.h264.sets import MOST_PPS, MOST_SPS, Limits, Sps

Set = TypeVar("Set")
_ANY = Limits(level=0, reorder=0, held=0)  # they will be those of the whole film


@dataclass(frozen=True, slots=True)
class Numbers:
    """The sets of all clips by number, picture sets as units.

    `pps_of` leads, by clip, from its own numbers to those in the film. `free` is one that no set has, of
    either sort.
    """

    sps: Mapping[int, Sps]
    pps: Mapping[int, bytes]
    pps_of: Mapping[str, Mapping[int, int]]
    free: int

    def rewrites(self, clip: str) -> bool:
        """Whether slices of a clip must say other numbers than they do."""
        return any(old != new for old, new in self.pps_of[clip].items())


def numbered(codings: Mapping[str, Coding]) -> Numbers:
    """Raises Unfit when numbers run out."""
    sps: _Shelf[Sps] = _Shelf(MOST_SPS)
    pps: _Shelf[bytes] = _Shelf(MOST_PPS)
    pps_of: dict[str, dict[int, int]] = {}
    for clip, coding in codings.items():
        number = sps.place_for(coding.sps.written(0, _ANY), coding.sps.number)
        sps.sets[number] = coding.sps
        pps_of[clip] = {}
        for picture in coding.pps:
            given = pps.place_for(picture.written(0, number), picture.number)
            pps.sets[given] = picture.written(given, number)
            pps_of[clip][picture.number] = given
    free = next((n for n in range(MOST_SPS) if n not in sps.sets and n not in pps.sets), None)
    if free is None:
        raise _too_many()
    return Numbers(sps.sets, pps.sets, pps_of, free)


def _too_many() -> Unfit:
    return Unfit("the film would have too many parameter sets")


class _Shelf(Generic[Set]):
    """Sets of one sort by number."""

    def __init__(self, most: int) -> None:
        self.sets: dict[int, Set] = {}
        self._places: dict[bytes, int] = {}
        self._most = most

    def place_for(self, content: bytes, wanted: int) -> int:
        """The number of that content: one that it has, else the wanted one, else the lowest that is free."""
        if content not in self._places:
            choices = (wanted, *range(self._most))
            free = next((number for number in choices if number not in self.sets), None)
            if free is None:
                raise _too_many()
            self._places[content] = free
        return self._places[content]
