"""Take the rows of a batch, some hundred in a transaction, so that an upload that broke off can go on.

Each row stands for itself: one that is refused is noted with its line, field and reason and stops no other.
Only credits stop an upload, at a row that is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, delete, insert, select, update

from farm.account import Caller
from farm.batch import Batch, BatchState, NewBatch, Place, Rejected, Stop, Taken
from farm.doors.batch_tally import add_rows
from farm.doors.batches import batch, find, insert_batch
from farm.doors.budgets import budgets_told
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.doors.submit import Order, Submitted, submit_within
from farm.errors import BadRequest, Conflict, InsufficientCredits
from farm.store.dialect import among, each, insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import CURRENT, batch_rejects, batches, job_needs, jobs


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row that can be submitted. `needs` are custom_ids of rows before it in the batch."""

    line: int
    digest: str
    custom_id: str
    order: Order
    needs: tuple[str, ...] = ()


def known_rows(hall: Hall, number: int, custom_ids: Sequence[str]) -> set[str]:
    """Those of these rows that the batch has already."""
    with hall.store.read() as connection:
        return set(seqs_of(connection, number, custom_ids))


def take(hall: Hall, caller: Caller, batch_id: str, rows: Sequence[NewRow]) -> Taken:
    """Submit rows; the ones the batch has already are skipped. Stops at the row the credits do not reach.

    Raises NotFound, and Conflict `batch_closed` when the batch takes no more rows.
    """
    if not rows:
        return Taken()
    try:
        with budgets_told(hall, caller), hall.store.write() as connection:
            taken, refused = _take(hall, connection, caller, find_open(connection, caller, batch_id), rows)
            if refused:
                _note(connection, taken_by=batch_id, refused=refused)
    except InsufficientCredits as error:
        return _as_far_as_possible(hall, caller, batch_id, rows, error)
    hall.bell.ring()
    return taken


def note_rejected(hall: Hall, batch_id: str, refused: Sequence[Rejected]) -> None:
    """Keep what was wrong with rows that became no job; a line that is sent again is noted once."""
    if refused:
        with hall.store.write() as connection:
            _note(connection, taken_by=batch_id, refused=refused)


def create_with_rows(
    hall: Hall, caller: Caller, new: NewBatch, rows: Sequence[NewRow], once: Ticket | None = None
) -> Batch:
    """A batch with all its rows at once, closed: all of them or nothing, under a ticket only once.

    `order.place` of the rows need not be set. Raises BadRequest, InsufficientCredits.
    """
    with budgets_told(hall, caller), hall.store.write() as connection:
        batch_id = already_made(connection, once)
        if batch_id is None:
            row = insert_batch(hall, connection, caller, new)
            _, refused = _take(hall, connection, caller, row, rows)
            if refused:
                raise BadRequest(refused[0].reason, param=f"jobs[{refused[0].line - 1}].{refused[0].field}")
            connection.execute(
                update(batches)
                .where(batches.c.id == row.id)
                .values(state=BatchState.CLOSED, closed_at=row.created_at)
            )
            batch_id = row.public_id
            note_made(connection, once, batch_id)
    hall.bell.ring()
    return batch(hall, caller.account.id, batch_id)


def find_open(connection: Connection, caller: Caller, batch_id: str) -> AnyRow:
    """The caller's batch, locked while rows are added to it. Raises NotFound, Conflict."""
    row = find(connection, caller.account.id, batch_id, lock=True)
    if row.state != BatchState.OPEN:
        raise Conflict(
            f"The batch is {row.state}: it takes no more rows.", param="batch_id", code="batch_closed"
        )
    return row


def insert_rows(
    hall: Hall,
    connection: Connection,
    caller: Caller,
    within: AnyRow,
    rows: Sequence[NewRow],
    present: Mapping[str, int],
) -> list[Submitted]:
    """Submit rows into a batch that is locked. `present` are the seqs of the rows they may need."""
    waits = within.paused or within.max_running is not None
    orders = [
        replace(row.order, place=Place(within.id, row.custom_id, waits or bool(row.needs), len(row.needs)))
        for row in rows
    ]
    done = submit_within(hall, connection, caller, orders)
    if within.tallied:
        add_rows(connection, within.id, len(orders), sum(order.price_mc for order in orders))
    seqs = {**present, **{row.custom_id: made.seq for row, made in zip(rows, done, strict=True)}}
    needs = [
        {"job_seq": seqs[row.custom_id], "needs_job_seq": seqs[name]} for row in rows for name in row.needs
    ]
    if needs:
        connection.execute(insert(job_needs), needs)
    if not within.gated and (needs or waits):
        connection.execute(update(batches).where(batches.c.id == within.id).values(gated=True))
    return done


def seqs_of(connection: Connection, number: int, custom_ids: Sequence[str]) -> dict[str, int]:
    """The jobs of those rows of a batch that it has."""
    wanted = each(connection, jobs.c.custom_id, custom_ids)
    seq = (  # one look per row, so that no planner reads a whole batch for them
        select(jobs.c.seq)
        .where(jobs.c.batch_id == number, CURRENT, jobs.c.custom_id == wanted.c.value)
        .scalar_subquery()
    )
    found = connection.execute(select(wanted.c.value, seq.label("seq")))
    return {row.value: row.seq for row in found if row.seq is not None}


def _take(
    hall: Hall, connection: Connection, caller: Caller, within: AnyRow, rows: Sequence[NewRow]
) -> tuple[Taken, list[Rejected]]:
    wanted = {row.custom_id for row in rows} | {name for row in rows for name in row.needs}
    present = seqs_of(connection, within.id, sorted(wanted))
    fresh: dict[str, NewRow] = {}
    refused: list[Rejected] = []
    for row in rows:
        if row.custom_id in present or row.custom_id in fresh:
            continue
        missing = [name for name in row.needs if name not in present and name not in fresh]
        if missing:
            refused.append(_needs_missing(row, missing[0]))
        else:
            fresh[row.custom_id] = row
    if fresh:
        insert_rows(hall, connection, caller, within, list(fresh.values()), present)
        connection.execute(
            delete(batch_rejects).where(
                batch_rejects.c.batch_id == within.id,
                among(connection, batch_rejects.c.custom_id, list(fresh)),
            )
        )
    known = len(rows) - len(fresh) - len(refused)
    return Taken(accepted=len(fresh), known=known, rejected=len(refused)), refused


def _as_far_as_possible(
    hall: Hall, caller: Caller, batch_id: str, rows: Sequence[NewRow], error: InsufficientCredits
) -> Taken:
    """All rows before the first that cannot be paid, found by halves."""
    if len(rows) == 1:
        row = rows[0]
        return Taken(stopped_at=Stop(row.line, row.custom_id, error.public_code, error.message))
    middle = len(rows) // 2
    first = take(hall, caller, batch_id, rows[:middle])
    return first if first.stopped_at else first.plus(take(hall, caller, batch_id, rows[middle:]))


def _needs_missing(row: NewRow, name: str) -> Rejected:
    reason = f"The batch has no row {name!r} before this one."
    return Rejected(row.line, row.digest, row.custom_id, "needs", "invalid_request", reason)


def _note(connection: Connection, *, taken_by: str, refused: Sequence[Rejected]) -> None:
    number = connection.scalar(select(batches.c.id).where(batches.c.public_id == taken_by))
    connection.execute(
        insert_ignore(connection, batch_rejects), [{"batch_id": number, **asdict(r)} for r in refused]
    )
