"""How a worker takes an attempt, in as few statements as the engine allows: each is a round trip.

Knows the statements only; what follows from what was taken, farm.doors.work decides.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnCollection,
    Connection,
    FromClause,
    Select,
    bindparam,
    exists,
    func,
    select,
    update,
)

from farm.states import AttemptState, Outcome
from farm.store.rows import AnyRow
from farm.store.schema import attempts, jobs, task_needs, tasks, workers


def take(connection: Connection, call: Mapping[str, Any]) -> AnyRow | None:
    """Take a published attempt, and read what its worker must know. None when there is nothing to take.

    `call`: `attempt`, `opens` (its token), `by` (the worker), `this` (the call's own number, by which it may
    be said again when its answer was lost), `now` and `lease`.
    """
    if connection.dialect.name == "postgresql":
        taken = connection.execute(_TAKE_AND_READ, call).one_or_none()
        if taken is not None:
            return taken
    else:
        connection.execute(_TAKE, call)
    return connection.execute(_TAKEN, call).one_or_none()


def _read(taken: FromClause) -> Select[Any]:
    """All about a taken attempt."""
    of_task = taken.c.task_id
    earlier = select(func.count()).where(
        _others.c.task_id == of_task,
        _others.c.id < taken.c.id,
        func.coalesce(_others.c.outcome, "") != Outcome.RETURNED,
        func.coalesce(_others.c.outcome, "") != Outcome.SUPERSEDED,
    )
    return (
        select(
            *_chosen(taken.c),
            earlier.scalar_subquery().label("earlier"),
            exists(select(task_needs.c.task_id).where(task_needs.c.task_id == of_task)).label("has_needs"),
            tasks.c.id.label("task_id"),
            tasks.c.name,
            tasks.c.step,
            tasks.c.resource,
            tasks.c.affinity,
            tasks.c.params,
            tasks.c.inputs,
            tasks.c.requires,
            tasks.c.soft_s,
            tasks.c.hard_s,
            tasks.c.no_progress_s,
            jobs.c.id.label("job_id"),
            jobs.c.account_id,
            jobs.c.batch_id,
            jobs.c.kind,
            workers.c.kinds.label("worker_kinds"),
            workers.c.labels.label("worker_labels"),
            workers.c.kept_out,
        )
        .select_from(taken)
        .join(tasks, tasks.c.id == of_task)
        .join(jobs, jobs.c.seq == tasks.c.job_seq)
        .join(workers, workers.c.name == bindparam("by"), isouter=True)
    )


def _chosen(of: ColumnCollection[str, Any]) -> list[Any]:
    """The provider that was chosen for it."""
    return [of.provider, of.model, of.provider_ref, of.decision]


_others = attempts.alias("others")
_TAKE = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens"))
    .where(attempts.c.state == AttemptState.PUBLISHED)
    .values(
        state=AttemptState.RUNNING,
        worker=bindparam("by"),
        claim=bindparam("this"),
        started_at=bindparam("now"),
        beat_at=bindparam("now"),
        lease_at=bindparam("lease"),
    )
)
_TAKE_AND_READ = _read(_TAKE.returning(attempts.c.id, attempts.c.task_id, *_chosen(attempts.c)).cte("taken"))
# By this very call: just now, or before, and only its answer was lost.
_TAKEN = (
    _read(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens"))
    .where(attempts.c.state == AttemptState.RUNNING, attempts.c.claim == bindparam("this"))
)
