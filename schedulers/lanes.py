"""The lanes' counters: every change of ready, busy and virtual time goes through here.

An account's lanes of one (pool, resource) are siblings: busy, virtual time and when it was last served are
the account's, so each change of them is written to all, and a lane that joins takes them from the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    case,
    func,
    select,
    update,
)

from farm.catalog import Catalog
from farm.store.bulk import UpdateMany, Write, given_rows
from farm.store.schema import accounts, lanes, tiers


@dataclass(slots=True)
class LaneChange:
    """What to add to a lane's counters. `vtime` is in seconds of service; `served_at` is set when given."""

    ready: int = 0
    busy: int = 0
    vtime: float = 0.0
    served_at: float | None = None

    @property
    def only_ready(self) -> bool:
        return self.busy == 0 and self.vtime == 0.0 and self.served_at is None


class LaneChanges:
    """Collects changes per lane and writes each lane once, in id order."""

    def __init__(self) -> None:
        self._changes: dict[int, LaneChange] = {}

    def at(self, lane_id: int) -> LaneChange:
        return self._changes.setdefault(lane_id, LaneChange())

    def write(self, connection: Connection) -> None:
        ordered = sorted(self._changes.items())
        alone = [{"key": lane_id, "ready_by": c.ready} for lane_id, c in ordered if c.only_ready]
        _CHANGE_READY.run(connection, alone)
        CHANGE.run(connection, self.shared())
        self._changes.clear()

    def shared(self) -> list[dict[str, Any]]:
        """What CHANGE is given: the changes of which siblings have a part."""
        return [
            {
                "lane": lane_id,
                "ready_by": c.ready,
                "busy_by": c.busy,
                "vtime_by": c.vtime,
                "served": c.served_at,
            }
            for lane_id, c in sorted(self._changes.items())
            if not c.only_ready
        ]


def _same(column: str) -> Any:
    """The lane in question has the same in this column."""
    return lanes.c[column] == select(_lane.c[column]).where(_lane.c.id == bindparam("lane")).scalar_subquery()


def are_siblings(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in ("account_id", "pool", "resource")))


_lane = lanes.alias("lane")
_CHANGE_READY = UpdateMany(
    lanes.c.id,
    {"ready_by": lanes.c.ready},
    lambda given: {
        "ready": lanes.c.ready + given["ready_by"],
        "open": and_(lanes.c.ready + given["ready_by"] > 0, lanes.c.cap > lanes.c.busy),
    },
)
_ITS_READY = lanes.c.ready + case((lanes.c.id == bindparam("lane"), bindparam("ready_by")), else_=0)
_BUSY = lanes.c.busy + bindparam("busy_by")
_change_one = (
    update(lanes)
    .where(_same("account_id"), _same("pool"), _same("resource"))
    .values(
        ready=_ITS_READY,
        busy=_BUSY,
        vtime=lanes.c.vtime + bindparam("vtime_by"),
        served_at=func.coalesce(bindparam("served", type_=lanes.c.served_at.type), lanes.c.served_at),
        open=and_(_ITS_READY > 0, lanes.c.cap > _BUSY),
    )
)
# The same for many at once: what their accounts had of each line, and with it each lane's own.
_given = select(
    given_rows(
        {
            "lane": lanes.c.id,
            "ready_by": lanes.c.ready,
            "busy_by": lanes.c.busy,
            "vtime_by": lanes.c.vtime,
            "served": lanes.c.served_at,
        },
        "lanes_given",
    )
).cte("lane_changes")
_family = (
    select(
        _lane.c.account_id,
        _lane.c.pool,
        _lane.c.resource,
        func.sum(_given.c.busy_by).label("busy_by"),
        func.sum(_given.c.vtime_by).label("vtime_by"),
        func.max(_given.c.served).label("served"),
    )
    .join_from(_given, _lane, _lane.c.id == _given.c.lane)
    .group_by(_lane.c.account_id, _lane.c.pool, _lane.c.resource)
    .subquery("family")
)
_sibling = lanes.alias("sibling")
_changed = (
    select(
        _sibling.c.id,
        func.coalesce(_given.c.ready_by, 0).label("ready_by"),
        _family.c.busy_by,
        _family.c.vtime_by,
        _family.c.served,
    )
    .join_from(_family, _sibling, are_siblings(_sibling, _family))
    .join(_given, _given.c.lane == _sibling.c.id, isouter=True)
    .subquery("changed")
)
_change_all = (
    update(lanes)
    .where(lanes.c.id == _changed.c.id)
    .values(
        ready=lanes.c.ready + _changed.c.ready_by,
        busy=lanes.c.busy + _changed.c.busy_by,
        vtime=lanes.c.vtime + _changed.c.vtime_by,
        served_at=func.coalesce(_changed.c.served, lanes.c.served_at),
        open=and_(lanes.c.ready + _changed.c.ready_by > 0, lanes.c.cap > lanes.c.busy + _changed.c.busy_by),
    )
)
CHANGE = Write(_change_one, _change_all, "lanes_given")

_WITH_OWN = select(accounts.c.id).where(accounts.c.max_running.is_not(None))
_CAP = (
    update(lanes)
    .where(lanes.c.tier == bindparam("of_tier"), lanes.c.cap != bindparam("cap_is"))
    .where(lanes.c.account_id.not_in(_WITH_OWN))
    .values(cap=bindparam("cap_is"), open=and_(lanes.c.ready > 0, lanes.c.busy < bindparam("cap_is")))
)
_SERVE_TIER = (
    update(tiers)
    .where(tiers.c.pool == bindparam("of_pool"), tiers.c.resource == bindparam("of_resource"))
    .where(tiers.c.tier == bindparam("of_tier"))
    .values(vtime=tiers.c.vtime + bindparam("vtime_by"))
)


def renew_caps(connection: Connection, catalog: Catalog) -> None:
    """Give lanes the caps that the configs say now, where their account has no limit of its own."""
    connection.execute(
        _CAP, [{"of_tier": name, "cap_is": tier.max_running} for name, tier in catalog.tiers.items()]
    )


def correct_tiers(
    catalog: Catalog, connection: Connection, seconds: Mapping[tuple[str, str, str], float]
) -> None:
    """Add seconds of service to what (pool, resource, tier) was charged; below 0 they are given back."""
    changes = [
        {
            "of_pool": pool,
            "of_resource": resource,
            "of_tier": tier,
            "vtime_by": by / catalog.tiers[tier].weight,
        }
        for (pool, resource, tier), by in sorted(seconds.items())
        if by and tier in catalog.tiers  # else an operator took it out of tiers.toml
    ]
    if changes:
        connection.execute(_SERVE_TIER, changes)
