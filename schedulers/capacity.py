"""What the workers that are online could take now, by pool and resource. Reads; decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from farm.states import AttemptState, WorkerState
from farm.store.schema import LIVE, attempts, workers

Line = tuple[str, str]  # (pool, resource)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that takes new work."""

    name: str
    queue: str
    slots: Mapping[str, int]
    kinds: frozenset[str]
    labels: Mapping[str, str]
    models: frozenset[str] = frozenset()

    def can_run(self, requires: Mapping[str, str]) -> bool:
        """Whether it announces everything the task requires."""
        return requires["kind"] in self.kinds and all(
            self.labels.get(name) == value for name, value in requires.items() if name != "kind"
        )


@dataclass(slots=True)
class LineCapacity:
    """One (pool, resource): its workers, how many tasks they hold, and how much waits published.

    `long` counts those of them that may hold no slot kept for interactive work. `shared`: the pool's queue
    may be used, because whoever takes from it has slots of this resource alone.
    """

    workers: list[Worker] = field(default_factory=list)
    slots: int = 0
    live: int = 0
    long: int = 0
    running: int = 0
    published_s: float = 0.0
    taken: dict[str, int] = field(default_factory=dict)
    shared: bool = True

    @property
    def free(self) -> int:
        return max(0, self.slots - self.live)

    def can_run(self, requires: Mapping[str, str]) -> bool:
        """Whether any of its workers announces everything that is required."""
        return any(worker.can_run(requires) for worker in self.workers)

    def free_of(self, worker: Worker, resource: str) -> int:
        return worker.slots.get(resource, 0) - self.taken.get(worker.name, 0)


def read_capacity(connection: Connection, seen_since: float) -> dict[Line, LineCapacity]:
    """Capacity of every line with an online worker."""
    found: dict[Line, LineCapacity] = {}
    by_queue: dict[str, str] = {}
    resources: dict[str, set[str]] = {}
    for pool, worker in _online(connection, seen_since):
        by_queue[worker.queue] = worker.name
        for resource, count in worker.slots.items():
            if count <= 0:
                continue
            line = found.setdefault((pool, resource), LineCapacity())
            line.workers.append(worker)
            line.slots += count
            resources.setdefault(pool, set()).add(resource)
    for (pool, _), line in found.items():
        line.shared = len(resources[pool]) == 1
    for row in connection.execute(_LIVE):
        line = found.get((row.pool, row.resource), LineCapacity())
        line.live += row.number
        line.long += 0 if row.brief else row.number
        if row.state == AttemptState.PUBLISHED:
            line.published_s += row.estimated_s
        else:
            line.running += row.number
        holder = row.worker or by_queue.get(row.queue)
        if holder is not None:
            line.taken[holder] = line.taken.get(holder, 0) + row.number
    return found


_LIVE = (
    select(
        attempts.c.pool,
        attempts.c.resource,
        attempts.c.state,
        attempts.c.queue,
        attempts.c.worker,
        attempts.c.brief,
        func.count().label("number"),
        func.sum(attempts.c.estimated_s).label("estimated_s"),
    )
    .where(LIVE)
    .group_by(
        attempts.c.pool,
        attempts.c.resource,
        attempts.c.state,
        attempts.c.queue,
        attempts.c.worker,
        attempts.c.brief,
    )
)


_ONLINE = (
    select(
        workers.c.name,
        workers.c.pool,
        workers.c.queue,
        workers.c.slots,
        workers.c.kinds,
        workers.c.labels,
        workers.c.models,
    )
    .where(workers.c.state == WorkerState.ONLINE, workers.c.kept_out.is_(None))
    .where(workers.c.seen_at >= bindparam("since"))
    .order_by(workers.c.name)
)


def _online(connection: Connection, seen_since: float) -> Sequence[tuple[str, Worker]]:
    return [(row.pool, _worker(row)) for row in connection.execute(_ONLINE, {"since": seen_since})]


def _worker(row: Any) -> Worker:
    return Worker(row.name, row.queue, row.slots, frozenset(row.kinds), row.labels, frozenset(row.models))
