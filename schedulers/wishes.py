"""Carries out what was asked about jobs: cancel, and to end by a deadline."""

from sqlalchemy import Connection, delete, select

from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.states import TERMINAL_JOBS, AttemptState, JobState
from farm.store.schema import attempts, jobs, requests
from schedulers.endings import Ended, end_jobs, stop_rest

_AT_ONCE = 500


def carry_out(hall: Hall, connection: Connection, now: float) -> int:
    """Cancel jobs that were asked to stop. Returns how many requests were taken.

    A job with a running attempt ends when that attempt has stopped, so that cancelled means stopped.
    """
    rows = connection.execute(select(requests).order_by(requests.c.id).limit(_AT_ONCE)).all()
    if not rows:
        return 0
    wanted = {row.job_seq for row in rows if row.action == "cancel"}
    live = connection.scalars(
        select(jobs.c.seq).where(jobs.c.seq.in_(wanted), jobs.c.state.not_in(TERMINAL_JOBS))
    ).all()
    stop_rest(connection, live, now)
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
