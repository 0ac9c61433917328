"""The units (NAL units) that a coded picture is made of: apart, together, and which of them a film needs."""

from collections.abc import Iterable, Iterator, Sequence

from workers.media.h264.bits import escaped, unescaped

SLICE, IDR_SLICE, SEI, SPS, PPS = 1, 5, 6, 7, 8
_PARTITIONS = frozenset({2, 3, 4})
_RECOVERY_POINT = 6  # of SEI messages the one that players seek by
_LENGTH_BYTES = 4


class BadUnits(ValueError):
    """The bytes are not the units of a picture that can be taken over."""


def unit_type(unit: bytes) -> int:
    return unit[0] & 31


def units_of(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    """The units of a picture as MP4 keeps it, each after its length. Raises BadUnits if they do not fit."""
    at = 0
    while at < len(packet):
        start = at + length_bytes
        at = start + int.from_bytes(packet[at:start], "big")
        if not start < at <= len(packet):
            raise BadUnits("the lengths of its parts do not fit it")
        yield packet[start:at]


def units_between_start_codes(stream: bytes) -> list[bytes]:
    """The units of a stream as encoders give it."""
    parts = stream.split(b"\0\0\1")[1:]
    return [unit for part in parts if (unit := part.rstrip(b"\0"))]


def packed(units: Iterable[bytes]) -> bytes:
    """Units as MP4 keeps them, each after its length in four bytes."""
    return b"".join(len(unit).to_bytes(_LENGTH_BYTES, "big") + unit for unit in units)


def is_idr(units: Sequence[bytes]) -> bool:
    """Whether a picture needs none before it, and none after it does. Raises BadUnits for no picture."""
    types = {unit_type(unit) for unit in units}
    if types & _PARTITIONS:
        raise BadUnits("its slices are partitioned")
    if not types & {SLICE, IDR_SLICE} or types >= {SLICE, IDR_SLICE}:
        raise BadUnits("a packet of it is no picture")
    return IDR_SLICE in types


def slices_of(units: Iterable[bytes]) -> list[bytes]:
    return [unit for unit in units if unit_type(unit) in (SLICE, IDR_SLICE)]


def needed(units: Iterable[bytes], *, is_key: bool) -> Iterator[bytes]:
    """The slices of a picture, and where players may start, the word that they may.

    What else lies between them tells of buffers that the film does not have, or of the maker's affairs
    (captions, encoder settings), which no film takes over.
    """
    for unit in units:
        if unit_type(unit) in (SLICE, IDR_SLICE):
            yield unit
        elif is_key and unit_type(unit) == SEI and (kept := _recovery_point(unit)):
            yield kept


def _recovery_point(unit: bytes) -> bytes | None:
    """A unit with that message alone."""
    body, at = unescaped(unit)[1:], 0
    while at + 2 < len(body):
        kind, after_kind = _counted(body, at)
        size, start = _counted(body, after_kind)
        at = start + size
        if kind == _RECOVERY_POINT:
            return escaped(unit[:1] + bytes([kind, size]) + body[start:at] + b"\x80")
    return None


def _counted(body: bytes, at: int) -> tuple[int, int]:
    """A number as SEI has it (255 means: and more), and where it ends."""
    total = 0
    while at < len(body):
        total += body[at]
        at += 1
        if body[at - 1] != 255:
            break
    return total, at
