"""The schedulers door: which scheduler processes are here, and which of them leads."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from farm.doors.hall import Hall
from farm.store.schema import schedulers

_SILENCES = 2  # of lead_s; whoever says nothing for longer is not shown


@dataclass(frozen=True, slots=True)
class SchedulerView:
    """A scheduler process that is here. `led_since` None: it stands by."""

    name: str
    host: str
    pid: int
    led_since: float | None


def list_schedulers(hall: Hall) -> list[SchedulerView]:
    """Those that are here, the one that leads first. Raises StoreAway."""
    with hall.store.read() as connection:
        return schedulers_here(hall, connection, hall.clock.now())


def schedulers_here(hall: Hall, connection: Connection, now: float) -> list[SchedulerView]:
    """The same within a caller's transaction."""
    heard_since = now - _SILENCES * hall.catalog.scheduling.lead_s
    query = (
        select(schedulers)
        .where(schedulers.c.seen_at >= heard_since)
        .order_by(schedulers.c.lead.is_(None), schedulers.c.started_at)
    )
    return [
        SchedulerView(row.name, row.host, row.pid, row.led_since if row.lead else None)
        for row in connection.execute(query)
    ]
