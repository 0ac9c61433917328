"""Reads who waits for a slot: sorts of tasks, accounts whose turn may be next, and their next tasks.

Every read is small however long the backlog is: sorts are found by skipping through an index, of the
accounts only the first of each tier are looked at, and of an account's tasks only as many as it has turns.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    bindparam,
    column,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from farm.store.rows import AnyRow
from farm.store.schema import OPEN, READY, accounts, jobs, lanes, sorts, tasks
from schedulers.capacity import Line
from schedulers.fairness import AGED, LaneTurn

ANY_SORT = 0


@dataclass(frozen=True, slots=True)
class OpenSort:
    """A sort of which some task waits. ANY_SORT has no `line`: each of its tasks may be of another."""

    id: int
    line: Line | None
    requires: Mapping[str, str]
    affinity: str | None
    interactive: bool


@dataclass(slots=True)
class Turn:
    """An account that may be served on a line, and its lanes there: sort by lane id."""

    fair: LaneTurn
    lanes: dict[int, OpenSort] = field(default_factory=dict)


def open_sorts(connection: Connection) -> list[OpenSort]:
    """The sorts of all waiting tasks whose accounts are not at their cap."""
    return [
        OpenSort(
            row.id,
            (row.pool, row.resource) if row.pool else None,
            row.requires or {},
            row.affinity,
            bool(row.interactive),
        )
        for row in connection.execute(_OPEN_SORTS).all()
    ]


class Backlog:
    """The lanes' side of the backlog, with its statements made once."""

    def __init__(self, tiers: Iterable[str]) -> None:
        self._tiers = names = list(tiers)
        by_vtime = _each_tier(names, _BY_VTIME)
        self._by_vtime = union_all(*by_vtime)
        self._aged_too = union_all(*by_vtime, *_each_tier(names, _BY_WAITING))

    def turns(
        self,
        connection: Connection,
        line: Line,
        among: Sequence[OpenSort],
        count: int,
        passed: Set[int],
        *,
        aged: Set[str],
    ) -> dict[int, Turn]:
        """By account: each tier's first ones of every sort; in `aged` tiers the longest unserved first."""
        counts = {"count": count + len(passed), "aged_count": 1 + len(passed)}
        where = {"of_pool": line[0], "of_resource": line[1], **counts}
        statement = self._aged_too if aged else self._by_vtime
        if connection.dialect.name == "postgresql":
            statement, where = _OF_TIERS, {**where, "of_tiers": self._tiers, "aged_tiers": sorted(aged)}
        found: dict[int, Turn] = {}
        oldest: dict[str, tuple[_OpenLane, OpenSort]] = {}
        for sort in among:
            for row in connection.execute(statement, where | {"of_sort": sort.id}).all():
                lane = _OpenLane(*row)
                if lane.account in passed:
                    continue
                if not lane.is_aged:
                    _add(found, lane, sort)
                elif lane.tier in aged and _is_older(lane, oldest):
                    oldest[lane.tier] = lane, sort
        for lane, sort in oldest.values():
            _add(found, lane, sort)
        return found


class _OpenLane(NamedTuple):
    """A row of `_OPEN`. `is_aged`: it was read for how long it has waited."""

    id: int
    account: int
    tier: str
    vtime: float
    room: int
    ready: int
    served_at: float
    is_aged: bool


def _is_older(lane: _OpenLane, oldest: Mapping[str, tuple[_OpenLane, OpenSort]]) -> bool:
    before = oldest.get(lane.tier)
    return before is None or lane.served_at < before[0].served_at


def _add(found: dict[int, Turn], lane: _OpenLane, sort: OpenSort) -> None:
    before = found.get(lane.account)
    lanes_of, ready = {lane.id: sort}, lane.ready
    if before is not None:
        ready = before.fair.ready + (0 if lane.id in before.lanes else ready)
        lanes_of = before.lanes | lanes_of
    vtime = AGED if lane.is_aged else lane.vtime
    found[lane.account] = Turn(LaneTurn(lane.account, lane.tier, vtime, lane.room, ready), lanes_of)


