"""Jobs that need other jobs of their batch: when they may start, and when they never will.

Counts are always taken anew from the jobs themselves, so that it does no harm to count twice.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, text, update

from farm.batch import BatchState
from farm.states import TERMINAL_JOBS, JobState
from farm.store.dialect import among
from farm.store.schema import batches, job_needs, jobs

_AT_ONCE = 2000
_needed = jobs.alias("needed")

_UNMET = (
    select(func.count())
    .select_from(job_needs.join(_needed, _needed.c.seq == job_needs.c.needs_job_seq))
    .where(job_needs.c.job_seq == jobs.c.seq, _needed.c.state != JobState.COMPLETED)
    .correlate(jobs)
    .scalar_subquery()
)
_FRESH = (
    select(job_needs.c.job_seq)
    .where(text("NOT job_needs.checked"))
    .order_by(job_needs.c.job_seq)
    .limit(_AT_ONCE)
)


def count_again(connection: Connection, needed: Sequence[int]) -> None:
    """Some jobs have completed: count what those that need them still wait for."""
    dependents = connection.scalars(
        select(job_needs.c.job_seq).where(among(connection, job_needs.c.needs_job_seq, needed)).distinct()
    ).all()
    if dependents:
        _count(connection, dependents)


def lost(connection: Connection, needed: Sequence[int]) -> dict[int, str]:
    """Some jobs have ended and not completed: the open jobs that need one, with its name in the batch.

    Those of a batch that is being cancelled are left to that.
    """
    query = (
        select(jobs.c.seq, _needed.c.custom_id)
        .select_from(job_needs)
        .join(jobs, jobs.c.seq == job_needs.c.job_seq)
        .join(_needed, _needed.c.seq == job_needs.c.needs_job_seq)
        .join(batches, batches.c.id == jobs.c.batch_id)
        .where(among(connection, job_needs.c.needs_job_seq, needed), jobs.c.ended_at.is_(None))
        .where(batches.c.state != BatchState.CANCELLING)
    )
    return {row.seq: row.custom_id for row in connection.execute(query)}


def check_fresh(connection: Connection) -> tuple[int, dict[int, str]]:
    """Look at needs that were written since the last turn: what they name may have ended before.

    Returns how many jobs were looked at, and of these the ones that can never start, as `lost` does.
    """
    fresh = connection.scalars(_FRESH).all()
    if not fresh:
        return 0, {}
    _count(connection, fresh)
    connection.execute(
        update(job_needs).where(among(connection, job_needs.c.job_seq, fresh)).values(checked=True)
    )
    ended = select(job_needs.c.needs_job_seq).join(_needed, _needed.c.seq == job_needs.c.needs_job_seq)
    gone = connection.scalars(
        ended.where(
            among(connection, job_needs.c.job_seq, fresh),
            _needed.c.state.in_(TERMINAL_JOBS - {JobState.COMPLETED}),
        ).distinct()
    ).all()
    return len(fresh), lost(connection, gone) if gone else {}


def _count(connection: Connection, job_seqs: Sequence[int]) -> None:
    connection.execute(
        update(jobs)
        .where(among(connection, jobs.c.seq, job_seqs), jobs.c.held, jobs.c.ended_at.is_(None))
        .values(unmet=_UNMET)
    )
