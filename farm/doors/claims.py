"""How a worker takes an attempt, in as few statements as the engine allows: each is a round trip.

Knows the statements only; what follows from what was taken, farm.doors.work decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnCollection,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    select,
    update,
)

from farm.states import AttemptState, Outcome
from farm.store.dialect import OneOf, OneOfPairs
from farm.store.rows import AnyRow
from farm.store.schema import attempts, jobs, task_needs, tasks, workers


def take(
    connection: Connection, named: Sequence[tuple[int, int]], call: Mapping[str, Any]
) -> Sequence[AnyRow]:
    """Take published attempts, each `named` by id and token, and read what their worker must know of those.

    What is not there to be taken is left out. `call`: `by` (the worker), `this` (the call's own number, by
    which it may be said again when its answer was lost), `now` and `lease`.
    """
    if len(named) == 1:
        (attempt, token), said = named[0], _ONE
        call = {**call, "attempt": attempt, "opens": token}
    else:
        said, call = _MANY, {**call, "attempts": [attempt for attempt, _ in named], "named": list(named)}
    if connection.dialect.name == "postgresql":
        taken = connection.execute(said.take_and_read, call).all()
        if len(taken) == len(named):
            return taken
    else:
        connection.execute(said.take, call)
    return connection.execute(said.taken, call).all()


@dataclass(frozen=True, slots=True)
class _Statements:
    """`taken` are those of this very call: just now, or before, and only its answer was lost."""

    take: Update
    take_and_read: Select[Any]
    taken: Select[Any]


def _statements(which: ColumnElement[bool]) -> _Statements:
    take = (
        update(attempts)
        .where(which, attempts.c.state == AttemptState.PUBLISHED)
        .values(
            state=AttemptState.RUNNING,
            worker=bindparam("by"),
            claim=bindparam("this"),
            started_at=bindparam("now"),
            beat_at=bindparam("now"),
            lease_at=bindparam("lease"),
        )
    )
    returning = take.returning(attempts.c.id, attempts.c.token, attempts.c.task_id, *_chosen(attempts.c))
    ours = and_(which, attempts.c.state == AttemptState.RUNNING, attempts.c.claim == bindparam("this"))
    return _Statements(take, _read(returning.cte("taken")), _read(attempts).where(ours))


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
            taken.c.id.label("attempt_id"),
            taken.c.token,
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
_ONE = _statements(and_(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens")))
_MANY = _statements(
    and_(
        OneOf(attempts.c.id, "attempts"),  # rows are found by this one only
        OneOfPairs(attempts.c.id, attempts.c.token, "named"),
    )
)
