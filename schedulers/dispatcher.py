"""Dispatch, just in time: fills free slots and a look-ahead bounded by time, fairly, from the SQL backlog.

So priority, fairness, cancel and budgets are decided when a slot opens, however long the backlog is.
Writes attempts and lanes inside the scheduler's transaction; what it returns is published after commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, insert, select, update

from farm.broker.message import Message
from farm.catalog import Catalog
from farm.ids import Ids
from farm.states import AttemptState, TaskState
from farm.store.rows import AnyRow
from farm.store.schema import attempts, lanes, tasks, tiers
from schedulers.capacity import Line, LineCapacity, Worker
from schedulers.fairness import AGED, LaneTurn, TierTurn, charge, choose
from schedulers.lanes import LaneChanges

_PARK_S = 2.0


@dataclass(frozen=True, slots=True)
class _Placed:
    task: AnyRow
    queue: str
    order: int


class Dispatcher:
    """Keeps only the count of turns, for ageing; everything else is read from the store."""

    def __init__(self, catalog: Catalog, ids: Ids) -> None:
        self._catalog = catalog
        self._ids = ids
        self._turn = 0

    def dispatch(
        self, connection: Connection, capacity: Mapping[Line, LineCapacity], now: float
    ) -> list[Message]:
        """Start what fits on every line. Returns the messages to publish after the commit."""
        messages = []
        for line, room in sorted(capacity.items()):
            messages += self._fill(connection, line, room, now)
        return messages

    def _fill(self, connection: Connection, line: Line, room: LineCapacity, now: float) -> list[Message]:
        wanted = room.free + self._ahead_limit(room)
        if wanted <= 0:
            return []
        turns = self._lanes(connection, line, wanted)
        if not turns:
            return []
        heads = _heads(connection, choose(self._tiers(connection, line), turns, wanted))
        placed, parked = self._place(heads, room, line[1], {turn.id: turn.tier for turn in turns})
        self._park(connection, parked, now)
        self._charge(connection, line, turns, placed, now)
        return self._publish(connection, line, placed, now)

    def _ahead_limit(self, room: LineCapacity) -> int:
        """How many tasks may wait published: none once the published ones fill the look-ahead."""
        rules = self._catalog.scheduling
        if room.published_s > rules.look_ahead_s * room.slots:
            return 0
        return rules.look_ahead_max * room.slots - max(0, room.live - room.slots)

    def _lanes(self, connection: Connection, line: Line, wanted: int) -> list[LaneTurn]:
        """The candidates: each tier's first lanes by virtual time, or by waiting on an ageing turn."""
        self._turn += 1
        aged = self._turn % self._catalog.scheduling.ageing_every == 0
        found: list[LaneTurn] = []
        for tier in self._catalog.tiers:
            where = {"of_pool": line[0], "of_resource": line[1], "of_tier": tier}
            rows = connection.execute(_BY_VTIME, where | {"count": wanted}).all()
            first = connection.execute(_BY_WAITING, where).first() if aged and rows else None
            if first is not None:
                found.append(LaneTurn(first.id, tier, AGED, first.room, first.ready))
            found += [
                LaneTurn(r.id, tier, r.vtime, r.room, r.ready)
                for r in rows
                if first is None or r.id != first.id
            ]
        return found

    def _tiers(self, connection: Connection, line: Line) -> dict[str, TierTurn]:
        rows = connection.execute(select(tiers).where(tiers.c.pool == line[0], tiers.c.resource == line[1]))
        return {r.tier: TierTurn(r.tier, self._catalog.tier(r.tier).weight, r.vtime) for r in rows}

    def _place(
        self, heads: Sequence[AnyRow], room: LineCapacity, resource: str, tier_of: Mapping[int, str]
    ) -> tuple[list[_Placed], list[AnyRow]]:
        """Pick a queue for each head. Parked: no online worker can run it, so it must not block its lane."""
        placed: list[_Placed] = []
        parked: list[AnyRow] = []
        free, ahead_s = room.free, room.published_s if room.free == 0 else 0.0
        allowed_s = self._catalog.scheduling.look_ahead_s * room.slots
        for task in heads:
            able = [worker for worker in room.workers if worker.can_run(task.requires)]
            if not able:
                parked.append(task)
                continue
            if free <= 0 and ahead_s + task.estimated_s > allowed_s:
                continue
            queue = _queue(able, room, resource, task.pool)
            if queue is None:
                continue
            ahead_s += task.estimated_s if free <= 0 else 0.0
            free -= 1
            placed.append(_Placed(task, queue, self._catalog.tier(tier_of[task.lane_id]).order))
        return placed, parked

    def _park(self, connection: Connection, parked: Sequence[AnyRow], now: float) -> None:
        if not parked:
            return
        connection.execute(
            update(tasks)
            .where(tasks.c.id.in_([task.id for task in parked]))
            .values(state=TaskState.WAITING, due_at=now + _PARK_S)
        )
        changes = LaneChanges()
        for task in parked:
            changes.at(task.lane_id).ready -= 1
        changes.write(connection)

    def _charge(
        self,
        connection: Connection,
        line: Line,
        turns: Sequence[LaneTurn],
        placed: Sequence[_Placed],
        now: float,
    ) -> None:
        """Move the lanes' counters, and the virtual time of lanes and tiers by estimated seconds."""
        if not placed:
            return
        vtime_of = {turn.id: turn.vtime for turn in turns}
        tier_of = {turn.id: turn.tier for turn in turns}
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
        connection.execute(update(lanes).where(lanes.c.id.in_(served_lanes)).values(served_at=now))
        after = charge(self._tiers(connection, line), served)
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
        connection.execute(
            update(tasks)
            .where(tasks.c.id.in_([item.task.id for item in placed]))
            .values(state=TaskState.DISPATCHED, attempts=tasks.c.attempts + 1)
        )
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
        ids = connection.scalars(
            insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True), rows
        ).all()
        return [
            Message(attempt_id, row["token"], item.queue, item.order, item.task.requires["kind"])
            for attempt_id, row, item in zip(ids, rows, placed, strict=True)
        ]


