"""Finds tasks whose provider nobody online serves: no dispatch ever comes to them, so the sweep looks."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, exists, select

from farm.doors.hall import Hall
from farm.states import TaskState
from farm.store.rows import AnyRow
from farm.store.schema import OPEN, jobs, lanes, sorts, tasks
from schedulers.capacity import Line, LineCapacity
from schedulers.failover.turnstile import Turnstile

_AT_ONCE = 200  # of a sort, in one sweep
_WAITED = (
    select(sorts.c.id, sorts.c.pool, sorts.c.resource, sorts.c.requires)
    .where(sorts.c.provider.is_not(None))
    .where(exists(select(lanes.c.id).where(lanes.c.sort_id == sorts.c.id, OPEN)))
)
_TASKS = (
    select(
        tasks.c.id,
        tasks.c.lane_id,
        tasks.c.requires,
        tasks.c.ready_at,
        tasks.c.route,
        tasks.c.choice,
        jobs.c.account_id,
        jobs.c.interactive,
    )
    .join_from(lanes, tasks, tasks.c.lane_id == lanes.c.id)
    .join(jobs, jobs.c.seq == tasks.c.job_seq)
    .where(lanes.c.sort_id == bindparam("of_sort"), OPEN, tasks.c.state == TaskState.READY)
    .where(tasks.c.ready_at <= bindparam("since"))
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(_AT_ONCE)
)


def free_stranded(
    hall: Hall, connection: Connection, capacity: Mapping[Line, LineCapacity], now: float
) -> int:
    """Take what has waited in vain for a worker of its provider to another one. Returns how many tasks."""
    book = hall.catalog.providers
    if not book.providers:
        return 0
    turnstile = Turnstile(hall, connection, capacity, now)
    for sort in connection.execute(_WAITED).all():
        room = capacity.get((sort.pool, sort.resource))
        if room is None or not room.can_run(sort.requires):
            since = now - book.failover.no_worker_s
            _look(turnstile, connection.execute(_TASKS, {"of_sort": sort.id, "since": since}).all())
    return turnstile.write()


def _look(turnstile: Turnstile, rows: Sequence[AnyRow]) -> None:
    for row in rows:
        turnstile.look(row)
