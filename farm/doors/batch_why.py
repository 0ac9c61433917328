"""Answers what a job waits for because of its batch."""

from sqlalchemy import Connection, select

from farm.states import JobState
from farm.store.schema import batches, job_needs, jobs

_SHOWN = 5


def waits_for_batch(connection: Connection, job_seq: int) -> str | None:
    """Why none of the job's tasks may start now, if its batch is the reason."""
    query = (
        select(jobs.c.held, jobs.c.unmet, batches.c.paused, batches.c.public_id, batches.c.max_running)
        .join(batches, batches.c.id == jobs.c.batch_id)
        .where(jobs.c.seq == job_seq)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.held and row.unmet:
        return f"needs {_names(connection, job_seq)} of its batch first."
    if row.paused:
        return f"its batch is paused. Let it go on: farm batch resume {row.public_id}"
    if row.held and row.max_running is not None:
        return f"its batch already runs {row.max_running} jobs, its limit."
    return None


def _names(connection: Connection, job_seq: int) -> str:
    needed = (
        select(jobs.c.custom_id)
        .join(job_needs, job_needs.c.needs_job_seq == jobs.c.seq)
        .where(job_needs.c.job_seq == job_seq, jobs.c.state != JobState.COMPLETED)
        .order_by(jobs.c.seq)
    )
    names = [str(name) for name in connection.scalars(needed)]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