def _queue(able: Sequence[Worker], room: LineCapacity, resource: str, pool: str) -> str | None:
    """The pool's queue when any worker may take it, else the own queue of an able one with a free slot."""
    if len(able) == len(room.workers):
        return pool
    best = max(able, key=lambda worker: (room.free_of(worker, resource), worker.name))
    if room.free_of(best, resource) <= 0:
        return None
    room.taken[best.name] = room.taken.get(best.name, 0) + 1
    return best.queue


_OPEN = (
    select(lanes.c.id, lanes.c.vtime, (lanes.c.cap - lanes.c.busy).label("room"), lanes.c.ready)
    .where(lanes.c.pool == bindparam("of_pool"), lanes.c.resource == bindparam("of_resource"))
    .where(lanes.c.tier == bindparam("of_tier"), lanes.c.open)
)
_BY_VTIME = _OPEN.order_by(lanes.c.vtime, lanes.c.id).limit(bindparam("count"))
_BY_WAITING = _OPEN.order_by(lanes.c.served_at, lanes.c.id).limit(1)
_HEADS = (
    select(tasks.c.id, tasks.c.job_seq, tasks.c.lane_id, tasks.c.pool, tasks.c.estimated_s, tasks.c.requires)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY.value)
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(bindparam("count"))
)
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


def _heads(connection: Connection, turns: Mapping[int, int]) -> list[AnyRow]:
    """The chosen lanes' first ready tasks, lane by lane in the chosen order."""
    found: list[AnyRow] = []
    for lane_id, count in turns.items():
        found += connection.execute(_HEADS, {"of_lane": lane_id, "count": count}).all()
    return found
