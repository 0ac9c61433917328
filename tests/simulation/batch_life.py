"""A batch's life in the world: rows sent again after crashes, paused, limited, cancelled, retried."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from farm.account import Caller
from farm.batch import NewBatch
from farm.doors import batch_retry, batch_rows, batches
from farm.doors.batch_rows import NewRow
from farm.doors.hall import Hall
from farm.doors.submit import order
from farm.errors import Conflict
from farm.job import JobSpec
from farm.store.engine import StoreAway
from tasks.probe import Probe

# name, needs: a diamond, a chain and some that stand alone
ROWS = (("a", ()), ("b", ("a",)), ("c", ("a",)), ("d", ("b", "c")), ("e", ()), ("f", ("e",)), ("g", ()))


class Stage(Protocol):
    """What a batch's life needs of the world."""

    hall: Hall
    random: Any
    hits: Any

    def at(self, delay: float, event: Callable[..., None], *arguments: Any) -> None: ...
    def wake(self) -> None: ...
    def crashing(self, who: str, call: Callable[[], Any]) -> Any: ...


class BatchLife:
    """One batch of one customer, from its first row to its last retry."""

    def __init__(self, world: Stage, caller: Caller) -> None:
        self._world = world
        self._caller = caller
        limit = world.random.choice((None, 1, 2))
        made = batches.create(world.hall, caller, NewBatch(max_running=limit))
        self.id = made.id
        world.at(world.random.random() * 20, self.send)
        for event in (self.pause, self.limit, self.cancel):
            world.at(world.random.random() * 60, event)
        world.at(30 + world.random.random() * 50, self.retry)

    def send(self) -> None:
        """Send all rows, some at a time; after a crash all of them again."""
        rows = [self._row(name, needs) for name, needs in ROWS]
        for start in range(0, len(rows), 2):
            part = rows[start : start + 2]
            if not self._world.crashing("rows", partial(self._take, part)):
                self._world.hits["rows_again"] += 1
                self._world.at(2.0, self.send)
                return
        batches.close(self._world.hall, None, self.id)
        self._world.wake()

    def pause(self) -> None:
        self._steer("pause", lambda: batches.pause(self._world.hall, None, self.id))
        self._world.at(self._world.random.random() * 20, self.resume)

    def resume(self) -> None:
        self._steer("resume", lambda: batches.resume(self._world.hall, None, self.id))

    def limit(self) -> None:
        number = self._world.random.choice((None, 1, 3))
        self._steer("limit", lambda: batches.set_max_running(self._world.hall, None, self.id, number))

    def cancel(self) -> None:
        if self._world.random.random() < 0.2:
            self._steer("batch_cancel", lambda: batches.cancel(self._world.hall, None, self.id))

    def retry(self) -> None:
        self._steer(
            "retry_failed",
            lambda: batch_retry.retry_failed(self._world.hall, self._caller, self.id, limit=100),
        )

    def problems(self) -> list[str]:
        """Rows lost or doubled, when they were all sent."""
        found = batches.batch(self._world.hall, None, self.id)
        if found.closed_at is None or found.state == "cancelled":
            return []
        return [] if found.counts.total == len(ROWS) else [f"batch {self.id} has {found.counts}"]

    def _take(self, rows: list[NewRow]) -> bool:
        try:
            batch_rows.take(self._world.hall, self._caller, self.id, rows)
        except Conflict:  # cancelled meanwhile
            self._world.hits["late_rows"] += 1
        return True

    def _steer(self, what: str, wish: Callable[[], object]) -> None:
        self._world.hits[what] += 1
        with suppress(Conflict, StoreAway):
            wish()
        self._world.wake()

    def _row(self, name: str, needs: tuple[str, ...]) -> NewRow:
        spec = JobSpec(params=Probe(price_mc=50, estimated_s=1.0))
        return NewRow(1, name, name, order(self._world.hall, spec), needs)
