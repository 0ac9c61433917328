"""Gives the parameter sets of all clips of a film numbers of their own, and the encoder's one, too. Pure.

Clips of one encoder share theirs. Where a clip can keep its numbers its slices stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workers.media.coding import Coding, Unfit
from workers.media.h264.sets import MOST_PPS, MOST_SPS


@dataclass(frozen=True, slots=True)
class Numbers:
    """The sets of all clips, as units. `pps_of` leads, by clip, from its own numbers to those in the film.

    `free` is a number that no set has, of either sort.
    """

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    pps_of: Mapping[str, Mapping[int, int]]
    free: int


def numbered(codings: Mapping[str, Coding], delays: Mapping[str, int]) -> Numbers:
    """`delays`: by how many pictures those of a clip are moved. Raises Unfit when numbers run out."""
    sps, pps = _Shelf(MOST_SPS), _Shelf(MOST_PPS)
    pps_of: dict[str, dict[int, int]] = {}
    for clip, coding in codings.items():
        own = coding.sps
        number = sps.place_for(own.written(0, delays[clip]), own.number)
        sps.units[number] = own.written(number, delays[clip])
        pps_of[clip] = {}
        for picture in coding.pps:
            given = pps.place_for(picture.written(0, number), picture.number)
            pps.units[given] = picture.written(given, number)
            pps_of[clip][picture.number] = given
    free = next((n for n in range(MOST_SPS) if n not in sps.units and n not in pps.units), None)
    if free is None:
        raise _too_many()
    return Numbers(tuple(sps.units.values()), tuple(pps.units.values()), pps_of, free)


def _too_many() -> Unfit:
    return Unfit("the film would have too many parameter sets")


class _Shelf:
    """Sets of one sort by number."""

    def __init__(self, most: int) -> None:
        self.units: dict[int, bytes] = {}
        self._places: dict[bytes, int] = {}
        self._most = most

    def place_for(self, content: bytes, wanted: int) -> int:
        """The number of that content: one that it has, else the wanted one, else the lowest that is free."""
        if content not in self._places:
            choices = (wanted, *range(self._most))
            free = next((number for number in choices if number not in self.units), None)
            if free is None:
                raise _too_many()
            self._places[content] = free
        return self._places[content]
