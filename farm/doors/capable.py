"""Tells whether a worker that is online could run a task, and what they all lack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from farm.doors.hall import Hall
from farm.kinds import TaskSpec
from farm.states import WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import workers

_ONLINE = (
    select(workers.c.pool, workers.c.kinds, workers.c.labels, workers.c.slots)
    .where(workers.c.state == WorkerState.ONLINE, workers.c.kept_out.is_(None))
    .where(workers.c.seen_at >= bindparam("since"))
    .order_by(workers.c.name)
)


@dataclass(frozen=True, slots=True)
class Need:
    """Where a task would run, and what it requires there, its kind included."""

    pool: str
    resource: str
    requires: tuple[tuple[str, str], ...]


def online(hall: Hall, connection: Connection) -> Sequence[AnyRow]:
    """The workers that take new work."""
    since = hall.clock.now() - hall.catalog.scheduling.worker_gone_s
    return connection.execute(_ONLINE, {"since": since}).all()


def needs_of(hall: Hall, task: TaskSpec, announced: str) -> list[Need]:
    """Where the task may run: more than one place when several providers may serve it."""
    if task.route is None or task.choice is None:
        return [need(task.pool, task.resource, {"kind": announced, **task.requires})]
    own = {"kind": announced, **task.choice.requires}
    return [
        need(other.pool, other.resource, {**own, **other.requires})
        for other in hall.catalog.providers.candidates(task.route)
    ]


def need(pool: str, resource: str, requires: Mapping[str, str]) -> Need:
    return Need(pool, str(resource), tuple(sorted(requires.items())))


def lacking(here: Sequence[AnyRow], need: Need) -> str | None:
    """What no worker here has, as half a sentence; None when some worker could run it."""
    wanted = dict(need.requires)
    pool, kind = need.pool, wanted.pop("kind")
    left = [worker for worker in here if worker.pool == pool and kind in worker.kinds]
    if not left:
        return f"no {pool} worker that runs {kind} is online"
    left = [worker for worker in left if worker.slots.get(need.resource, 0) > 0]
    if not left:
        return f"no online {pool} worker that runs {kind} has a slot for {need.resource}"
    missing = [_missing(worker, wanted) for worker in left]
    if not all(missing):
        return None
    nearest = min(missing, key=len)
    alone = all(nearest.items() <= each.items() for each in missing)
    tail = "" if alone else f" together with {_listed(wanted, leave_out=nearest)}"
    return f"no online {pool} worker that runs {kind} announces {_listed(nearest)}{tail}"


def _missing(worker: AnyRow, wanted: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if worker.labels.get(name) != value}


def _listed(labels: Mapping[str, str], leave_out: Mapping[str, str] | None = None) -> str:
    return " and ".join(f"{n}={v}" for n, v in sorted(labels.items()) if n not in (leave_out or {}))
