"""Dispatch, just in time: fills free slots and a look-ahead bounded by time, fairly, from the SQL backlog.

So priority, fairness, cancel and budgets are decided when a slot opens, however long the backlog is.
Writes attempts and lanes inside the scheduler's transaction; what it returns is published after commit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from statistics import fmean
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, bindparam, case, select, update

from farm.broker.message import Message, about
from farm.doors.hall import Hall
from farm.states import AttemptState, TaskState
from farm.store.bulk import Change, UpdateMany, Write, change_and_insert, given_rows
from farm.store.schema import attempts, tasks, tiers
from schedulers.backlog import ANY_SORT, Backlog, OpenSort, TierRow, Turn, survey
from schedulers.capacity import Line, LineCapacity
from schedulers.failover.turnstile import Turnstile
from schedulers.fairness import TierTurn, charge, choose
from schedulers.filling import Filling, Placed
from schedulers.job_limit import step_aside
from schedulers.lanes import CHANGE, LaneChanges
from schedulers.placing import Placing

_ROUNDS = 8
_AT_FIRST, _TO_SPARE = 32, 4  # turns looked at
_ASIDE_AT_ONCE = 2000  # in each round: the farm stands still meanwhile


class Dispatcher:
    """Keeps only counts of turns, for ageing and for warm models; everything else is read from the store.

    `moved_aside` is how many tasks the last dispatch took out of their lanes: of held back batches, or for
    their providers' sake.
    """

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._catalog = hall.catalog
        self._ids = hall.ids
        self._backlog = Backlog(hall.catalog.tiers)
        self._unaged = Counter[tuple[Line, str]]()
        self._jumps: Counter[str] = Counter()
        self.moved_aside = 0

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
        messages: list[Message] = []
        placings = {line: self._placing(line, room) for line, room in sorted(capacity.items())}
        takers = [(line, placing) for line, placing in placings.items() if placing.wanted > 0]
        if not takers:
            return messages
        seen = survey(connection)
        turnstile = Turnstile(self._hall, connection, capacity, now)
        for line, placing in takers:
            sorts = [sort for sort in seen.sorts if sort.line in (line, None) and _fits(sort, placing)]
            if sorts:
                filling = Filling(connection, placing, self._catalog, held_back, self._jumps, turnstile, now)
                tiers = self._tiers(seen.tiers.get(line, {}))
                messages += self._fill(connection, line, filling, sorts, tiers, turnstile, now)
        return messages

    def _placing(self, line: Line, room: LineCapacity) -> Placing:
        pool = self._catalog.pools.get(line[0])
        reserved = pool.reserved(room.slots) if pool is not None else 0
        return Placing(room, line, self._catalog.scheduling, reserved)

    def _fill(
        self,
        connection: Connection,
        line: Line,
        filling: Filling,
        sorts: Sequence[OpenSort],
        tiers: Mapping[str, TierTurn],
        turnstile: Turnstile,
        now: float,
    ) -> list[Message]:
        """Round after round while tasks that cannot go anywhere now leave their turns to those behind."""
        messages: list[Message] = []
        for _ in range(_ROUNDS + len(sorts)):
            left = [sort for sort in sorts if sort.id not in filling.closed]
            if not left or filling.placing.wanted <= 0:
                break
            wanted = self._wanted(filling.placing, tiers)
            turns = self._turns(connection, line, filling, left, wanted)
            if not turns:
                break
            done = filling.round(turns, choose(tiers, [turn.fair for turn in turns.values()], wanted))
            if done.placed:
                costs, tiers = self._charged(line, tiers, turns, done.placed, now)
                messages += self._publish(connection, line, done.placed, turnstile, costs, now)
            # Only now, so that nothing steps aside that has just been placed. What moves does so first, for
            # its job may have to step aside from there.
            self.moved_aside += turnstile.write()
            step_aside(connection, done.limited)
            self._set_aside(connection, done.aside)
            if not done.again and len(done.placed) < wanted:
                break
        return messages

    def _wanted(self, placing: Placing, tiers: Mapping[str, TierTurn]) -> int:
        """How many turns to look at in a round: what is likely to fill the line, and some to spare."""
        known_s = [tier.typical_s for tier in tiers.values() if tier.typical_s > 0]
        likely = placing.likely(fmean(known_s)) + _TO_SPARE if known_s else _AT_FIRST
        return min(placing.wanted, likely, self._catalog.scheduling.batch)

    def _turns(
        self,
        connection: Connection,
        line: Line,
        filling: Filling,
        left: Sequence[OpenSort],
        wanted: int,
    ) -> dict[int, Turn]:
        aged = {tier for tier in self._catalog.tiers if self._is_ageing_turn(line, tier)}
        return self._backlog.turns(connection, line, left, wanted, filling.passed, aged=aged)

    def _is_ageing_turn(self, line: Line, tier: str) -> bool:
        """Each tier counts its own turns: those of the line may fall due whenever it is another's."""
        return self._unaged[line, tier] >= self._catalog.scheduling.ageing_every - 1

    def _tiers(self, rows: Mapping[str, TierRow]) -> dict[str, TierTurn]:
        """How the configs' tiers stand on a line, also those that no task of the line was ever of."""
        floor = max((row.floor for row in rows.values()), default=0.0)
        typical_s = max((row.typical_s for row in rows.values()), default=0.0)
        new = TierRow()
        found = {name: rows.get(name, new) for name in self._catalog.tiers}
        return {
            name: self._tier(name, row.vtime, floor, row.typical_s or typical_s)
            for name, row in found.items()
        }

    def _tier(self, name: str, vtime: float, floor: float, typical_s: float) -> TierTurn:
        rules, weight = self._catalog.scheduling, self._catalog.tiers[name].weight
        burst_s = min(rules.burst_turns * typical_s, rules.burst_s)
        return TierTurn(name, weight, vtime, floor, burst_s / weight, typical_s)

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

    def _charged(
        self,
        line: Line,
        tiers: Mapping[str, TierTurn],
        turns: Mapping[int, Turn],
        placed: Sequence[Placed],
        now: float,
    ) -> tuple[list[Change], dict[str, TierTurn]]:
        """What moves the lanes' counters, and the virtual time of lanes and tiers by estimated seconds.

        And how the tiers stand after that. Those that were not served need not be told of the floor, which is
        the highest that any of them knows.
        """
        changes, served, reached = LaneChanges(), dict[str, list[float]](), dict[str, float]()
        for item in placed:
            seconds, fair = item.task.estimated_s, turns[item.task.account_id].fair
            change = changes.at(item.task.lane_id)
            change.ready -= 1
            change.busy += 1
            change.vtime += seconds
            change.served_at = now
            served.setdefault(fair.tier, []).append(seconds)
            reached[fair.tier] = max(reached.get(fair.tier, 0.0), fair.vtime)  # AGED never counts
        for name, each_s in served.items():
            ageing = self._is_ageing_turn(line, name)
            self._unaged[line, name] = 0 if ageing else self._unaged[line, name] + len(each_s)
        after = {
            name: self._tier(name, tier.vtime, tier.floor, tier.typical_s)
            for name, tier in charge(tiers, served).items()
        }
        rows = [
            {
                "of_pool": line[0],
                "of_resource": line[1],
                "of_tier": name,
                "vtime_to": after[name].vtime,
                "floor_to": after[name].floor,
                "typical_to": after[name].typical_s,
                "lane_vtime_to": reached.get(name, 0.0),
            }
            for name in sorted(served)
        ]
        return [(CHANGE, changes.shared()), (_TIERS_AFTER, rows)], after

    def _publish(
        self,
        connection: Connection,
        line: Line,
        placed: Sequence[Placed],
        turnstile: Turnstile,
        costs: Sequence[Change],
        now: float,
    ) -> list[Message]:
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
                "brief": item.brief,
                "published_at": now,
                "lease_at": lease_at,
                **turnstile.columns(item.task),
            }
            for item in placed
        ]
        dispatched = [{"key": item.task.id} for item in placed]
        ids = change_and_insert(connection, [*costs, (_DISPATCHED, dispatched)], attempts, rows)
        return [
            Message(
                attempt_id,
                row["token"],
                item.queue,
                item.order,
                item.task.requires["kind"],
                about(item.task.job_id, item.task.account, item.task.tier),
                # What a provider does may take long: it waits behind nothing that its worker has taken.
                item.task.estimated_s if item.ahead and item.task.choice is None else None,
            )
            for attempt_id, row, item in zip(ids, rows, placed, strict=True)
        ]


