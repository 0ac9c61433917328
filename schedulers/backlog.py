"""Reads who waits for a slot: sorts of tasks, tiers, accounts whose turn may be next, and their next tasks.

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
    null,
    select,
    true,
    union_all,
)

from farm.store.rows import AnyRow
from farm.store.schema import OPEN, READY, accounts, jobs, lanes, sorts, tasks, tiers
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


@dataclass(frozen=True, slots=True)
class TierRow:
    """What is noted of a tier's service on a line; see farm.store.schema.tiers."""

    vtime: float = 0.0
    floor: float = 0.0
    typical_s: float = 0.0


@dataclass(slots=True)
class Survey:
    """Which sorts wait, of accounts that are not at their cap, and how the tiers stand on each line."""

    sorts: list[OpenSort] = field(default_factory=list)
    tiers: dict[Line, dict[str, TierRow]] = field(default_factory=dict)


def survey(connection: Connection) -> Survey:
    """One look at both: each is small, and would cost a round trip."""
    seen = Survey()
    for row in connection.execute(_SURVEY):
        id, pool, resource, requires, affinity, interactive, tier, vtime, floor, typical_s = row
        line = (pool, resource) if pool else None
        if id is not None:
            seen.sorts.append(OpenSort(id, line, requires or {}, affinity, bool(interactive)))
        elif line is not None:
            seen.tiers.setdefault(line, {})[tier] = TierRow(vtime, floor, typical_s)
    return seen


class Backlog:
    """The lanes' side of the backlog, with its statements made once."""

    def __init__(self, tiers: Iterable[str]) -> None:
        self._tiers = names = list(tiers)
        by_vtime = _each_tier(names, _BY_VTIME, "count")
        by_waiting = _each_tier(names, _BY_WAITING, "aged_count")
        self._by_vtime = union_all(*by_vtime)
        self._aged_too = union_all(*by_vtime, *by_waiting)

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
        sorts_by_id = {sort.id: sort for sort in among}
        found: dict[int, Turn] = {}
        oldest: dict[str, _OpenLane] = {}
        for row in self._first(connection, line, sorts_by_id, count + len(passed), 1 + len(passed), aged):
            lane = _OpenLane(*row)
            if lane.account in passed:
                continue
            if not lane.is_aged:
                _add(found, lane, sorts_by_id[lane.sort])
            elif lane.tier in aged and _is_older(lane, oldest):
                oldest[lane.tier] = lane
        for lane in oldest.values():
            _add(found, lane, sorts_by_id[lane.sort])
        return found

    def _first(
        self,
        connection: Connection,
        line: Line,
        among: Iterable[int],
        count: int,
        aged_count: int,
        aged: Set[str],
    ) -> Sequence[AnyRow]:
        """Of each tier and sort: `count` lanes by virtual time, and `aged_count` by how long they wait."""
        if connection.dialect.name == "postgresql":
            by_vtime = _asked(line, among, self._tiers, count)
            by_waiting = _asked(line, among, sorted(aged), aged_count)
            return connection.execute(_FIRST, {"by_vtime": by_vtime, "by_waiting": by_waiting}).all()
        statement = self._aged_too if aged else self._by_vtime
        where = {"of_pool": line[0], "of_resource": line[1], "count": count, "aged_count": aged_count}
        return [row for sort in among for row in connection.execute(statement, where | {"of_sort": sort})]


class _OpenLane(NamedTuple):
    """A row of `_OPEN`. `is_aged`: it was read for how long it has waited."""

    id: int
    sort: int
    account: int
    tier: str
    vtime: float
    room: int
    ready: int
    served_at: float
    is_aged: bool


def _is_older(lane: _OpenLane, oldest: Mapping[str, _OpenLane]) -> bool:
    return lane.tier not in oldest or lane.served_at < oldest[lane.tier].served_at


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
# Skips from one sort to the next in the index of open lanes: a DISTINCT would read all of it. In the one by
# waiting: while somebody's old snapshot keeps the dead, they gather where lanes are served, which is first by
# virtual time.
_by_waiting = (lanes.c.sort_id, lanes.c.tier, lanes.c.served_at, lanes.c.id)
_first = select(lanes.c.sort_id).where(OPEN).order_by(*_by_waiting).limit(_ONE).scalar_subquery()
_found = select(_first.label("id")).cte("found", recursive=True)
_next = (
    select(lanes.c.sort_id)
    .where(OPEN, lanes.c.sort_id > _found.c.id)
    .order_by(*_by_waiting)
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
        *(null().label(name) for name in ("tier", "vtime", "floor", "typical_s")),
    )
    .join_from(_found, sorts, sorts.c.id == _found.c.id, isouter=True)
    .where(_found.c.id.is_not(None))
)
_TIERS = select(
    null().label("id"),
    tiers.c.pool,
    tiers.c.resource,
    *(null().label(name) for name in ("requires", "affinity", "interactive")),
    tiers.c.tier,
    tiers.c.vtime,
    tiers.c.floor,
    tiers.c.typical_s,
)
_SURVEY = union_all(_OPEN_SORTS, _TIERS)
_OPEN = select(
    lanes.c.id,
    lanes.c.sort_id,
    lanes.c.account_id,
    lanes.c.tier,
    lanes.c.vtime,
    (lanes.c.cap - lanes.c.busy).label("room"),
    lanes.c.ready,
    lanes.c.served_at,
).where(OPEN)
_BY_VTIME = _OPEN.add_columns(false().label("is_aged")).order_by(lanes.c.vtime, lanes.c.id)
_BY_WAITING = _OPEN.add_columns(true().label("is_aged")).order_by(lanes.c.served_at, lanes.c.id)
_OF_LINE = (lanes.c.pool == bindparam("of_pool"), lanes.c.resource == bindparam("of_resource"))


def _each_tier(tiers: Iterable[str], first: Select[Any], count: str) -> list[Select[Any]]:
    """The parts of one statement for all tiers of a sort: asked one by one they are most of an idle turn."""
    of_sort = first.where(lanes.c.sort_id == bindparam("of_sort"), *_OF_LINE).limit(bindparam(count))
    return [select(of_sort.where(lanes.c.tier == tier).subquery()) for tier in tiers]


def _asked_for(given: str, first: Select[Any]) -> Select[Any]:
    """The same on PostgreSQL for all that `_asked` lists.

    It plans this once: nothing in it makes one list look cheaper than another.
    """
    names = {"sort": BigInteger, "pool": String, "resource": String, "tier": String, "count": Integer}
    asked = (
        func.json_to_recordset(bindparam(given))
        .table_valued(*(column(name, type_) for name, type_ in names.items()))
        .render_derived(name="asked", with_types=True)
    )
    same = (lanes.c[name] == asked.c[name] for name in ("pool", "resource", "tier"))
    found = first.where(lanes.c.sort_id == asked.c.sort, *same).limit(asked.c.count).lateral("found")
    return select(found).select_from(asked.join(found, true()))


def _asked(line: Line, sorts: Iterable[int], tiers: Sequence[str], count: int) -> str:
    common = {"pool": line[0], "resource": line[1], "count": count}
    return json.dumps([{"sort": sort, "tier": tier, **common} for sort in sorts for tier in tiers])


_FIRST = union_all(_asked_for("by_vtime", _BY_VTIME), _asked_for("by_waiting", _BY_WAITING))
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
