"""Make batches, look at them, and say what is wished of them; the scheduler carries it out."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update

from farm.account import Caller
from farm.batch import Batch, BatchState, Counts, NewBatch
from farm.doors.batch_tally import Running, Tally, counted, running, tallies
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.errors import Conflict, NotFound
from farm.store.rows import AnyRow
from farm.store.schema import batch_rejects, batches

_LIVE = (BatchState.OPEN, BatchState.CLOSED)


def create(hall: Hall, caller: Caller, new: NewBatch, once: Ticket | None = None) -> Batch:
    """A new, open batch without rows; under a ticket only once."""
    with hall.store.write() as connection:
        batch_id = already_made(connection, once)
        if batch_id is None:
            batch_id = insert_batch(hall, connection, caller, new).public_id
            note_made(connection, once, batch_id)
    return batch(hall, caller.account.id, batch_id)


def insert_batch(hall: Hall, connection: Connection, caller: Caller, new: NewBatch) -> AnyRow:
    """The same inside a caller's transaction."""
    return connection.execute(
        insert(batches)
        .values(
            public_id=hall.ids.public(new.id_prefix),
            account_id=caller.account.id,
            api_key_id=caller.key_id,
            name=new.name,
            kind=new.kind,
            defaults=dict(new.defaults),
            webhook_url=new.webhook_url,
            state=BatchState.OPEN,
            max_running=new.max_running,
            gated=new.max_running is not None,
            tallied=True,
            created_at=hall.clock.now(),
        )
        .returning(batches)
    ).one()


def batch(hall: Hall, account_id: int | None, batch_id: str) -> Batch:
    """The batch with its counts. `account_id` None is the operator. Raises NotFound."""
    with hall.store.read() as connection:
        row = find(connection, account_id, batch_id)
        return _views(hall, connection, [row])[0]


def list_batches(
    hall: Hall, account_id: int | None, *, before: int | None = None, limit: int = 20
) -> list[Batch]:
    """Batches, newest first. `before` continues after the number of the last one of a page."""
    query = select(batches).order_by(batches.c.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(batches.c.account_id == account_id)
    if before is not None:
        query = query.where(batches.c.id < before)
    with hall.store.read() as connection:
        return _views(hall, connection, connection.execute(query).all())


def close(hall: Hall, account_id: int | None, batch_id: str) -> Batch:
    """No more rows: the batch ends with its last job. One that is closed already stays so."""
    closed = {"state": BatchState.CLOSED, "closed_at": hall.clock.now()}
    return _change(hall, account_id, batch_id, closed, of=(BatchState.OPEN,))


def cancel(hall: Hall, account_id: int | None, batch_id: str) -> Batch:
    """Ask for all that has not ended to stop. A batch that has ended stays as it is."""
    now = hall.clock.now()
    closed_at = case((batches.c.closed_at.is_(None), now), else_=batches.c.closed_at)
    cancelled = {"state": BatchState.CANCELLING, "closed_at": closed_at}
    return _change(hall, account_id, batch_id, cancelled, of=_LIVE)


def pause(hall: Hall, account_id: int | None, batch_id: str) -> Batch:
    """Start nothing more of it until it is resumed; what runs goes on. Raises Conflict when it has ended."""
    return _change(hall, account_id, batch_id, {"paused": True, "gated": True}, of=_LIVE, strictly=True)


def resume(hall: Hall, account_id: int | None, batch_id: str) -> Batch:
    """Go on with a paused batch. Raises Conflict when it has ended."""
    return _change(hall, account_id, batch_id, {"paused": False}, of=_LIVE, strictly=True)


def set_max_running(hall: Hall, account_id: int | None, batch_id: str, number: int | None) -> Batch:
    """How many of its jobs may run at once; None is as many as the account may. Raises Conflict."""
    return _change(
        hall, account_id, batch_id, {"max_running": number, "gated": True}, of=_LIVE, strictly=True
    )


def find(connection: Connection, account_id: int | None, batch_id: str, *, lock: bool = False) -> AnyRow:
    """The batch's row. Under `lock` nobody else changes it or adds rows to it. Raises NotFound."""
    query = select(batches).where(batches.c.public_id == batch_id)
    if account_id is not None:
        query = query.where(batches.c.account_id == account_id)
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no batch {batch_id!r}.", param="batch_id")
    return row


def _change(
    hall: Hall,
    account_id: int | None,
    batch_id: str,
    values: Mapping[str, Any],
    *,
    of: Sequence[BatchState],
    strictly: bool = False,
) -> Batch:
    """Change a batch that is in one of these states."""
    with hall.store.write() as connection:
        row = find(connection, account_id, batch_id, lock=True)
        if row.state in of:
            connection.execute(update(batches).where(batches.c.id == row.id).values(**values))
        elif strictly:
            raise Conflict(f"The batch is {row.state}.", param="batch_id", code="batch_ended")
    hall.bell.ring()
    return batch(hall, account_id, batch_id)


def _views(hall: Hall, connection: Connection, rows: Sequence[AnyRow]) -> list[Batch]:
    ids = [row.id for row in rows]
    found = {
        **tallies(connection, [row.id for row in rows if row.tallied]),
        **counted(connection, [row.id for row in rows if not row.tallied]),
    }
    live = running(connection, ids)
    refused = (
        select(batch_rejects.c.batch_id, func.count().label("number"))
        .where(batch_rejects.c.batch_id.in_(ids))
        .group_by(batch_rejects.c.batch_id)
    )
    rejected = {row.batch_id: row.number for row in connection.execute(refused)}
    now = hall.clock.now()
    return [
        _view(row, found.get(row.id, Tally()), live.get(row.id, Running()), rejected.get(row.id, 0), now)
        for row in rows
    ]


def _view(row: AnyRow, tally: Tally, live: Running, rejected: int, now: float) -> Batch:
    counts = Counts(
        queued=tally.open - live.rows,
        running=live.rows,
        completed=tally.completed,
        failed=tally.failed,
        cancelled=tally.cancelled,
        rejected=rejected,
        held_mc=tally.held_mc,
        charged_mc=tally.charged_mc,
    )
    starts = [at for at in (tally.started_at, live.started_at) if at is not None]
    return Batch(
        id=row.public_id,
        number=row.id,
        account_id=row.account_id,
        name=row.name,
        kind=row.kind,
        defaults=row.defaults,
        state=BatchState(row.state),
        paused=row.paused,
        max_running=row.max_running,
        webhook_url=row.webhook_url,
        created_at=row.created_at,
        closed_at=row.closed_at,
        ended_at=row.ended_at,
        counts=counts,
        eta_s=None if row.paused or not starts else _eta_s(counts, now - min(starts)),
    )


def _eta_s(counts: Counts, running_s: float) -> float | None:
    """What is left at the pace so far."""
    done, left = counts.completed + counts.failed, counts.queued + counts.running
    if not left or not done:
        return None
    return max(0.0, running_s) / done * left
