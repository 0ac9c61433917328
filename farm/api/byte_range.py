"""The Range header: one range of bytes at a time. Many ranges of one file are an old way to tire a server."""

import re
from typing import ClassVar

from farm.errors import BadRequest, FarmError

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


class RangeRefused(FarmError):
    """More than one range, or one that begins beyond the end."""

    code: ClassVar[str] = "range_not_satisfiable"

    def __init__(self, message: str, size_bytes: int) -> None:
        super().__init__(message, param="Range")
        self.size_bytes = size_bytes


def range_of(wanted: str | None, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one after the last, of a file of that size; None for all of it.

    Raises BadRequest `invalid_range` for what is no range, RangeRefused for what cannot be given.
    """
    if wanted is None:
        return None
    if "," in wanted:
        raise RangeRefused("One range at a time, please.", size_bytes)
    found = _RANGE.fullmatch(wanted)
    if found is None:
        raise _invalid(f"{wanted[:80]!r} is not a range of bytes.")
    first, last, suffix = (int(number) if number else None for number in found.groups())
    if first is not None and last is not None and last < first:
        raise _invalid("The range ends before it begins.")
    if suffix == 0 or (first or 0) >= size_bytes:
        raise RangeRefused(f"The range begins beyond the end; the file has {size_bytes} bytes.", size_bytes)
    if first is None:
        return max(0, size_bytes - (suffix or 0)), size_bytes
    return first, size_bytes if last is None else min(last + 1, size_bytes)


def _invalid(why: str) -> BadRequest:
    return BadRequest(why, param="Range", code="invalid_range")
