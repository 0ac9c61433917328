"""Parameter sets: what a stream says once of all its pictures (ITU-T H.264, 7.3.2.1, 7.3.2.2 and E.1).

They are read so far as to tell what the stream is, and written anew for a film of several streams: with
another number, a film's colours and pixel shape, and with what all of the streams need of a decoder, so that
it is set up once. (Where a set asks for other buffers the standard lets it drop what it has not shown yet.)
What a source says of its rate is left out.

All functions that read raise ValueError for what they cannot.
"""

from dataclasses import dataclass

from workers.media.h264.bits import BitReader, Bits, escaped, unescaped
from workers.media.h264.units import PPS, SPS

MOST_SPS, MOST_PPS = 32, 256
_REF_IDC = 3 << 5
BASELINE, MAIN, HIGH = 66, 77, 100
_PLAIN_PROFILES = (BASELINE, MAIN, 88)  # and extended: of 4:2:0 with 8 bits, which they do not say
_LISTS = (16,) * 6 + (64,) * 2  # factors of each scaling list
_EXTENDED_SAR = 255
_SQUARE = 1
_BT709 = 1
_UNSPECIFIED_FORMAT = 5
# The most macroblocks that decoded pictures may take up, by level (table A-1).
_BUFFERS = {
    **{9: 396, 10: 396, 11: 900, 12: 2376, 13: 2376, 20: 2376, 21: 4752, 22: 8100, 30: 8100},
    **{31: 18_000, 32: 20_480, 40: 32_768, 41: 32_768, 42: 34_816, 50: 110_400, 51: 184_320, 52: 184_320},
}
_MOST_BUFFERED = 16
_KEEPS_TO_MAIN = 0x40  # of the constraints
_VECTORS = 15  # bits: the longest


