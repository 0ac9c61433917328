"""When a worker sleeps: `mon-fri 08:00-18:00, sat 10:00-14:00`, by the clock on its own wall. Pure.

A span without days is for every day; one that ends before it begins goes on past midnight, and belongs to
the day it begins on. Ends are not part of it: at 18:00 the worker is awake.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from farm.errors import BadRequest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = 200
TIMEZONE = "timezone"  # the label by which a worker announces its own
_DAY_MINUTES = 24 * 60
_SPAN = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+)?"
    r"(?P<from_h>\d{1,2}):(?P<from_m>\d{2})\s*-\s*(?P<to_h>\d{1,2}):(?P<to_m>\d{2})"
)
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of the day, half-open, on some days (0 is Monday). `end` is beyond a day past midnight."""

    days: frozenset[int]
    start: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether that minute of that day is within, the night before's end included."""
        if day in self.days and self.start <= minute < self.end:
            return True
        return (day - 1) % 7 in self.days and self.start <= minute + _DAY_MINUTES < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """Some spans of the week."""

    spans: tuple[Span, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Raises BadRequest showing how it is written."""
        if not text.strip() or len(text) > LONGEST:
            raise _unreadable(text)
        return cls(tuple(_span(part.strip().lower(), text) for part in text.split(",")))

    def sleeps_at(self, now: float, zone: tzinfo) -> bool:
        """Whether it is time to sleep, `now` in Unix seconds. What the clock on the wall shows counts."""
        there = datetime.fromtimestamp(now, zone)
        return any(span.holds(there.weekday(), there.hour * 60 + there.minute) for span in self.spans)


def zone_of(name: str | None) -> tzinfo:
    """The zone that a worker announced: `Europe/Berlin` or `+02:00`; UTC when it announced none.

    Raises BadRequest when this host does not know it.
    """
    if not name:
        return UTC
    if (offset := _OFFSET.fullmatch(name)) is not None:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < _DAY_MINUTES:
            return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no name of a zone, a folder of zones
        raise BadRequest(f"There is no time zone {name!r} here.", param="timezone") from None


def _span(part: str, text: str) -> Span:
    found = _SPAN.fullmatch(part)
    if found is None:
        raise _unreadable(text)
    start, end = _minute(found["from_h"], found["from_m"]), _minute(found["to_h"], found["to_m"])
    if start is None or end is None or start in (end, _DAY_MINUTES):
        raise _unreadable(text)
    days = _days(found["first"], found["last"])
    if days is None:
        raise _unreadable(text)
    return Span(days, start, end if end > start else end + _DAY_MINUTES)


def _minute(hour: str, minute: str) -> int | None:
    found = int(hour) * 60 + int(minute)
    return found if int(minute) < 60 and found <= _DAY_MINUTES else None


def _days(first: str | None, last: str | None) -> frozenset[int] | None:
    """The days from the first to the last, over the end of the week if need be; None when one is none."""
    if first is None:
        return frozenset(range(7))
    if first not in DAYS or (last or first) not in DAYS:
        return None
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _unreadable(text: str) -> BadRequest:
    return BadRequest(
        f"A sleep schedule reads `mon-fri 08:00-18:00, sat 10:00-14:00`, not {text[:LONGEST]!r}.",
        param="schedule",
    )
