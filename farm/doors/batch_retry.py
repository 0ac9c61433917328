"""Retry the failed rows of a batch: each gets a new job in its place; the old one keeps its end."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update

from farm.account import Caller
from farm.batch import BatchState, Stop
from farm.doors.batch_rows import NewRow, insert_rows, seqs_of
from farm.doors.batches import find
from farm.doors.budgets import budgets_told
from farm.doors.hall import Hall
from farm.doors.submit import order
from farm.errors import Conflict, InsufficientCredits
from farm.job import JobSpec
from farm.kinds import kind_named
from farm.states import JobState
from farm.store.rows import AnyRow
from farm.store.schema import CURRENT, batches, job_needs, jobs

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Retried:
    """How many rows have a new job, how many failed ones are left, and where the credits ended."""

    retried: int
    remaining: int
    stopped_at: Stop | None = None


def retry_failed(hall: Hall, caller: Caller, batch_id: str, *, limit: int) -> Retried:
    """Retry up to `limit` failed rows, the first first. Raises NotFound, Conflict when it is cancelled."""
    with hall.store.read() as connection:
        number = find(connection, caller.account.id, batch_id).id
        last_seq = connection.scalar(select(func.max(jobs.c.seq)).where(jobs.c.batch_id == number)) or 0
    retried, stopped, wanted = 0, None, _AT_ONCE
    while stopped is None and retried < limit:
        try:
            done = _retry(hall, caller, batch_id, last_seq, min(wanted, limit - retried))
        except InsufficientCredits as error:
            if wanted == 1:
                stopped = _stop(hall, number, last_seq, error)
            wanted = max(1, wanted // 2)
            continue
        retried += done
        if not done:
            break
    hall.bell.ring()
    with hall.store.read() as connection:
        left = connection.scalar(select(func.count()).select_from(_failed(number, last_seq).subquery()))
    return Retried(retried, left or 0, stopped)


def _retry(hall: Hall, caller: Caller, batch_id: str, last_seq: int, count: int) -> int:
    """Some rows in one transaction, which also opens the batch's end again."""
    with budgets_told(hall, caller), hall.store.write() as connection:
        within = find(connection, caller.account.id, batch_id, lock=True)
        if within.state in (BatchState.CANCELLING, BatchState.CANCELLED):
            raise Conflict(f"The batch is {within.state}.", param="batch_id", code="batch_ended")
        failed = connection.execute(_failed(within.id, last_seq).order_by(jobs.c.seq).limit(count)).all()
        if not failed:
            return 0
        needs = _needs(connection, [row.seq for row in failed])
        connection.execute(
            update(jobs).where(jobs.c.seq.in_([row.seq for row in failed])).values(retried=True)
        )
        rows = [_row(hall, row, needs.get(row.seq, ())) for row in failed]
        wanted = {name for row in rows for name in row.needs}
        insert_rows(hall, connection, caller, within, rows, seqs_of(connection, within.id, sorted(wanted)))
        connection.execute(
            update(batches)
            .where(batches.c.id == within.id)
            .values(
                state=case(
                    (batches.c.state == BatchState.COMPLETED, BatchState.CLOSED.value),
                    else_=batches.c.state,
                ),
                ended_at=None,
            )
        )
        return len(failed)


def _failed(number: int, last_seq: int) -> Select[Any]:
    return select(jobs).where(
        jobs.c.batch_id == number, CURRENT, jobs.c.seq <= last_seq, jobs.c.state == JobState.FAILED
    )


def _needs(connection: Connection, seqs: list[int]) -> dict[int, tuple[str, ...]]:
    """What each of these jobs needed, by the rows' names."""
    needed = jobs.alias("needed")
    query = (
        select(job_needs.c.job_seq, needed.c.custom_id)
        .join(needed, needed.c.seq == job_needs.c.needs_job_seq)
        .where(job_needs.c.job_seq.in_(seqs))
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(query):
        found[row.job_seq] = (*found.get(row.job_seq, ()), row.custom_id)
    return found


def _row(hall: Hall, old: AnyRow, needs: tuple[str, ...]) -> NewRow:
    params = kind_named(old.kind).params.model_validate(dict(old.params))
    spec = replace(
        JobSpec.of(params),
        surface=old.surface,
        priority=old.priority,
        webhook_url=old.webhook_url,
        reference=old.reference,
    )
    return NewRow(0, "", old.custom_id, order(hall, spec), needs)


def _stop(hall: Hall, number: int, last_seq: int, error: InsufficientCredits) -> Stop:
    with hall.store.read() as connection:
        row = connection.execute(_failed(number, last_seq).order_by(jobs.c.seq).limit(1)).one_or_none()
    return Stop(0, row.custom_id if row else "", error.public_code, error.message)
