"""Counts tasks that became ready into their lanes, and has an account that was idle join where others are.

On PostgreSQL it is one statement, from the notes that submits leave to what the lanes say after them: a lone
job waits for each round trip. SQLite, which writes nothing inside a WITH, does the same in four.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Select,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningDelete

from farm.store.bulk import given_rows
from farm.store.dialect import OneOf, insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import arrivals, lanes, tiers
from schedulers.lanes import are_siblings

_FOLD_AT_ONCE = 2000
_FAMILY = ("account_id", "pool", "resource")


def fold_arrivals(connection: Connection, now: float) -> int:
    """Count newly submitted ready tasks into their lanes. Returns how many notes were folded."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_FOLD, {"now": now}).scalar_one())
    rows = connection.execute(_TAKE_ARRIVED).all()
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.lane_id] = counts.get(row.lane_id, 0) + row.added
    arrive(connection, counts, now)
    return len(rows)


def arrive(connection: Connection, counts: Mapping[int, int], now: float) -> None:
    """Add ready tasks to lanes."""
    if not counts:
        return
    if connection.dialect.name == "postgresql":
        given = [{"lane_id": lane_id, "added": number} for lane_id, number in counts.items()]
        connection.execute(_ARRIVE_GIVEN, {"counts_given": json.dumps(given), "now": now})
    else:
        _arrive_by_row(connection, counts, now)


def _arrive_by_row(connection: Connection, counts: Mapping[int, int], now: float) -> None:
    families: dict[tuple[int, str, str], dict[int, AnyRow]] = {}
    for row in connection.execute(_SIBLINGS, {"ids": list(counts)}):
        families.setdefault((row.account_id, row.pool, row.resource), {})[row.id] = row
    _ensure_tiers(connection, families.values())
    rows = [row for family in families.values() for row in _arrivals([*family.values()], counts, now)]
    connection.execute(_ARRIVE, sorted(rows, key=lambda row: int(row["lane"])))


def _arrivals(family: Sequence[AnyRow], counts: Mapping[int, int], now: float) -> list[dict[str, Any]]:
    """What to write to those of an account's lanes where tasks arrive."""
    known = [row for row in family if not row.fresh] or family
    first = known[0]
    vtime, served_at = max(row.vtime for row in known), max(row.served_at for row in known)
    if all(row.ready <= 0 for row in family):  # below 0 while some were cancelled before they were counted in
        # It joins at its tier's virtual time: idling earns nothing.
        vtime, served_at = max(vtime, first.lane_vtime or 0.0), now
    return [
        {
            "lane": row.id,
            "ready_by": counts[row.id],
            "busy_is": first.busy,
            "vtime_is": vtime,
            "served": served_at,
            "tier_is": first.tier,
            "cap_is": first.cap,
            "has_room": first.busy < first.cap,
        }
        for row in family
        if row.id in counts
    ]


def _ensure_tiers(connection: Connection, families: Iterable[Mapping[int, AnyRow]]) -> None:
    missing = {
        (row.pool, row.resource, row.tier)
        for family in families
        for row in family.values()
        if row.lane_vtime is None
    }
    if missing:
        rows = [
            {"pool": pool, "resource": resource, "tier": tier, "vtime": 0.0, "lane_vtime": 0.0}
            for pool, resource, tier in sorted(missing)
        ]
        connection.execute(insert_ignore(connection, tiers), rows)


_lane = lanes.alias("lane")
_their_tier = and_(
    tiers.c.pool == lanes.c.pool, tiers.c.resource == lanes.c.resource, tiers.c.tier == lanes.c.tier
)
_SIBLINGS = (
    select(lanes, tiers.c.lane_vtime)
    .join_from(_lane, lanes, are_siblings(lanes, _lane))
    .join(tiers, _their_tier, isouter=True)
    .where(OneOf(_lane.c.id, "ids"))
)
_READY = lanes.c.ready + bindparam("ready_by")
_ARRIVE = (
    update(lanes)
    .where(lanes.c.id == bindparam("lane"))
    .values(
        ready=_READY,
        busy=bindparam("busy_is"),
        vtime=bindparam("vtime_is"),
        served_at=bindparam("served"),
        tier=bindparam("tier_is"),
        cap=bindparam("cap_is"),
        fresh=False,
        open=and_(_READY > 0, bindparam("has_room", type_=Boolean)),
    )
)
_FIRST_ARRIVED = select(arrivals.c.id).order_by(arrivals.c.id)


