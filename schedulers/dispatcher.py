"""Dispatch, just in time: fills free slots and a look-ahead bounded by time, fairly, from the SQL backlog.

So priority, fairness, cancel and budgets are decided when a slot opens, however long the backlog is.
Writes attempts and lanes inside the scheduler's transaction; what it returns is published after commit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, bindparam, case, insert, select, union_all, update

from farm.broker.message import Message, about
from farm.catalog import Catalog
from farm.ids import Ids
from farm.states import AttemptState, TaskState
from farm.store.rows import AnyRow
from farm.store.schema import OPEN, accounts, attempts, jobs, lanes, tasks, tiers
from schedulers.capacity import Line, LineCapacity
from schedulers.fairness import AGED, LaneTurn, TierTurn, charge, choose
from schedulers.lanes import LaneChanges
from schedulers.placing import Nowhere, Placing

_ROUNDS = 8
_AT_ONCE = 32  # candidates of a round: most often the first few fill the line
_PARK_AT_ONCE = 5000
_ASIDE_AT_ONCE = 2000  # in each round: the farm stands still meanwhile
_PARK_S = 2.0
_OLD_S, _PARK_OLD_S = 60.0, 15.0  # who has waited for a worker that long is not asked after so often

Requires = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Placed:
    task: AnyRow
    queue: str
    order: int


@dataclass(slots=True)
class _Round:
    """What became of the tasks whose turn it was.

    `parked` cannot run anywhere now: all of their kind step aside, out of their lane. `aside` are lanes with
    batches that are held back: so do theirs. `passed` are lanes whose turn came while the workers for it were
    busy.
    """

    placed: list[_Placed] = field(default_factory=list)
    parked: dict[tuple[int, str], Requires] = field(default_factory=dict)
    aside: set[tuple[int, int]] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    full: bool = False

    @property
    def again(self) -> bool:
        """Whether others may have a turn instead."""
        return not self.full and bool(self.parked or self.aside or self.passed)


class Dispatcher:
    """Keeps only the counts of turns, for ageing; everything else is read from the store.

    `moved_aside` is how many tasks of held back batches the last dispatch took out of their lanes.
    """

    def __init__(self, catalog: Catalog, ids: Ids) -> None:
        self._catalog = catalog
        self._ids = ids
        self._unaged: dict[Line, int] = {}
        self.moved_aside = 0
        self._by_vtime = _each_tier(catalog.tiers, _BY_VTIME)
        self._by_waiting = _each_tier(catalog.tiers, _BY_WAITING)

    def dispatch(
        self,
        connection: Connection,
        capacity: Mapping[Line, LineCapacity],
        now: float,
        held_back: Set[int] = frozenset(),
    ) -> list[Message]:
        """Start what fits on every line. Returns the messages to publish after the commit.

        Nothing of the batches in `held_back` is started.
        """
        self.moved_aside = 0
        messages = []
        for line, room in sorted(capacity.items()):
            messages += self._fill(connection, line, room, now, held_back)
        return messages

    def _fill(
        self, connection: Connection, line: Line, room: LineCapacity, now: float, held_back: Set[int]
    ) -> list[Message]:
        """Round after round while tasks that cannot go anywhere now leave their turns to those behind."""
        placing = Placing(room, line, self._catalog.scheduling)
        messages: list[Message] = []
        passed: set[int] = set()
        for _ in range(_ROUNDS):
            most = min(self._catalog.scheduling.batch, max(_AT_ONCE, 2 * placing.free))
            wanted = min(placing.wanted, most)
            turns = self._lanes(connection, line, wanted, passed)
            if not turns:
                break
            tiers = self._tiers(connection, line)
            done = self._place(connection, placing, turns, choose(tiers, turns, wanted), held_back)
            self._park(connection, done.parked, now)
            self._set_aside(connection, done.aside)
            self._charge(connection, line, tiers, turns, done.placed, now)
            messages += self._publish(connection, line, done.placed, now)
            if not done.again and len(done.placed) < wanted:
                break
            passed |= done.passed
        return messages

    def _lanes(self, connection: Connection, line: Line, wanted: int, passed: Set[int]) -> list[LaneTurn]:
        """The candidates: each tier's first lanes by virtual time, and when it is due by waiting."""
        if wanted <= 0:
            return []
        where = {"of_pool": line[0], "of_resource": line[1]}
        count = wanted + len(passed)
        found = {
            r.id: LaneTurn(r.id, r.tier, r.vtime, r.room, r.ready)
            for r in connection.execute(self._by_vtime, where | {"count": count})
            if r.id not in passed
        }
        if found and self._is_ageing_turn(line):
            for r in connection.execute(self._by_waiting, where | {"count": 1}):
                if r.id not in passed:
                    found[r.id] = LaneTurn(r.id, r.tier, AGED, r.room, r.ready)
        return list(found.values())

    def _is_ageing_turn(self, line: Line) -> bool:
        return self._unaged.get(line, 0) >= self._catalog.scheduling.ageing_every - 1

    def _tiers(self, connection: Connection, line: Line) -> dict[str, TierTurn]:
        rows = connection.execute(_TIERS, {"of_pool": line[0], "of_resource": line[1]})
        return {
            r.tier: TierTurn(r.tier, self._catalog.tiers[r.tier].weight, r.vtime)
            for r in rows
            if r.tier in self._catalog.tiers  # else an operator took it out of tiers.toml
        }

    def _place(
        self,
        connection: Connection,
        placing: Placing,
        turns: Sequence[LaneTurn],
        order: Sequence[int],
        held_back: Set[int],
    ) -> _Round:
        """Give each turn's lane its next task a queue, in the order of the turns."""
        tier_of = {turn.id: self._catalog.tiers[turn.tier] for turn in turns}
        heads, count = dict[int, Iterator[AnyRow]](), Counter(order)
        done = _Round()
        for lane_id in order:
            if lane_id not in heads:  # not before its turn: a full line asks for one lane's, not for all
                heads[lane_id] = _heads(connection, lane_id, count[lane_id])
            task = next(heads[lane_id], None)
            if task is None:
                done.passed.add(lane_id)
                continue
            if task.batch_id in held_back:
                done.aside.add((lane_id, task.batch_id))
                continue
            match placing.place(task.requires, task.estimated_s):
                case Nowhere.NOBODY:
                    done.parked[lane_id, repr(task.requires)] = task.requires
                case Nowhere.BUSY:
                    done.passed.add(lane_id)
                case Nowhere.FULL:
                    done.full = True
                    break
                case str(queue):
                    done.placed.append(_Placed(task, queue, tier_of[lane_id].order))
        return done

    def _park(self, connection: Connection, parked: Mapping[tuple[int, str], Requires], now: float) -> None:
        """Set aside all that wait in a lane for a worker that is not there: they must not block it."""
        if not parked:
            return
        times = {"soon": now + _PARK_S, "late": now + _PARK_OLD_S, "old": now - _OLD_S}
        changes = LaneChanges()
        for (lane_id, _), requires in parked.items():
            done = connection.execute(_PARK, times | {"of_lane": lane_id, "what": requires})
            changes.at(lane_id).ready -= done.rowcount
        changes.write(connection)

    def _set_aside(self, connection: Connection, batches: Set[tuple[int, int]]) -> None:
        """Take what a held back batch has in a lane out of it, until schedulers.batches brings it back."""
        if not batches:
            return
        changes = LaneChanges()
        for lane_id, batch_id in sorted(batches):
            done = connection.execute(_SET_ASIDE, {"of_lane": lane_id, "of_batch": batch_id})
            changes.at(lane_id).ready -= done.rowcount
            self.moved_aside += done.rowcount
        changes.write(connection)

    def _charge(
        self,
        connection: Connection,
        line: Line,
        tiers: Mapping[str, TierTurn],
        turns: Sequence[LaneTurn],
        placed: Sequence[_Placed],
        now: float,
    ) -> None:
        """Move the lanes' counters, and the virtual time of lanes and tiers by estimated seconds."""
        if not placed:
            return
        vtime_of = {turn.id: turn.vtime for turn in turns}
        tier_of = {turn.id: turn.tier for turn in turns}
        ageing = self._is_ageing_turn(line)
        self._unaged[line] = 0 if ageing else self._unaged.get(line, 0) + len(placed)
        changes, served, reached = LaneChanges(), dict[str, float](), dict[str, float]()
        for item in placed:
            lane_id, seconds = item.task.lane_id, item.task.estimated_s
            change = changes.at(lane_id)
            change.ready -= 1
            change.busy += 1
            change.vtime += seconds
            tier = tier_of[lane_id]
            served[tier] = served.get(tier, 0.0) + seconds
            reached[tier] = max(reached.get(tier, 0.0), vtime_of[lane_id])  # AGED never counts
        changes.write(connection)
        served_lanes = sorted({item.task.lane_id for item in placed})
        connection.execute(_SERVED, {"ids": served_lanes, "now": now})
        after = charge(tiers, served)
        connection.execute(
            _TIER_AFTER,
            [
                {
                    "of_pool": line[0],
                    "of_resource": line[1],
                    "of_tier": tier,
                    "vtime_to": vtime,
                    "lane_vtime_to": reached.get(tier, 0.0),
                }
                for tier, vtime in sorted(after.items())
            ],
        )

    def _publish(
        self, connection: Connection, line: Line, placed: Sequence[_Placed], now: float
    ) -> list[Message]:
        if not placed:
            return []
        connection.execute(_DISPATCHED, {"ids": [item.task.id for item in placed]})
        lease_at = now + self._catalog.scheduling.publish_lease_s
        rows = [
            {
                "task_id": item.task.id,
                "job_seq": item.task.job_seq,
                "lane_id": item.task.lane_id,
                "pool": line[0],
                "resource": line[1],
                "queue": item.queue,
                "order": item.order,
                "token": self._ids.token(),
                "state": AttemptState.PUBLISHED,
                "estimated_s": item.task.estimated_s,
                "published_at": now,
                "lease_at": lease_at,
            }
            for item in placed
        ]
        ids = connection.scalars(_NEW_ATTEMPTS, rows).all()
        return [
            Message(
                attempt_id,
                row["token"],
                item.queue,
                item.order,
                item.task.requires["kind"],
                about(item.task.job_id, item.task.account, item.task.tier),
            )
            for attempt_id, row, item in zip(ids, rows, placed, strict=True)
        ]


