"""Looks into a manifest's JSON, whatever it is: what has another shape than it should is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from pydantic import JsonValue

from tasks.compose_otio.findings import Finding, pointer, shown
from tasks.compose_otio.manifest import QUICKEST, SLOWEST

_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Look:
    """A value of the JSON, and where it stands. Whatever is not there, or is something else, is None."""

    value: object
    parts: tuple[str | int, ...] = ()

    @property
    def at(self) -> str:
        """Its JSON pointer."""
        return pointer(*self.parts)

    def __getitem__(self, key: str) -> "Look":
        inside = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Look(inside, (*self.parts, key))

    @property
    def all(self) -> list["Look"]:
        """The parts of a list."""
        found = self.value if isinstance(self.value, (list, tuple)) else ()
        return [Look(value, (*self.parts, index)) for index, value in enumerate(found)]

    @property
    def text(self) -> str | None:
        """The text that it is."""
        return self.value if isinstance(self.value, str) else None

    @property
    def number(self) -> Fraction | None:
        """The number that it is, exactly as written."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _MOST:
            return None  # NaN is not below anything
        return Fraction(str(value))

    def wrong(
        self, code: str, message: str, item_id: str | None = None, allowed: JsonValue = None
    ) -> Finding:
        """That this is wrong."""
        got = shown(self.value)
        return Finding(code=code, path=self.at, message=message, item_id=item_id, got=got, allowed=allowed)


def bounded(value: object, most: int, depth: int = 2) -> object:
    """The same JSON, its lists cut behind `most` parts and one more, as deep as requests have lists.

    One more is enough to be too many, and a megabyte of broken parts would be a gigabyte of faults.
    """
    if isinstance(value, Mapping) and depth:
        return {key: bounded(part, most, depth - 1) for key, part in value.items()}
    return value[: most + 1] if isinstance(value, (list, tuple)) else value


def speed_of(span: Look) -> Fraction:
    """How quickly a span plays; 1 where nobody can say."""
    speed = span["speed"].number
    is_known = speed is not None and SLOWEST <= float(speed) <= QUICKEST
    return speed if speed is not None and is_known else Fraction(1)


def length_of(span: Look) -> Fraction:
    """How long a span lasts on the timeline, in seconds; 0 where nobody can say."""
    start, end = span["fromSec"].number, span["toSec"].number
    if start is None or end is None:
        return Fraction(0)
    return max(end - start, Fraction(0)) / speed_of(span)
