"""The time zone of this host's clock, by name where the system tells one."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from farm.errors import BadRequest
from farm.sleep import zone_of

_LOCALTIME = Path("/etc/localtime")
_TIMEZONE = Path("/etc/timezone")


def host_zone() -> str:
    """Such as `Europe/Berlin`; else the offset that holds now, such as `+02:00`."""
    for name in _told():
        try:
            zone_of(name)
        except BadRequest:
            continue
        return name
    minutes = time.localtime().tm_gmtoff // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _told() -> Iterator[str]:
    """What TZ, the link to the zone's file and Debian's note say, the most particular first."""
    if name := os.environ.get("TZ", "").removeprefix(":"):
        yield name
    _, _, name = str(_LOCALTIME.resolve()).partition("/zoneinfo/")
    if name:
        yield name
    if _TIMEZONE.is_file() and (name := _TIMEZONE.read_text().strip()):
        yield name