def _each_tier(tiers: Iterable[str], lanes_of_tier: Select[Any]) -> CompoundSelect[Any]:
    """One statement for all tiers: asked one by one they are most of an idle turn."""
    parts = [
        select(lanes_of_tier.where(lanes.c.tier == tier).subquery(f"tier_{number}"))
        for number, tier in enumerate(tiers)
    ]
    return union_all(*parts)


_OPEN = (
    select(lanes.c.id, lanes.c.tier, lanes.c.vtime, (lanes.c.cap - lanes.c.busy).label("room"), lanes.c.ready)
    .where(lanes.c.pool == bindparam("of_pool"), lanes.c.resource == bindparam("of_resource"))
    .where(OPEN)
    .limit(bindparam("count"))
)
_BY_VTIME = _OPEN.order_by(lanes.c.vtime, lanes.c.id)
_BY_WAITING = _OPEN.order_by(lanes.c.served_at, lanes.c.id)
_TIERS = select(tiers.c.tier, tiers.c.vtime).where(
    tiers.c.pool == bindparam("of_pool"), tiers.c.resource == bindparam("of_resource")
)
_HEADS = (
    select(
        tasks.c.id,
        tasks.c.job_seq,
        tasks.c.lane_id,
        tasks.c.batch_id,
        tasks.c.pool,
        tasks.c.estimated_s,
        tasks.c.requires,
        jobs.c.id.label("job_id"),
        accounts.c.name.label("account"),
        accounts.c.tier,
    )
    .join_from(tasks, jobs, jobs.c.seq == tasks.c.job_seq)
    .join(accounts, accounts.c.id == jobs.c.account_id)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY)
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(bindparam("count"))
)
_ALIKE = (
    select(tasks.c.id)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY)
    .where(tasks.c.requires == bindparam("what", type_=tasks.c.requires.type))
    .limit(_PARK_AT_ONCE)
)
_PARK = (
    update(tasks)
    .where(tasks.c.id.in_(_ALIKE))
    .values(
        state=TaskState.WAITING,
        due_at=case((tasks.c.created_at < bindparam("old"), bindparam("late")), else_=bindparam("soon")),
    )
)
_OF_BATCH = (
    select(tasks.c.id)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY)
    .where(tasks.c.batch_id == bindparam("of_batch"))
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(_ASIDE_AT_ONCE)
)
_SET_ASIDE = update(tasks).where(tasks.c.id.in_(_OF_BATCH)).values(state=TaskState.WAITING, due_at=None)
_SERVED = (
    update(lanes).where(lanes.c.id.in_(bindparam("ids", expanding=True))).values(served_at=bindparam("now"))
)
_DISPATCHED = (
    update(tasks)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=TaskState.DISPATCHED, attempts=tasks.c.attempts + 1)
)
_NEW_ATTEMPTS = insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True)
_TIER_AFTER = (
    update(tiers)
    .where(tiers.c.pool == bindparam("of_pool"), tiers.c.resource == bindparam("of_resource"))
    .where(tiers.c.tier == bindparam("of_tier"))
    .values(
        vtime=bindparam("vtime_to"),
        # Never back: a lane that joins later starts where the served ones are.
        lane_vtime=case(
            (tiers.c.lane_vtime < bindparam("lane_vtime_to"), bindparam("lane_vtime_to")),
            else_=tiers.c.lane_vtime,
        ),
    )
)


def _heads(connection: Connection, lane_id: int, count: int) -> Iterator[AnyRow]:
    """The lane's first ready tasks."""
    return iter(connection.execute(_HEADS, {"of_lane": lane_id, "count": count}).all())
