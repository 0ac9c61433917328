"""Lets files go: mark the row, delete the blob, delete the row. Each is a step of its own.

Whatever crashes between two of them leaves a marked row, which nobody is shown and the next round finds.
Nothing here waits for a row: those that somebody is busy with are left for the next round. A tick takes
several segments one after the other; were each to hold one and wait for another, neither would go on.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

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
    if not gone:
        return 0
    with hall.store.write() as connection:
        free = _not_busy(connection, shelf, gone)
        connection.execute(delete(shelf.table).where(shelf.these(free), shelf.marked))
    return len(free)


def put_off(hall: Hall, shelf: Shelf, rows: Sequence[AnyRow], now: float) -> None:
    """These are needed: look at them again after the grace. They stay expired for whoever would use them."""
    if rows:
        with hall.store.write() as connection:
            free = shelf.these(_not_busy(connection, shelf, rows))
            connection.execute(update(shelf.table).where(free, ~shelf.marked).values({shelf.since: now}))


def _mark(hall: Hall, shelf: Shelf, rows: Sequence[AnyRow], now: float) -> list[AnyRow]:
    """Give the rows up, unless somebody took a reference or used them meanwhile. Returns those that are."""
    if not rows:
        return []
    with hall.store.write() as connection:
        free = _not_busy(connection, shelf, rows)
        these = shelf.these(free)
        connection.execute(
            update(shelf.table)
            .where(these, ~shelf.marked, shelf.free, shelf.since <= now - shelf.keep_s)
            .values(shelf.mark)
        )
        marked = _named(connection.execute(_names(shelf).where(these, shelf.marked)))
    return [row for row in free if (row.account_id, row.key) in marked]


def _not_busy(connection: Connection, shelf: Shelf, rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Those of the rows that nobody else has locked; now they are ours."""
    query = _names(shelf).where(shelf.these(rows)).with_for_update(skip_locked=True)
    ours = _named(connection.execute(query))
    return [row for row in rows if (row.account_id, row.key) in ours]


def _names(shelf: Shelf) -> Select[Any]:
    return select(shelf.table.c.account_id, shelf.key)


def _named(found: Iterable[AnyRow]) -> set[tuple[int, str]]:
    return {(account_id, key) for account_id, key in found}
