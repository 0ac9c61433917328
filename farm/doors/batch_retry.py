"""Retry the failed rows of a batch: each gets a new job in its place; the old one keeps its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update

from farm.account import Caller
from farm.batch import BatchState, Stop
from farm.doors.batch_rows import NewRow, insert_rows, seqs_of
from farm.doors.batch_tally import take_out
from farm.doors.batches import find
from farm.doors.budgets import budgets_told
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.doors.jobs import asked_again
from farm.doors.submit import Submitted, order
from farm.errors import Conflict, InsufficientCredits, NotFound
from farm.states import TERMINAL_JOBS, JobState
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
        _require_goes_on(within)
        failed = connection.execute(_failed(within.id, last_seq).order_by(jobs.c.seq).limit(count)).all()
        if not failed:
            return 0
        _replace(hall, connection, caller, within, failed)
        return len(failed)


def retry_row(hall: Hall, caller: Caller, job_id: str, once: Ticket | None = None) -> str:
    """A new job in the place of one ended row, with all that it needs. Returns the new job's id.

    Raises NotFound; Conflict `job_in_progress`, `row_retried` or `batch_ended`; InsufficientCredits.
    """
    with budgets_told(hall, caller), hall.store.write() as connection:
        made_id = already_made(connection, once)
        if made_id is not None:
            return made_id
        within = find(connection, caller.account.id, _batch_of(connection, caller, job_id), lock=True)
        old = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
        if old.state not in TERMINAL_JOBS:
            raise Conflict("The job has not ended yet.", param="job_id", code="job_in_progress")
        if old.retried:
            raise Conflict("A later job has taken this row's place.", param="job_id", code="row_retried")
        _require_goes_on(within)
        (done,) = _replace(hall, connection, caller, within, [old])
        note_made(connection, once, done.job_id)
    hall.bell.ring()
    return done.job_id


def _batch_of(connection: Connection, caller: Caller, job_id: str) -> str:
    query = (
        select(batches.c.public_id)
        .join(jobs, jobs.c.batch_id == batches.c.id)
        .where(jobs.c.id == job_id, jobs.c.account_id == caller.account.id)
    )
    found: str | None = connection.scalar(query)
    if found is None:
        raise NotFound(f"There is no job {job_id!r} of a batch.", param="job_id")
    return found


def _replace(
    hall: Hall, connection: Connection, caller: Caller, within: AnyRow, old: Sequence[AnyRow]
) -> list[Submitted]:
    """New jobs in the places of ended ones, in a batch that is locked; its end is open again."""
    seqs = [row.seq for row in old]
    needs = _needs(connection, seqs)
    if within.tallied:
        take_out(connection, within.id, old)
    connection.execute(update(jobs).where(jobs.c.seq.in_(seqs)).values(retried=True))
    rows = [_row(hall, row, needs.get(row.seq, ())) for row in old]
    wanted = {name for row in rows for name in row.needs}
    done = insert_rows(hall, connection, caller, within, rows, seqs_of(connection, within.id, sorted(wanted)))
    state = case((batches.c.state == BatchState.COMPLETED, BatchState.CLOSED.value), else_=batches.c.state)
    connection.execute(update(batches).where(batches.c.id == within.id).values(state=state, ended_at=None))
    return done


def _require_goes_on(within: AnyRow) -> None:
    if within.state in (BatchState.CANCELLING, BatchState.CANCELLED):
        raise Conflict(f"The batch is {within.state}.", param="batch_id", code="batch_ended")


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
    spec = asked_again(old, hall.clock.now())
    return NewRow(0, "", old.custom_id, order(hall, spec), needs)


def _stop(hall: Hall, number: int, last_seq: int, error: InsufficientCredits) -> Stop:
    with hall.store.read() as connection:
        row = connection.execute(_failed(number, last_seq).order_by(jobs.c.seq).limit(1)).one_or_none()
    return Stop(0, row.custom_id if row else "", error.public_code, error.message)
