"""Carries out what was asked about jobs: cancel, another priority, and to end by a deadline."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.states import TERMINAL_JOBS, AttemptState, JobState
from farm.store.rows import AnyRow
from farm.store.schema import attempts, jobs, requests, tasks
from schedulers.endings import Ended, end_jobs, stop_rest

_AT_ONCE = 500
_ASKED = select(requests).order_by(requests.c.id).limit(_AT_ONCE)


def carry_out(hall: Hall, connection: Connection, now: float) -> int:
    """Cancel jobs that were asked to stop, move those asked to hurry. Returns how many requests were taken.

    A job with a running attempt ends when that attempt has stopped, so that cancelled means stopped.
    """
    rows = connection.execute(_ASKED).all()
    if not rows:
        return 0
    _reprioritise(connection, rows)
    wanted = {row.job_seq for row in rows if row.action == "cancel"}
    live = connection.scalars(
        select(jobs.c.seq).where(jobs.c.seq.in_(wanted), jobs.c.state.not_in(TERMINAL_JOBS))
    ).all()
    stop_rest(hall, connection, live, now)
    busy = set(
        connection.scalars(
            select(attempts.c.job_seq).where(
                attempts.c.job_seq.in_(live),
                attempts.c.state.in_((AttemptState.RUNNING, AttemptState.FINISHED)),
            )
        )
    )
    end_jobs(hall, connection, [Ended(seq, JobState.CANCELLED) for seq in live if seq not in busy], now)
    connection.execute(delete(requests).where(requests.c.id.in_([row.id for row in rows])))
    return len(rows)


def _reprioritise(connection: Connection, rows: Sequence[AnyRow]) -> None:
    """Give jobs that have not ended the priority last asked for; what has not started goes by it."""
    wanted = {row.job_seq: row.value for row in rows if row.action == "priority"}
    if wanted:
        values = [{"job": seq, "to_priority": priority} for seq, priority in sorted(wanted.items())]
        connection.execute(_JOB_PRIORITY, values)
        connection.execute(_TASK_PRIORITY, values)


_JOB_PRIORITY = (
    update(jobs)
    .where(jobs.c.seq == bindparam("job"), jobs.c.ended_at.is_(None))
    .values(priority=bindparam("to_priority"))
)
_TASK_PRIORITY = (
    update(tasks)
    .where(tasks.c.job_seq == bindparam("job"), tasks.c.ended_at.is_(None))
    .values(priority=bindparam("to_priority"))
)


def fail_overdue(hall: Hall, connection: Connection, now: float) -> None:
    """Fail jobs that have not ended by their deadline; what still runs of them is told to stop."""
    overdue = connection.scalars(
        select(jobs.c.seq)
        .where(jobs.c.deadline_at < now, jobs.c.ended_at.is_(None))
        .order_by(jobs.c.deadline_at)
        .limit(_AT_ONCE)
    ).all()
    failure = Failure(FailureClass.TIMEOUT, "deadline_exceeded", "The job did not end by its deadline.")
    end_jobs(hall, connection, [Ended(seq, JobState.FAILED, failure) for seq in overdue], now)
