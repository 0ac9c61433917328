"""Sleep schedules: what they say, by which clock, and what is none."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from farm.errors import BadRequest
from farm.sleep import Schedule, zone_of
from workers.host_zone import host_zone

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def at(day: int, clock: str, zone: ZoneInfo | None = None) -> float:
    """Unix seconds of a clock's time, so many days after a Monday in June."""
    hour, _, minute = clock.partition(":")
    there = (MONDAY + timedelta(days=day)).replace(hour=int(hour), minute=int(minute), tzinfo=zone or UTC)
    return there.timestamp()


@pytest.mark.parametrize(
    ("text", "day", "clock", "sleeps"),
    [
        ("mon-fri 08:00-18:00", 0, "08:00", True),
        ("mon-fri 08:00-18:00", 0, "07:59", False),
        ("mon-fri 08:00-18:00", 4, "17:59", True),
        ("mon-fri 08:00-18:00", 4, "18:00", False),
        ("mon-fri 08:00-18:00", 5, "12:00", False),
        ("MON-FRI 8:00 - 18:00", 1, "12:00", True),
        ("mon-fri 08:00-18:00, sat 10:00-14:00", 5, "12:00", True),
        ("22:00-06:00", 3, "23:00", True),
        ("22:00-06:00", 3, "05:59", True),
        ("22:00-06:00", 3, "12:00", False),
        ("fri 22:00-06:00", 5, "03:00", True),  # Friday's night goes on into Saturday
        ("fri 22:00-06:00", 4, "03:00", False),
        ("sun 22:00-06:00", 7, "03:00", True),  # and Sunday's into Monday
        ("sat-mon 09:00-10:00", 6, "09:30", True),
        ("sat-mon 09:00-10:00", 1, "09:30", False),
        ("00:00-24:00", 2, "00:00", True),
        ("00:00-24:00", 2, "23:59", True),
    ],
)
def test_a_schedule_says_when(text: str, day: int, clock: str, sleeps: bool) -> None:
    assert Schedule.parse(text).sleeps_at(at(day, clock), UTC) is sleeps


def test_the_clock_of_the_worker_counts() -> None:
    office = Schedule.parse("mon-fri 08:00-18:00")
    morning = at(0, "08:00", BERLIN)
    assert office.sleeps_at(morning, zone_of("Europe/Berlin"))
    assert not office.sleeps_at(morning, zone_of("America/New_York"))
    assert office.sleeps_at(morning, zone_of("+02:00"))
    assert not office.sleeps_at(morning, zone_of("-05:00"))
    assert not office.sleeps_at(morning, zone_of(None))  # six o'clock in UTC


def test_when_clocks_change_the_wall_still_counts() -> None:
    """29 March 2026, Berlin: after 01:59 comes 03:00."""
    night = Schedule.parse("01:00-04:00")
    before = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN).timestamp()
    assert [night.sleeps_at(before + hours * 3600, BERLIN) for hours in (0, 1, 2)] == [True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "always",
        "mon-fri",
        "8-18",
        "mon-fri 08:00-25:00",
        "mon-fri 08:60-18:00",
        "08:00-08:00",
        "24:00-06:00",
        "mon-xyz 08:00-18:00",
        "xyz 08:00-18:00",
        "mon-fri 08:00-18:00,",
        "mon-fri 08:00-18:00; sat 08:00-10:00",
        "mon 08:00-18:00" + ", mon 08:00-18:00" * 20,
    ],
)
def test_what_is_no_schedule_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match="mon-fri 08:00-18:00, sat 10:00-14:00"):
        Schedule.parse(text)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "Europe", "+99:99", "\0"])
def test_a_zone_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="no time zone"):
        zone_of(name)


def test_this_host_has_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    zone_of(host_zone())
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert host_zone() == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "Nowhere/Real")
    zone_of(host_zone())
