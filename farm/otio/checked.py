"""Looks into a parsed `.otio` piece by piece; every fault is noted with its JSON pointer and none ends it.

Everything here came from outside. Numbers are finite and bounded before anything is reckoned with them.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NoReturn

from farm.errors import BadRequest, TooLarge
from farm.timeline import Rate

MAX_BYTES = 16_000_000
MAX_RATES = 16  # more would make sums of times long numbers, and slow
_MOST_SAID = 20
_LONGEST_S = 1_000_000
_VALUE_LIMIT = 10**12
_FINE = 2**20  # parts of a frame that are told apart
_WORDED_RATES = 999.0  # above, whole numbers only: samples per second
_EXACT = re.compile(r"[0-9]{1,20}(/[0-9]{1,20})?")


class BrokenOtio(BadRequest):
    """A timeline that cannot be used. `problems` are all that is wrong with it: JSON pointers and texts."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        said = "; ".join(f"{pointer or '/'}: {text}" for pointer, text in self.problems[:_MOST_SAID])
        more = len(self.problems) - _MOST_SAID
        rest = f"; and {more} more" if more > 0 else ""
        super().__init__(f"The timeline cannot be used. {said}{rest}.", param="timeline")


@dataclass(slots=True)
class Findings:
    """What a look finds: `problems` make the file useless, `warnings` say what is left out."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Clock:
    """Reckons OpenTimelineIO's decimal rates as the exact ones that are meant."""

    def __init__(self, told: Fraction | None) -> None:
        self._told = told
        self._seen: set[float] = set()

    def exact(self, rate: float) -> Fraction | None:
        """The exact rate, in 1/s; None for one that cannot be meant, or when there are too many."""
        self._seen.add(rate)
        if len(self._seen) > MAX_RATES:
            return None
        if self._told is not None and math.isclose(rate, self._told, rel_tol=1e-9):
            return self._told
        if 0.01 <= rate <= _WORDED_RATES:
            return Rate.of(rate).fps
        whole = round(rate) if 0 < rate <= 1_000_000 else 0
        return Fraction(whole) if whole and abs(rate - whole) < 0.01 else None


@dataclass(frozen=True, slots=True)
class Span:
    """A TimeRange in exact seconds."""

    start: Fraction
    duration: Fraction

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Node:
    """An object of the file, and where it stands in it."""

    value: Mapping[str, object]
    pointer: str
    findings: Findings

    def wrong(self, key: str, text: str) -> None:
        """Note a fault of a field; of the object itself with an empty key."""
        self.findings.problems.append((f"{self.pointer}/{key}" if key else self.pointer, text))

    def warn(self, text: str) -> None:
        """Note something that is left out."""
        self.findings.warnings.append(f"{self.title}: {text}")

    @property
    def schema(self) -> str:
        """`Clip` of `Clip.2`; empty when it says none."""
        found = self.value.get("OTIO_SCHEMA")
        return found.partition(".")[0] if isinstance(found, str) else ""

    @property
    def title(self) -> str:
        """What to call it in a text for people."""
        name = self.value.get("name")
        called = f" {name[:80]!r}" if isinstance(name, str) and name else f" at {self.pointer}"
        return f"{self.schema or 'object'}{called}"

    @property
    def is_enabled(self) -> bool:
        return self.value.get("enabled") is not False

    @property
    def told(self) -> Mapping[str, object]:
        """What the farm itself noted in it; empty in a file of somebody else's."""
        metadata = self.value.get("metadata")
        told = metadata.get("kinefarm") if isinstance(metadata, Mapping) else None
        return told if isinstance(told, Mapping) else {}

    def text(self, key: str) -> str:
        """A field's text, empty for none."""
        found = self.value.get(key)
        if found is not None and not isinstance(found, str):
            self.wrong(key, "is no text")
        return found if isinstance(found, str) else ""

    def node(self, key: str) -> "Node | None":
        """A field's object, None for none."""
        found = self.value.get(key)
        if found is None:
            return None
        if not isinstance(found, Mapping):
            self.wrong(key, "is no object")
            return None
        return Node(found, f"{self.pointer}/{key}", self.findings)

    def nodes(self, key: str) -> Iterator["Node"]:
        """The objects of a field's list."""
        found = self.value.get(key)
        if found is None:
            return
        if not isinstance(found, list):
            self.wrong(key, "is no list")
            return
        for index, item in enumerate(found):
            if isinstance(item, Mapping):
                yield Node(item, f"{self.pointer}/{key}/{index}", self.findings)
            else:
                self.wrong(f"{key}/{index}", "is no object")

    def number(self, key: str) -> float | None:
        """A field's number; a fault is noted when it is none, is not finite or is beyond all measure."""
        found = self.value.get(key)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            self.wrong(key, "is no number")
        elif not -_VALUE_LIMIT <= found <= _VALUE_LIMIT:  # NaN fails this too
            self.wrong(key, "is not finite or too large")
        else:
            return float(found)
        return None

    def time(self, key: str, clock: Clock) -> Fraction | None:
        """A RationalTime in exact seconds."""
        if (found := self.node(key)) is None:
            return None
        value, rate = found.number("value"), found.number("rate")
        if value is None or rate is None:
            return None
        if (exact := clock.exact(rate)) is None:
            found.wrong("rate", f"{rate:g} is no rate that can be used, or one too many")
            return None
        seconds = Fraction(round(value * _FINE), _FINE) / exact
        if abs(seconds) > _LONGEST_S:
            found.wrong("value", f"is more than {_LONGEST_S} s")
            return None
        return seconds

    def span(self, key: str, clock: Clock) -> Span | None:
        """A TimeRange; None for none and for a broken one, which is noted."""
        if (found := self.node(key)) is None:
            return None
        start, duration = found.time("start_time", clock), found.time("duration", clock)
        for part, seconds in (("start_time", start), ("duration", duration)):
            if seconds is None and found.value.get(part) is None:
                found.wrong(part, "is missing")
        if start is None or duration is None:
            return None
        if duration < 0:
            found.wrong("duration", "is negative")
            return None
        return Span(start, duration)


def parsed(source: str | bytes | Mapping[str, object], findings: Findings) -> Node:
    """The file's outermost object. Raises BrokenOtio when it is no JSON object, TooLarge."""
    if isinstance(source, Mapping):
        return Node(source, "", findings)
    if len(source) > MAX_BYTES:
        raise TooLarge(f"An .otio file may have {MAX_BYTES // 1_000_000} MB.", param="timeline")
    try:
        found = json.loads(source, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()  # escapes may spell half a character
    except RecursionError:
        raise BrokenOtio([("", "is nested too deep")]) from None
    except ValueError as error:  # no JSON, no text, or a number of thousands of digits
        raise BrokenOtio([("", f"is no JSON ({str(error)[:200]})")]) from None
    if not isinstance(found, dict):
        raise BrokenOtio([("", "is no object")])
    return Node(found, "", findings)


def fraction(value: object) -> Fraction | None:
    """A number the farm wrote as `1/3`; None for anything else."""
    if not isinstance(value, str) or not _EXACT.fullmatch(value):
        return None
    above, _, below = value.partition("/")
    if below and not int(below):
        return None
    found = Fraction(int(above), int(below or 1))
    return found if found <= _LONGEST_S else None


def whole(value: object) -> int | None:
    """A whole number from zero on; None for anything else."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= _VALUE_LIMIT else None  # type: ignore[operator,return-value]  # an int by then


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