@dataclass(frozen=True, slots=True)
class Order:
    """How slices count pictures: which of three ways, and how wide the numbers are."""

    frame_num_bits: int
    kind: int
    bits: int = 0
    is_delta_zero: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a decoder must be made for: the level, how many pictures come before one that is shown earlier,
    and how many it must be able to hold."""

    level: int
    reorder: int
    held: int

    def both(self, other: "Limits") -> "Limits":
        """What is enough for two streams."""
        return Limits(
            max(self.level, other.level), max(self.reorder, other.reorder), max(self.held, other.held)
        )


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set. `body` lies between its number and what it says of display (VUI).

    `stated` are the pictures that are moved at most and held at most, where it says so.
    """

    head: bytes  # profile, constraints, level
    number: int
    body: Bits
    is_420_8bit: bool
    order: Order
    references: int
    width: int
    height: int
    is_progressive: bool
    stated: tuple[int, int] | None

    @property
    def is_main(self) -> bool:
        """Whether decoders of the high profile can do it: all of main, and what baseline shares with it."""
        profile, keeps_to_main = self.head[0], self.head[1] & _KEEPS_TO_MAIN
        return profile in (MAIN, HIGH) or (profile == BASELINE and bool(keeps_to_main))

    def limits(self, delay: int) -> Limits:
        """Of this stream, whose pictures are moved by `delay` at most where it does not say more."""
        level = self.head[2]
        reorder, held = self.stated or (0, self._assumed(level))
        return Limits(level, max(reorder, delay), max(held, delay, self.references))

    def written(self, number: int, limits: Limits) -> bytes:
        """The unit with that number, as the high profile has it; for what `is_main` and 4:2:0 of 8 bits."""
        bits = Bits().u(8, HIGH).u(8, 0).u(8, limits.level).ue(number)
        if self.head[0] in _PLAIN_PROFILES:
            bits.ue(1).ue(0).ue(0).u(2, 0)  # 4:2:0, 8 bits, nothing lossless, usual scaling
        bits.add(self.body)
        bits.flag(True)  # VUI
        bits.flag(True).u(8, _SQUARE).flag(False)  # nothing of overscan
        bits.flag(True).u(3, _UNSPECIFIED_FORMAT).flag(False)
        bits.flag(True).u(8, _BT709).u(8, _BT709).u(8, _BT709)
        bits.u(5, 0)  # nothing of chroma's place, of the rate, of buffers (twice), of fields
        bits.flag(True).flag(True).ue(0).ue(0).ue(_VECTORS).ue(_VECTORS).ue(limits.reorder).ue(limits.held)
        return escaped(bytes([_REF_IDC | SPS]) + bits.ended())

    def _assumed(self, level: int) -> int:
        """How many pictures decoders hold where nothing is said."""
        macroblocks = ((self.width + 15) // 16) * ((self.height + 15) // 16)
        return min(_BUFFERS.get(level, 0) // max(macroblocks, 1), _MOST_BUFFERED)


@dataclass(frozen=True, slots=True)
class Pps:
    """A picture parameter set; `body` lies behind both its numbers."""

    number: int
    sps: int
    body: Bits
    is_arithmetic: bool
    has_bottom_order: bool
    is_grouped: bool
    references: tuple[int, int]
    is_weighted: bool
    weighs_pairs: bool
    has_deblocking: bool
    is_redundant: bool

    def written(self, number: int, sps: int) -> bytes:
        """The unit with those numbers."""
        bits = Bits().ue(number).ue(sps).add(self.body)
        return escaped(bytes([_REF_IDC | PPS]) + bits.ended())


def read_sps(unit: bytes) -> Sps:
    """The set in a unit."""
    reader = BitReader(unescaped(unit)[1:])
    head = reader.between(0, 24).bytes()
    reader.u(24)
    number, start = reader.ue(), reader.at
    is_420_8bit = head[0] in _PLAIN_PROFILES or _is_420_8bit(reader)
    order = _read_order(reader)
    references = reader.ue()
    reader.flag()  # gaps are allowed
    width, height, is_progressive = _read_size(reader)
    body = reader.between(start, reader.at)
    return Sps(
        head=head,
        number=number,
        body=body,
        is_420_8bit=is_420_8bit,
        order=order,
        references=references,
        width=width,
        height=height,
        is_progressive=is_progressive,
        stated=_read_display(reader) if reader.flag() else None,
    )


def _is_420_8bit(reader: BitReader) -> bool:
    """Reads what the high profiles say of their samples."""
    chroma = reader.ue()
    if chroma == 3:
        reader.flag()  # planes apart
    depths = (reader.ue(), reader.ue())
    is_lossless = reader.flag()
    if reader.flag():
        for factors in _LISTS if chroma != 3 else (*_LISTS, 64, 64, 64, 64):
            if reader.flag():
                _skip_list(reader, factors)
    return chroma == 1 and depths == (0, 0) and not is_lossless


def _skip_list(reader: BitReader, factors: int) -> None:
    last = following = 8
    for _ in range(factors):
        if following:
            following = (last + reader.se()) % 256
        last = following or last


def _read_order(reader: BitReader) -> Order:
    frame_num_bits, kind = reader.ue() + 4, reader.ue()
    if kind == 0:
        return Order(frame_num_bits, kind, bits=reader.ue() + 4)
    if kind > 1:
        return Order(frame_num_bits, kind)
    is_delta_zero = reader.flag()
    reader.se()
    reader.se()
    for _ in range(reader.ue()):
        reader.se()
    return Order(frame_num_bits, kind, is_delta_zero=is_delta_zero)


def _read_size(reader: BitReader) -> tuple[int, int, bool]:
    """Width and height as shown, of 4:2:0, and whether every picture is whole."""
    width, height = 16 * (reader.ue() + 1), 16 * (reader.ue() + 1)
    is_progressive = reader.flag()
    if not is_progressive:
        height *= 2
        reader.flag()
    reader.flag()
    if reader.flag():
        left, right, top, bottom = (reader.ue() for _ in range(4))
        width -= 2 * (left + right)
        height -= 2 * (top + bottom) * (1 if is_progressive else 2)
    return width, height, is_progressive


def _read_display(reader: BitReader) -> tuple[int, int] | None:
    """How many pictures are moved and held at most, by the VUI."""
    if reader.flag() and reader.u(8) == _EXTENDED_SAR:
        reader.u(32)
    if reader.flag():
        reader.flag()
    if reader.flag():
        reader.u(4)
        if reader.flag():
            reader.u(24)
    if reader.flag():
        reader.ue()
        reader.ue()
    if reader.flag():
        reader.u(65)
    if any([_skip_buffers(reader), _skip_buffers(reader)]):
        reader.flag()
    reader.flag()
    if not reader.flag():
        return None
    reader.flag()
    for _ in range(4):
        reader.ue()
    return reader.ue(), reader.ue()


def _skip_buffers(reader: BitReader) -> bool:
    """One of the two descriptions of buffers (E.1.2), if it is there."""
    if not reader.flag():
        return False
    count = reader.ue() + 1
    reader.u(8)
    for _ in range(count):
        reader.ue()
        reader.ue()
        reader.flag()
    reader.u(20)
    return True


def read_pps(unit: bytes) -> Pps:
    """The set in a unit."""
    reader = BitReader(unescaped(unit)[1:])
    number, sps, start = reader.ue(), reader.ue(), reader.at
    body = reader.between(start, reader.payload_end())
    is_arithmetic, has_bottom_order, is_grouped = reader.flag(), reader.flag(), reader.ue() > 0
    if is_grouped:  # the rest is written otherwise then
        return Pps(
            number, sps, body, is_arithmetic, has_bottom_order, True, (1, 1), False, False, False, True
        )
    references = (reader.ue() + 1, reader.ue() + 1)
    is_weighted, weighs_pairs = reader.flag(), reader.u(2) == 1
    for _ in range(3):
        reader.se()
    has_deblocking, _, is_redundant = reader.flag(), reader.flag(), reader.flag()
    return Pps(
        number=number,
        sps=sps,
        body=body,
        is_arithmetic=is_arithmetic,
        has_bottom_order=has_bottom_order,
        is_grouped=False,
        references=references,
        is_weighted=is_weighted,
        weighs_pairs=weighs_pairs,
        has_deblocking=has_deblocking,
        is_redundant=is_redundant,
    )
