"""The lanes' counters: every change of ready, busy and virtual time goes through here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, case, delete, select, update

from farm.store.dialect import insert_ignore
from farm.store.schema import arrivals, lanes, tiers

_FOLD_AT_ONCE = 2000


@dataclass(slots=True)
class LaneChange:
    """What to add to a lane's counters. `vtime` is in seconds of service."""

    ready: int = 0
    busy: int = 0
    vtime: float = 0.0


class LaneChanges:
    """Collects changes per lane and writes each lane once, in id order."""

    def __init__(self) -> None:
        self._changes: dict[int, LaneChange] = {}

    def at(self, lane_id: int) -> LaneChange:
        return self._changes.setdefault(lane_id, LaneChange())

    def write(self, connection: Connection) -> None:
        rows = [
            {"lane": lane_id, "ready_by": c.ready, "busy_by": c.busy, "vtime_by": c.vtime}
            for lane_id, c in sorted(self._changes.items())
        ]
        if rows:
            connection.execute(_CHANGE, rows)
        self._changes.clear()


_READY = lanes.c.ready + bindparam("ready_by")
_BUSY = lanes.c.busy + bindparam("busy_by")
_CHANGE = (
    update(lanes)
    .where(lanes.c.id == bindparam("lane"))
    .values(
        ready=_READY,
        busy=_BUSY,
        vtime=lanes.c.vtime + bindparam("vtime_by"),
        open=and_(_READY > 0, lanes.c.cap > _BUSY),
    )
)

# A lane that was empty joins at its tier's virtual time: idling earns nothing.
_LANE_VTIME = (
    select(tiers.c.lane_vtime)
    .where(tiers.c.pool == lanes.c.pool, tiers.c.resource == lanes.c.resource, tiers.c.tier == lanes.c.tier)
    .scalar_subquery()
)
_ARRIVE = (
    update(lanes)
    .where(lanes.c.id == bindparam("lane"))
    .values(
        ready=_READY,
        open=and_(_READY > 0, lanes.c.busy < lanes.c.cap),
        # Below 0 while tasks were cancelled that have not been counted in yet.
        vtime=case((and_(lanes.c.ready <= 0, lanes.c.vtime < _LANE_VTIME), _LANE_VTIME), else_=lanes.c.vtime),
        served_at=case((lanes.c.ready <= 0, bindparam("now")), else_=lanes.c.served_at),
    )
)


_ARRIVED = select(arrivals).order_by(arrivals.c.id).limit(_FOLD_AT_ONCE)
_COUNTED = delete(arrivals).where(arrivals.c.id.in_(bindparam("ids", expanding=True)))
_TIERS_OF = (
    select(lanes.c.pool, lanes.c.resource, lanes.c.tier)
    .where(lanes.c.id.in_(bindparam("ids", expanding=True)))
    .distinct()
)


def fold_arrivals(connection: Connection, now: float) -> int:
    """Count newly submitted ready tasks into their lanes. Returns how many notes were folded."""
    rows = connection.execute(_ARRIVED).all()
    if not rows:
        return 0
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.lane_id] = counts.get(row.lane_id, 0) + row.added
    connection.execute(_COUNTED, {"ids": [row.id for row in rows]})
    arrive(connection, counts, now)
    return len(rows)


def arrive(connection: Connection, counts: Mapping[int, int], now: float) -> None:
    """Add ready tasks to lanes."""
    _ensure_tiers(connection, counts)
    connection.execute(
        _ARRIVE, [{"lane": lane, "ready_by": n, "now": now} for lane, n in sorted(counts.items())]
    )


def _ensure_tiers(connection: Connection, lane_ids: Iterable[int]) -> None:
    found = connection.execute(_TIERS_OF, {"ids": list(lane_ids)}).all()
    rows = [
        {"pool": r.pool, "resource": r.resource, "tier": r.tier, "vtime": 0.0, "lane_vtime": 0.0}
        for r in found
    ]
    connection.execute(insert_ignore(connection, tiers), rows)