def _taken(first: Select[tuple[int]]) -> ReturningDelete[Any]:
    return delete(arrivals).where(arrivals.c.id.in_(first)).returning(arrivals.c.lane_id, arrivals.c.added)


_TAKE_ARRIVED = _taken(_FIRST_ARRIVED.limit(_FOLD_AT_ONCE))


def _among(column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
    """As an array: joined, the planner would expect thousands and read the whole table for them."""
    return column == any_(func.array(found.scalar_subquery()))


def _counted_in(counted: CTE) -> Select[Any]:
    """Adds `added` to each `lane_id` as `_arrivals` says, in one statement, and tells of how many `notes`."""
    theirs = _among(lanes.c.id, select(counted.c.lane_id))
    houses = select(*(lanes.c[name] for name in _FAMILY)).where(theirs).distinct().cte("houses")
    siblings = (
        select(lanes, tiers.c.lane_vtime)
        .join_from(lanes, houses, are_siblings(lanes, houses))
        .join(tiers, _their_tier, isouter=True)
        .where(_among(lanes.c.account_id, select(houses.c.account_id)))
        .cte("siblings")
    )
    family = _of_family(siblings)
    after = lanes.c.ready + counted.c.added
    now = bindparam("now", type_=Float)
    changed = (
        update(lanes)
        .where(theirs, lanes.c.id == counted.c.lane_id, are_siblings(lanes, family))
        .values(
            ready=after,
            busy=family.c.busy,
            vtime=case(
                (family.c.was_idle, func.greatest(family.c.vtime, family.c.lane_vtime)), else_=family.c.vtime
            ),
            served_at=case((family.c.was_idle, now), else_=family.c.served_at),
            tier=family.c.tier,
            cap=family.c.cap,
            fresh=False,
            open=and_(after > 0, family.c.busy < family.c.cap),
        )
        .cte("changed")
    )
    notes = select(func.coalesce(func.sum(counted.c.notes), 0))
    return notes.add_cte(_missing_tiers(siblings), changed)


def _of_family(siblings: FromClause) -> CTE:
    """What an account's lanes of one line agree on: what the first of those says that are not new."""
    known = siblings.c.fresh.is_(False)

    def first(name: str) -> ColumnElement[Any]:
        values = postgresql.aggregate_order_by(siblings.c[name], siblings.c.fresh, siblings.c.id)
        return func.array_agg(values)[1].label(name)

    def highest(name: str) -> ColumnElement[Any]:
        column = siblings.c[name]
        return func.coalesce(func.max(column).filter(known), func.max(column)).label(name)

    return (
        select(
            *(siblings.c[name] for name in _FAMILY),
            *(first(name) for name in ("busy", "tier", "cap", "lane_vtime")),
            *(highest(name) for name in ("vtime", "served_at")),
            func.bool_and(siblings.c.ready <= 0).label("was_idle"),
        )
        .group_by(*(siblings.c[name] for name in _FAMILY))
        .cte("family")
    )


def _missing_tiers(siblings: FromClause) -> CTE:
    names = ["pool", "resource", "tier", "vtime", "lane_vtime", "floor", "typical_s"]
    new = (
        select(*(siblings.c[name] for name in names[:3]), *(literal_column("0.0") for _ in names[3:]))
        .where(siblings.c.lane_vtime.is_(None))
        .distinct()
    )
    insert = postgresql.insert(tiers).from_select(names, new, include_defaults=False)
    return insert.on_conflict_do_nothing().cte("new_tiers")


_limit: ColumnElement[int] = literal_column(str(_FOLD_AT_ONCE))
_notes = _taken(_FIRST_ARRIVED.limit(_limit)).cte("taken")
_FOLD = _counted_in(
    select(_notes.c.lane_id, func.sum(_notes.c.added).label("added"), func.count().label("notes"))
    .group_by(_notes.c.lane_id)
    .cte("counted")
)
_counts = given_rows({"lane_id": arrivals.c.lane_id, "added": arrivals.c.added}, "counts_given")
_ARRIVE_GIVEN = _counted_in(
    select(_counts.c.lane_id, _counts.c.added, literal_column("1").label("notes")).cte("counted")
)
