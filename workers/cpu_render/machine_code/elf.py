"""Makes code that may lie anywhere of an object file as compilers write it: ELF, 64 bit, x86-64. Pure.

Linkers do more; kernels need no more: sections laid end to end, and distances between them filled in.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

_SECTION, _SYMBOL, _RELOCATION = struct.Struct("<IIQQQQIIQQ"), struct.Struct("<IBBHQQ"), struct.Struct("<QQq")
_PROGBITS, _SYMTAB, _RELA = 1, 2, 4
_WRITE, _ALLOC = 1, 2
_PC32, _PLT32 = 2, 4  # both: a distance, where no library is in between


class NotLinked(Exception):
    """The code needs something beside itself; the message says what."""


class Flat(NamedTuple):
    """Code and its constants, to be laid at the start of a page; where each function begins in it."""

    code: bytes
    entries: Mapping[str, int]


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    item_size: int


class _Symbol(NamedTuple):
    name: int
    info: int
    other: int
    section: int
    value: int
    size: int


@dataclass(frozen=True)
class _Object:
    """An object file. Symbols are those of its only symbol table."""

    data: bytes
    sections: tuple[_Section, ...]

    def content(self, section: _Section) -> bytes:
        return self.data[section.offset : section.offset + section.size]

    def symbols(self) -> tuple[list[_Symbol], bytes]:
        """All symbols, and the names they point into."""
        table = next(section for section in self.sections if section.type == _SYMTAB)
        found = [_Symbol(*values) for values in _SYMBOL.iter_unpack(self.content(table))]
        return found, self.content(self.sections[table.link])


def flattened(data: bytes) -> Flat:
    """Raises NotLinked for code that calls a library, or writes to data of its own."""
    found = _Object(data, tuple(_sections(data)))
    code, bases = _laid(found)
    symbols, names = found.symbols()
    for section in found.sections:
        if section.type == _RELA and section.info in bases:
            for values in _RELOCATION.iter_unpack(found.content(section)):
                _relocate(code, bases, symbols, names, bases[section.info], *values)
    entries = {
        _name(names, symbol.name): bases[symbol.section] + symbol.value
        for symbol in symbols
        if symbol.section in bases and symbol.name and symbol.info >> 4  # not of this file alone
    }
    return Flat(bytes(code), entries)


def _sections(data: bytes) -> Iterator[_Section]:
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    (count,) = struct.unpack_from("<H", data, 0x3C)
    for number in range(count):
        yield _Section(*_SECTION.unpack_from(data, offset + number * _SECTION.size))


def _laid(found: _Object) -> tuple[bytearray, dict[int, int]]:
    """The sections that are loaded, end to end; where each begins, by its number."""
    code, bases = bytearray(), dict[int, int]()
    for number, section in enumerate(found.sections):
        if section.flags & _WRITE and section.size:
            raise NotLinked("it has variables")
        if section.type != _PROGBITS or not section.flags & _ALLOC:
            continue
        code += bytes(-len(code) % max(1, section.alignment))
        bases[number] = len(code)
        code += found.content(section)
    return code, bases


def _relocate(
    code: bytearray,
    bases: Mapping[int, int],
    symbols: list[_Symbol],
    names: bytes,
    base: int,
    offset: int,
    info: int,
    addend: int,
) -> None:
    symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
    if symbol.section not in bases:
        raise NotLinked(f"it needs {_name(names, symbol.name) or 'what is not loaded'}")
    if kind not in (_PC32, _PLT32):
        raise NotLinked(f"it has relocations of type {kind}")
    at = base + offset
    struct.pack_into("<i", code, at, bases[symbol.section] + symbol.value + addend - at)


def _name(names: bytes, offset: int) -> str:
    return names[offset : names.index(b"\0", offset)].decode()