class Waiting:
    """An account's next tasks over its lanes, in the account's own order: priority, then age."""

    def __init__(self, turn: Turn, rows: Mapping[int, Sequence[AnyRow]]) -> None:
        self._rows = {lane_id: deque(rows.get(lane_id, ())) for lane_id in turn.lanes}
        self._sort_of = turn.lanes

    def sort_of(self, task: AnyRow) -> OpenSort:
        return self._sort_of[task.lane_id]

    def head(self, closed: Set[int]) -> AnyRow | None:
        """The first one that is not of a closed sort."""
        heads = [
            rows[0]
            for lane_id, rows in self._rows.items()
            if rows and self._sort_of[lane_id].id not in closed
        ]
        return min(heads, key=lambda row: (row.priority, row.id), default=None)

    def head_for(self, models: Set[str], closed: Set[int]) -> AnyRow | None:
        """The first one that likes one of these models."""
        others = {sort.id for sort in self._sort_of.values() if sort.affinity not in models}
        return self.head(closed | others)

    def take(self, task: AnyRow) -> None:
        """It is served, or set aside."""
        self._rows[task.lane_id].popleft()


def waiting(
    connection: Connection, turns: Mapping[int, Turn], counts: Mapping[int, int]
) -> dict[int, Waiting]:
    """By account: as many of its next tasks as it has turns, one at least."""
    wanted = {lane: max(1, counts.get(account, 0)) for account, turn in turns.items() for lane in turn.lanes}
    rows = _heads(connection, wanted)
    return {account: Waiting(turn, rows) for account, turn in turns.items()}


def _heads(connection: Connection, wanted: Mapping[int, int]) -> dict[int, list[AnyRow]]:
    """The first tasks of each lane. SQLite reads those together of which equally many are wanted."""
    found: dict[int, list[AnyRow]] = {}
    if connection.dialect.name != "postgresql":
        for count in sorted(set(wanted.values())):
            alike = json.dumps([lane_id for lane_id, number in wanted.items() if number == count])
            for row in connection.execute(_HEADS_ALIKE, {"of_lanes": alike, "count": count}).all():
                found.setdefault(row.lane_id, []).append(row)
    elif wanted:
        given = json.dumps([{"lane": lane_id, "count": count} for lane_id, count in wanted.items()])
        for row in connection.execute(_HEADS_OF_ALL, {"given": given}).all():
            found.setdefault(row.lane_id, []).append(row)
    return found


def _each_tier(tiers: Iterable[str], lanes_of_tier: Select[Any]) -> list[Select[Any]]:
    """The parts of one statement for all tiers: asked one by one they are most of an idle turn."""
    return [select(lanes_of_tier.where(lanes.c.tier == tier).subquery()) for tier in tiers]


def _of_task(task: FromClause) -> Select[Any]:
    """What the dispatcher must know of a task itself."""
    return select(
        task.c.id,
        task.c.job_seq,
        task.c.lane_id,
        task.c.batch_id,
        task.c.priority,
        task.c.estimated_s,
        task.c.requires,
        task.c.affinity,
        task.c.ready_at,
        task.c.route,
        task.c.choice,
    )


# And of its job.
_OF_JOB = (
    jobs.c.id.label("job_id"),
    jobs.c.max_running,
    jobs.c.interactive,
    accounts.c.id.label("account_id"),
    accounts.c.name.label("account"),
    accounts.c.tier,
)


