"""The record in front of a film that holds its parameter sets (avcC, ISO 14496-15, 5.3.3.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.media.h264.units import BadUnits

_VERSION = 1
_FORMAT = bytes([0xFD, 0xF8, 0xF8, 0])  # 4:2:0, 8 bits, nothing more; the high profile has it
_SIZES_OF_FOUR = 0xFF
_MOST_SPS, _MOST_PPS = 31, 255


@dataclass(frozen=True, slots=True)
class Record:
    """Parameter sets as units, and in how many bytes pictures give the length of theirs."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    length_bytes: int


def is_record(data: bytes) -> bool:
    """Whether it is a record, and no stream that has its sets in front of pictures."""
    return len(data) >= 7 and data[0] == _VERSION


def read_record(data: bytes) -> Record:
    """Raises BadUnits for a broken one."""
    units = _Units(data, 5)
    sps, pps = tuple(units.taken(31)), tuple(units.taken(255))
    if not sps or not pps:
        raise BadUnits("it lacks parameter sets")
    return Record(sps, pps, (data[4] & 3) + 1)


class _Units:
    """Walks through lists of units, each list after its count."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def taken(self, mask: int) -> Iterator[bytes]:
        count = self._data[self._at] & mask if self._at < len(self._data) else 0
        self._at += 1
        for _ in range(count):
            start = self._at + 2
            self._at = start + int.from_bytes(self._data[start - 2 : start], "big")
            if not start < self._at <= len(self._data):
                raise BadUnits("its parameter sets are cut short")
            yield self._data[start : self._at]


def record(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """A record of several sets, for the high profile with lengths of four bytes.

    All are of one profile and level. Raises BadUnits for more sets than it can hold.
    """
    if len(sps) > _MOST_SPS or len(pps) > _MOST_PPS:
        raise BadUnits("the film would have too many parameter sets")
    data = bytes([_VERSION, *sps[0][1:4], _SIZES_OF_FOUR, 0xE0 | len(sps)]) + _listed(sps)
    return data + bytes([len(pps)]) + _listed(pps) + _FORMAT


def _listed(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
