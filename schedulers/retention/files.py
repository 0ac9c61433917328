"""Lets files go: mark the row, delete the blob, delete the row. Each is a step of its own.

Whatever crashes between two of them leaves a marked row, which nobody is shown and the next round finds.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, select, update

from farm.blobs import Blobs
from farm.doors.hall import Hall
from farm.store.rows import AnyRow
from schedulers.retention.shelves import Shelf, used_elsewhere


def pages(hall: Hall, shelf: Shelf, now: float, at_once: int) -> Iterator[tuple[list[AnyRow], list[AnyRow]]]:
    """What has expired, page by page: the rows that may go, and the ones that open jobs need."""
    last = None
    while True:
        with hall.store.read() as connection:
            rows = connection.execute(shelf.due(now, at_once, last)).all()
            fresh = [row for row in rows if not row.marked]
            held = shelf.held(connection, fresh) if fresh else set()
        if not rows:
            return
        last = rows[-1]
        kept = [row for row in fresh if row.key in held]
        yield [row for row in rows if row.marked or row.key not in held], kept


def let_go(hall: Hall, blobs: Blobs, shelf: Shelf, rows: Sequence[AnyRow], now: float) -> int:
    """Delete rows with their blobs. Returns how many went. Raises BlobsUnavailable; then the rest is left."""
    gone = _mark(hall, shelf, rows, now)
    with hall.store.read() as connection:
        used = used_elsewhere(connection, [row.blob_key for row in gone])
    for key in sorted({row.blob_key for row in gone} - used):
        blobs.delete(key)
    if gone:
        with hall.store.write() as connection:
            connection.execute(delete(shelf.table).where(shelf.these(gone), shelf.marked))
    return len(gone)


def put_off(hall: Hall, shelf: Shelf, rows: Sequence[AnyRow], now: float) -> None:
    """These are needed: look at them again after the grace. They stay expired for whoever would use them."""
    if rows:
        with hall.store.write() as connection:
            connection.execute(
                update(shelf.table).where(shelf.these(rows), ~shelf.marked).values({shelf.since: now})
            )


def _mark(hall: Hall, shelf: Shelf, rows: Sequence[AnyRow], now: float) -> list[AnyRow]:
    """Give the rows up, unless somebody took a reference or used them meanwhile. Returns those that are."""
    if not rows:
        return []
    same = (shelf.table.c.account_id, shelf.key)
    with hall.store.write() as connection:
        connection.execute(
            update(shelf.table)
            .where(shelf.these(rows), ~shelf.marked, shelf.free, shelf.since <= now - shelf.keep_s)
            .values(shelf.mark)
        )
        marked = {
            tuple(row) for row in connection.execute(select(*same).where(shelf.these(rows), shelf.marked))
        }
    return [row for row in rows if (row.account_id, row.key) in marked]
