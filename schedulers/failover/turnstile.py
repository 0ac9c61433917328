"""Lets tasks through to their providers when their turn has come; moves or parks those that may not pass.

The dispatcher asks it about every task that needs a provider, once, before it looks for a worker.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from farm.choices import NOBODY, Choice, Decision, Reason, Routing
from farm.doors.hall import Hall
from farm.providers import Candidate, Route
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts
from schedulers.capacity import Line, LineCapacity
from schedulers.failover.board import Board
from schedulers.failover.choosing import Full, Go, Move, Park, View, at_turn, is_forsaken
from schedulers.failover.moving import Mover, Parked, move, moved, park
from schedulers.failover.views import views_of
from schedulers.failover.weighing import is_open, weigh
from schedulers.lanes import LaneChanges

_NOTHING: Mapping[str, Any] = {"provider": None, "model": None, "provider_ref": None, "decision": None}


class Passage(Enum):
    """What a task may do."""

    GO = auto()
    ASIDE = auto()  # it leaves its lane: to another provider, or until one may be asked
    FULL = auto()  # its provider runs as much as it may


class Turnstile:
    """For one dispatch. What it decides is written by `write`; what it let through is counted by `placed`."""

    def __init__(
        self, hall: Hall, connection: Connection, capacity: Mapping[Line, LineCapacity], now: float
    ) -> None:
        self._hall = hall
        self._book = hall.catalog.providers
        self._connection = connection
        self._capacity = capacity
        self._now = now
        self._board = Board(connection, self._book.failover, now)
        self._movers: list[tuple[int, Mover]] = []
        self._parked: dict[str, Parked] = {}
        self._probing: set[int] = set()
        self._promised: dict[int, str] = {}
        self._weighed: dict[int, Routing] = {}

    def look(self, task: AnyRow) -> Passage:
        """Whether the task may go to its provider now."""
        choice = Choice.model_validate(task.choice)
        waited_s = self._now - task.ready_at if task.ready_at is not None else 0.0
        views = self._views(task, choice)
        match at_turn(choice, views, waited_s, self._now, self._book.failover):
            case Go(probes=probes):
                if self._prefers(task, choice, views):
                    return Passage.ASIDE
                (self._probing.add if probes else self._probing.discard)(task.id)
                return Passage.GO
            case Full():
                return Passage.FULL
            case Move(to=to, why=why, skipped=skipped):
                self._move(task, moved(choice, to, why, skipped), to)
            case Park(until=until):
                of_whom = NOBODY if is_forsaken(choice, views) else choice.provider
                group = Parked(task.lane_id, of_whom, task.route, task.choice, until)
                self._parked[repr((task.lane_id, task.route, task.choice))] = group
        return Passage.ASIDE

    def placed(self, task: AnyRow) -> None:
        """The task goes: its provider runs one more, and the only probe is under way."""
        choice = Choice.model_validate(task.choice)
        if self._promised.pop(task.id, None) is None:
            self._count(choice.provider, 1)
        if task.id in self._probing:
            self._board.probe(choice.key, task.id)

    def columns(self, task: AnyRow) -> Mapping[str, Any]:
        """What its attempt must know of the provider; nothing where it needs none."""
        if task.choice is None:
            return _NOTHING
        choice = Choice.model_validate(task.choice)
        decision = Decision(
            why=choice.why,
            skipped=choice.skipped,
            purchase=choice.purchase,
            in_doubt=choice.in_doubt,
            resumes=choice.provider_ref is not None,
            probes=task.id in self._probing,
            routing=choice.routing or self._weighed.get(task.id),
        )
        return {
            "provider": choice.provider,
            "model": choice.model,
            "provider_ref": choice.provider_ref,
            "decision": decision.model_dump(mode="json"),
        }

    def write(self) -> int:
        """Move and park what stepped aside since the last call. Returns how many tasks."""
        self._board.write()
        if not self._movers and not self._parked:
            return 0
        changes = LaneChanges()
        for lane_id, _ in self._movers:
            changes.at(lane_id).ready -= 1
        changes.write(self._connection)
        move(self._hall, self._connection, [mover for _, mover in self._movers], self._now)
        done = len(self._movers) + park(self._connection, [*self._parked.values()])
        self._movers.clear()
        self._parked.clear()
        return done

    def _prefers(self, task: AnyRow, choice: Choice, views: Sequence[View]) -> bool:
        """Whether it asked for "auto", and another model is so much better that it goes there."""
        route = Route.model_validate(task.route)
        if not is_open(route, choice):
            return False
        routing, to = weigh(choice, views, self._book.qualities(route.capability), self._book.quality)
        self._weighed[task.id] = routing
        if to is not None:
            weighed = choice.model_copy(update={"routing": routing})
            self._move(task, moved(weighed, to, Reason.PREFERRED, ()), to)
        return to is not None

    def _move(self, task: AnyRow, after: Choice, to: Candidate) -> None:
        self._movers.append((task.lane_id, Mover.of(task, task.id, after, to)))
        self._promise(task.id, to)

    def _promise(self, task_id: int, to: Candidate) -> None:
        """It counts as running there already, or all that wait elsewhere would come for one free place.

        Where there is none it comes to wait for one.
        """
        if (before := self._promised.pop(task_id, None)) is not None:
            self._count(before, -1)
        if to.max_running is None or self._running.get(to.provider, 0) < to.max_running:
            self._promised[task_id] = to.provider
            self._count(to.provider, 1)

    def _count(self, provider: str, by: int) -> None:
        self._running[provider] = self._running.get(provider, 0) + by

    def _running_beside(self, task_id: int) -> dict[str, int]:
        """What runs at each provider, without the place that is promised to this task."""
        own = self._promised.get(task_id)
        return self._running if own is None else {**self._running, own: self._running[own] - 1}

    def _views(self, task: AnyRow, choice: Choice) -> list[View]:
        return views_of(
            self._book,
            self._board,
            task.id,
            Route.model_validate(task.route),
            choice,
            task.requires["kind"],
            self._capacity,
            self._running_beside(task.id),
        )

    @cached_property
    def _running(self) -> dict[str, int]:
        return {row.provider: row.number for row in self._connection.execute(_RUNNING)}


_RUNNING = (
    select(attempts.c.provider, func.count().label("number"))
    .where(LIVE, attempts.c.provider.is_not(None))
    .group_by(attempts.c.provider)
)
