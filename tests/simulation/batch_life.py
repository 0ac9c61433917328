"""A batch's life in the world: rows sent again after crashes, paused, limited, cancelled, retried."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from farm.account import Caller
from farm.batch import NewBatch
from farm.doors import batch_retry, batch_rows, batches
from farm.doors.batch_rows import NewRow
from farm.doors.submit import order
from farm.errors import Conflict
from farm.job import JobSpec
from tasks.probe import Probe

if TYPE_CHECKING:
    from tests.simulation.world import World

# name, needs: a diamond, a chain and one that stands alone
ROWS = (("a", ()), ("b", ("a",)), ("c", ("a",)), ("d", ("b", "c")), ("e", ()), ("f", ("e",)))


class BatchLife:
    """One batch of one customer, from its first row to its last retry."""

    def __init__(self, world: "World", caller: Caller) -> None:
        self._world = world
        self._caller = caller
        chance = world.random
        limit = chance.choice((None, 1, 2))
        url = "https://example.com/batch" if chance.random() < 0.5 else None
        self.id = batches.create(world.hall, caller, NewBatch(max_running=limit, webhook_url=url)).id
        world.at(world.up_to(8), self._send)
        for event in (self._pause, self._limit, self._cancel):
            world.at(world.up_to(25), event)
        world.at(15 + world.up_to(20), self._retry)

    def problems(self) -> list[str]:
        """Rows lost or doubled, when they were all sent."""
        found = batches.batch(self._world.hall, None, self.id)
        if found.closed_at is None or found.state == "cancelled":
            return []
        return [] if found.counts.total == len(ROWS) else [f"batch {self.id} has {found.counts}"]

    def _send(self) -> None:
        """Send all rows, some at a time; after a crash all of them again."""
        world = self._world
        rows = [self._row(name, needs) for name, needs in ROWS]
        for start in range(0, len(rows), 3):
            part = rows[start : start + 3]
            if not world.customers.calling("rows", partial(self._take, part)):
                world.hits["rows_again"] += 1
                world.at(2.0, self._send)
                return
        if world.customers.calling("steer", lambda: batches.close(world.hall, None, self.id)) is None:
            world.at(2.0, self._send)

    def _pause(self) -> None:
        self._steer("batch_paused", lambda: batches.pause(self._world.hall, None, self.id))
        self._world.at(self._world.up_to(10), self._resume)

    def _resume(self) -> None:
        done = self._steer("batch_resumed", lambda: batches.resume(self._world.hall, None, self.id))
        if not done:
            self._world.at(2.0, self._resume)

    def _limit(self) -> None:
        number = self._world.random.choice((None, 1, 3))
        limit = partial(batches.set_max_running, self._world.hall, None, self.id, number)
        self._steer("batch_limited", limit)

    def _cancel(self) -> None:
        if self._world.random.random() < 0.2:
            self._steer("batch_cancelled", lambda: batches.cancel(self._world.hall, None, self.id))

    def _retry(self) -> None:
        retry = partial(batch_retry.retry_failed, self._world.hall, self._caller, self.id, limit=100)
        self._steer("batch_retried", retry)

    def _take(self, rows: list[NewRow]) -> bool:
        try:
            batch_rows.take(self._world.hall, self._caller, self.id, rows)
        except Conflict:  # cancelled meanwhile
            self._world.hits["rows_too_late"] += 1
        return True

    def _steer(self, what: str, wish: Callable[[], object]) -> bool:
        """False: the API died over it, and nobody knows whether it was done."""
        self._world.hits[what] += 1
        with suppress(Conflict):
            return self._world.customers.calling("steer", wish) is not None
        return True

    def _row(self, name: str, needs: tuple[str, ...]) -> NewRow:
        spec = JobSpec(params=Probe(price_mc=50, estimated_s=1.0))
        return NewRow(1, name, name, order(self._world.hall, spec), needs)