def _fits(sort: OpenSort, placing: Placing) -> bool:
    """Whether anybody can run tasks of this sort at all."""
    return sort.id == ANY_SORT or bool(placing.able(sort.requires))


_OF_BATCH = (
    select(tasks.c.id)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY)
    .where(tasks.c.batch_id == bindparam("of_batch"))
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(_ASIDE_AT_ONCE)
)
_SET_ASIDE = update(tasks).where(tasks.c.id.in_(_OF_BATCH)).values(state=TaskState.WAITING, due_at=None)
_DISPATCHED = UpdateMany(
    tasks.c.id, {}, lambda _: {"state": TaskState.DISPATCHED, "attempts": tasks.c.attempts + 1}, "dispatched"
)


def _tier_after(given: Mapping[str, ColumnElement[Any]]) -> Update:
    return (
        update(tiers)
        .where(tiers.c.pool == given["of_pool"], tiers.c.resource == given["of_resource"])
        .where(tiers.c.tier == given["of_tier"])
        .values(
            vtime=given["vtime_to"],
            floor=given["floor_to"],
            typical_s=given["typical_to"],
            # Never back: a lane that joins later starts where the served ones are.
            lane_vtime=case(
                (tiers.c.lane_vtime < given["lane_vtime_to"], given["lane_vtime_to"]),
                else_=tiers.c.lane_vtime,
            ),
        )
    )


_OF_TIER = {
    "of_pool": tiers.c.pool,
    "of_resource": tiers.c.resource,
    "of_tier": tiers.c.tier,
    "vtime_to": tiers.c.vtime,
    "floor_to": tiers.c.floor,
    "typical_to": tiers.c.typical_s,
    "lane_vtime_to": tiers.c.lane_vtime,
}
_TIERS_AFTER = Write(
    _tier_after({name: bindparam(name) for name in _OF_TIER}),
    _tier_after(dict(given_rows(_OF_TIER, "tiers_given").c.items())),
    "tiers_given",
)
