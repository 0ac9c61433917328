"""Reads and writes single bits, and the numbers of varying length in H.264 (ITU-T H.264, 9.1)."""

import re
from typing import Self

_EMULATED = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_LONGEST_PREFIX = 32  # of a number: longer ones are no H.264


class BitsEnded(ValueError):
    """More bits were asked for than there are, or they are no number."""


class BitReader:
    """Takes numbers out of bytes, most significant bit first. `at` is the number of bits read."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._length = 8 * len(data)
        self.at = 0

    def u(self, bits: int) -> int:
        """An unsigned number of so many bits."""
        found = self.between(self.at, self.at + bits)
        self.at += bits
        return found.value

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb number."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _LONGEST_PREFIX:
                raise BitsEnded
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        coded = self.ue()
        return (coded + 1) // 2 if coded % 2 else -(coded // 2)

    def between(self, start: int, end: int) -> "Bits":
        """The bits `[start, end)`, counted from the first."""
        if not 0 <= start <= end <= self._length:
            raise BitsEnded
        value = self._value >> (self._length - end) & ((1 << (end - start)) - 1)
        return Bits(value, end - start)

    def payload_end(self) -> int:
        """Where the last set bit stands, which ends every unit: what lies before it is payload."""
        if not self._value:
            raise BitsEnded
        return self._length - (self._value & -self._value).bit_length()


class Bits:
    """A row of bits that grows at its end."""

    def __init__(self, value: int = 0, length: int = 0) -> None:
        self.value = value
        self.length = length

    def u(self, bits: int, value: int) -> Self:
        self.value = self.value << bits | value
        self.length += bits
        return self

    def flag(self, value: bool) -> Self:
        return self.u(1, int(value))

    def ue(self, value: int) -> Self:
        return self.u(2 * (value + 1).bit_length() - 1, value + 1)

    def add(self, other: "Bits") -> Self:
        return self.u(other.length, other.value)

    def aligned(self, filling: int) -> Self:
        """Filled up to whole bytes with bits that are all 0 or all 1."""
        free = -self.length % 8
        return self.u(free, ((1 << free) - 1) * filling)

    def ended(self) -> bytes:
        """The bytes of a unit that has these bits as its payload."""
        return self.u(1, 1).aligned(0).bytes()

    def bytes(self) -> bytes:
        return self.value.to_bytes(self.length // 8, "big")


def unescaped(unit: bytes) -> bytes:
    """A unit without the bytes that keep start codes out of it."""
    return unit.replace(b"\0\0\3", b"\0\0")


def escaped(payload: bytes) -> bytes:
    """The reverse: a 3 wherever two zeros are followed by 0, 1, 2 or 3."""
    return _EMULATED.sub(b"\0\0\3", payload.rstrip(b"\0"))
