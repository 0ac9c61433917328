"""Puts workers to sleep and wakes them by their schedules, each by the clock of its own time zone.

A sleeping worker is kept out as a draining one is: what it runs it finishes. Drain and quarantine go before.
"""

import structlog
from sqlalchemy import Connection, bindparam, select, update

from farm.errors import BadRequest
from farm.sleep import TIMEZONE, Schedule, zone_of
from farm.states import WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import workers

log = structlog.get_logger(__name__)

# Asked again when it is written: an operator may drain the worker between the two.
_OURS = workers.c.kept_out.is_(None) | (workers.c.kept_out == WorkerState.SLEEPING)
_SCHEDULED = (
    select(workers.c.name, workers.c.pool, workers.c.kept_out, workers.c.sleep, workers.c.labels)
    .where(workers.c.sleep.is_not(None), _OURS)
    .order_by(workers.c.name)
)
_KEEP_OUT = (
    update(workers)
    .where(workers.c.name == bindparam("worker"), _OURS)
    .values(kept_out=bindparam("to_state"), kept_out_because=bindparam("because"))
)


def put_to_sleep(connection: Connection, now: float) -> None:
    """Bring every worker with a schedule to what it says now; most of the time nothing changes."""
    changes = []
    for row in connection.execute(_SCHEDULED).all():
        sleeps = _sleeps(row, now)
        if sleeps == (row.kept_out is not None):
            continue
        state = WorkerState.SLEEPING if sleeps else None
        changes.append({"worker": row.name, "to_state": state, "because": row.sleep if sleeps else None})
        log.info("worker_sleeps" if sleeps else "worker_wakes", worker=row.name, pool=row.pool)
    if changes:
        connection.execute(_KEEP_OUT, changes)


def _sleeps(row: AnyRow, now: float) -> bool:
    """What cannot be read, or a zone that this host does not know, keeps nobody from working."""
    try:
        return Schedule.parse(row.sleep).sleeps_at(now, zone_of(row.labels.get(TIMEZONE)))
    except BadRequest as error:
        log.warning("schedule_not_read", worker=row.name, error=error.message)
        return False