_ONE: ColumnElement[int] = literal_column("1")  # given a parameter, PostgreSQL would plan each query anew
# Skips from one sort to the next in the index of open lanes: a DISTINCT would read all of it.
_first = select(lanes.c.sort_id).where(OPEN).order_by(lanes.c.sort_id).limit(_ONE).scalar_subquery()
_found = select(_first.label("id")).cte("found", recursive=True)
_next = (
    select(lanes.c.sort_id)
    .where(OPEN, lanes.c.sort_id > _found.c.id)
    .order_by(lanes.c.sort_id)
    .limit(_ONE)
    .correlate(_found)
    .scalar_subquery()
)
_found = _found.union_all(select(_next).where(_found.c.id.is_not(None)))
_OPEN_SORTS = (
    select(
        _found.c.id,
        sorts.c.pool,
        sorts.c.resource,
        sorts.c.requires,
        sorts.c.affinity,
        sorts.c.interactive,
    )
    .join_from(_found, sorts, sorts.c.id == _found.c.id, isouter=True)
    .where(_found.c.id.is_not(None))
    .order_by(_found.c.id)
)
_OPEN = (
    select(
        lanes.c.id,
        lanes.c.account_id,
        lanes.c.tier,
        lanes.c.vtime,
        (lanes.c.cap - lanes.c.busy).label("room"),
        lanes.c.ready,
        lanes.c.served_at,
    )
    .where(lanes.c.sort_id == bindparam("of_sort"))
    .where(lanes.c.pool == bindparam("of_pool"), lanes.c.resource == bindparam("of_resource"))
    .where(OPEN)
)
_BY_VTIME = (
    _OPEN.add_columns(false().label("is_aged")).order_by(lanes.c.vtime, lanes.c.id).limit(bindparam("count"))
)
_BY_WAITING = (
    _OPEN.add_columns(true().label("is_aged"))
    .order_by(lanes.c.served_at, lanes.c.id)
    .limit(bindparam("aged_count"))
)


def _of_each(tiers_given: str, lanes_of_tier: Select[Any]) -> Select[Any]:
    """The same on PostgreSQL, which is told of the tiers by a parameter."""
    names = func.unnest(bindparam(tiers_given, type_=ARRAY(String))).table_valued("name")
    tier = names.render_derived(name="tier")
    found = lanes_of_tier.where(lanes.c.tier == tier.c.name).lateral("found")
    return select(found).select_from(tier.join(found, true()))


_OF_TIERS = union_all(_of_each("of_tiers", _BY_VTIME), _of_each("aged_tiers", _BY_WAITING))
_BY_AGE = (tasks.c.priority, tasks.c.id)
_head = tasks.alias("head")
_alike = func.json_each(bindparam("of_lanes")).table_valued("value", name="alike")
_heads_of_one = (
    select(_head.c.id)
    .where(_head.c.lane_id == _alike.c.value, _head.c.state == literal_column("'ready'"))
    .order_by(_head.c.priority, _head.c.id)
    .limit(bindparam("count"))
    .correlate(_alike)
)
_HEADS_ALIKE = (
    _of_task(tasks)
    .add_columns(*_OF_JOB)
    .select_from(_alike.join(tasks, tasks.c.id.in_(_heads_of_one)))
    .join(jobs, jobs.c.seq == tasks.c.job_seq)
    .join(accounts, accounts.c.id == jobs.c.account_id)
    .order_by(*_BY_AGE)
)
# PostgreSQL plans this one once: nothing in it makes one list of lanes look cheaper than another, and no
# estimate leads it away from looking each job up.
_wanted = (
    func.json_to_recordset(bindparam("given"))
    .table_valued(column("lane", BigInteger), column("count", Integer))
    .render_derived(name="wanted", with_types=True)
)
_first_ready = (
    _of_task(tasks)
    .where(tasks.c.lane_id == _wanted.c.lane, READY)
    .order_by(*_BY_AGE)
    .limit(_wanted.c.count)
    .lateral("first_ready")
)
_of_job = (
    select(*_OF_JOB)
    .join_from(jobs, accounts, accounts.c.id == jobs.c.account_id)
    .where(jobs.c.seq == _first_ready.c.job_seq)
    .limit(_ONE)
    .lateral("of_job")
)
_HEADS_OF_ALL = (
    select(_first_ready, _of_job)
    .select_from(_wanted.join(_first_ready, true()).join(_of_job, true()))
    .order_by(_first_ready.c.priority, _first_ready.c.id)
)
