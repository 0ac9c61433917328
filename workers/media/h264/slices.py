"""Gives slices of a picture another parameter set's number; nothing else of them changes (7.3.3).

The number stands in front and its length varies, so what follows moves. Behind the header an arithmetically
coded slice is whole bytes, which stay; any other is bits to its end. For progressive 4:2:0 without groups.
"""

from workers.media.h264.bits import BitReader, Bits, escaped, unescaped
from workers.media.h264.sets import Pps, Sps
from workers.media.h264.units import IDR_SLICE, unit_type

_NUMBERS_BYTES = 32  # more than the first three numbers take
_HEADER_BYTES = 1024  # more than any header has
_P, _B, _I = 0, 1, 2
_MARKING_NUMBERS = (0, 1, 1, 2, 1, 0, 1)  # by operation


def is_intra(unit: bytes) -> bool:
    """Whether a slice needs no other picture. Raises ValueError."""
    reader = BitReader(unescaped(unit[:_NUMBERS_BYTES])[1:])
    reader.ue()
    return reader.ue() % 5 == _I


def pps_number(unit: bytes) -> int:
    """The number of the parameter set that a slice goes by. Raises ValueError."""
    reader = BitReader(unescaped(unit[:_NUMBERS_BYTES])[1:])
    reader.ue()
    reader.ue()
    return reader.ue()


def renumbered(unit: bytes, pps: Pps, sps: Sps, number: int) -> bytes:
    """The slice with that number in place of `pps.number`. Raises ValueError for what is no such slice."""
    payload = unescaped(unit)
    reader = BitReader(payload[1:_HEADER_BYTES])
    first, kind, _ = reader.ue(), reader.ue(), reader.ue()
    header = Bits().ue(first).ue(kind).ue(number)
    start = reader.at
    if not pps.is_arithmetic:
        whole = BitReader(payload[1:])
        moved = header.add(whole.between(start, whole.payload_end()))
        return escaped(payload[:1] + moved.ended())
    _skip_rest(reader, kind % 5, unit, pps, sps)
    header.add(reader.between(start, reader.at)).aligned(1)
    coded = 1 + (reader.at + 7) // 8
    return escaped(payload[:1] + header.bytes() + payload[coded:])


def _skip_rest(reader: BitReader, kind: int, unit: bytes, pps: Pps, sps: Sps) -> None:
    """Read from behind the parameter set's number to the end of an arithmetically coded slice's header."""
    if kind > _I:
        raise ValueError("slices of the extended profile")
    is_idr = unit_type(unit) == IDR_SLICE
    _skip_order(reader, is_idr, pps, sps)
    if kind == _B:
        reader.flag()
    counts = _counts(reader, kind, pps)
    for _ in counts:
        _skip_changes(reader)
    if (pps.is_weighted and kind == _P) or (pps.weighs_pairs and kind == _B):
        _skip_weights(reader, counts)
    if unit[0] >> 5:
        _skip_marking(reader, is_idr)
    if kind != _I:
        reader.ue()
    reader.se()
    if pps.has_deblocking and reader.ue() != 1:
        reader.se()
        reader.se()


def _skip_order(reader: BitReader, is_idr: bool, pps: Pps, sps: Sps) -> None:
    reader.u(sps.order.frame_num_bits)
    if is_idr:
        reader.ue()
    if sps.order.kind == 0:
        reader.u(sps.order.bits)
        if pps.has_bottom_order:
            reader.se()
    if sps.order.kind == 1 and not sps.order.is_delta_zero:
        reader.se()
        if pps.has_bottom_order:
            reader.se()


def _counts(reader: BitReader, kind: int, pps: Pps) -> tuple[int, ...]:
    """How many pictures each of a slice's lists of references has."""
    lists = {_P: 1, _B: 2, _I: 0}[kind]
    if lists and reader.flag():
        return tuple(reader.ue() + 1 for _ in range(lists))
    return pps.references[:lists]


def _skip_changes(reader: BitReader) -> None:
    """One list's changes of order."""
    if reader.flag():
        while reader.ue() != 3:
            reader.ue()


def _skip_weights(reader: BitReader, counts: tuple[int, ...]) -> None:
    reader.ue()
    reader.ue()
    for pictures in counts:
        for _ in range(pictures):
            for numbers in (2, 4):  # of luma, of both chromas
                if reader.flag():
                    for _ in range(numbers):
                        reader.se()


def _skip_marking(reader: BitReader, is_idr: bool) -> None:
    """What becomes of reference pictures (7.3.3.3): numbers behind each operation, until one that is 0."""
    if is_idr:
        reader.u(2)
    elif reader.flag():
        while operation := reader.ue():
            if operation >= len(_MARKING_NUMBERS):
                raise ValueError("no such operation")
            for _ in range(_MARKING_NUMBERS[operation]):
                reader.ue()
