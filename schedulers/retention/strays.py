"""Blobs that attempts stored in vain: nothing in SQL points at them, so they are found by their attempt."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, exists, literal, or_, select, update

from farm.blobs import Blobs
from farm.doors.hall import Hall
from farm.store.rows import AnyRow
from farm.store.schema import STRAY, artifacts, attempts, jobs, segment_cache

_DAY_S = 86_400.0

_prefix = (
    literal("attempts/")
    + cast(jobs.c.account_id, String)
    + "/"
    + jobs.c.id
    + "/"
    + cast(attempts.c.id, String)
)


def due_strays(hall: Hall, now: float, count: int) -> Select[Any]:
    """Attempts that ended long enough ago without winning, and were not looked after."""
    before = now - hall.catalog.retention.stray_days * _DAY_S
    return (
        select(attempts.c.id, _prefix.label("prefix"), _used().label("used"))
        .join(jobs, jobs.c.seq == attempts.c.job_seq)
        .where(STRAY, attempts.c.ended_at <= before)
        .order_by(attempts.c.ended_at, attempts.c.id)
        .limit(count)
    )


def sweep_strays(hall: Hall, blobs: Blobs, rows: Sequence[AnyRow]) -> int:
    """Delete what these attempts stored. Returns how many attempts were looked after.

    One whose files a segment or artifact uses keeps them all.
    """
    for row in rows:
        if not row.used:
            blobs.delete_prefix(row.prefix)
    with hall.store.write() as connection:
        _note(connection, rows)
    return len(rows)


def _note(connection: Connection, rows: Sequence[AnyRow]) -> None:
    ids = [row.id for row in rows]
    connection.execute(update(attempts).where(attempts.c.id.in_(ids)).values(swept=True))


def _used() -> ColumnElement[bool]:
    below = _prefix + "/%"
    segments = select(segment_cache.c.key).where(
        segment_cache.c.account_id == jobs.c.account_id, segment_cache.c.blob_key.like(below)
    )
    files = select(artifacts.c.id).where(artifacts.c.job_seq == jobs.c.seq, artifacts.c.blob_key.like(below))
    return or_(*(exists(query.correlate(jobs, attempts)) for query in (segments, files)))
