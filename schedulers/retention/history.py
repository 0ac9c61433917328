"""Forgets what ended long ago: jobs with all their rows, then batches, media projects and account events.

The ledger forgets nothing: its entries let go of the job's row and keep its id as their reference, so that
the sum of an account's entries stays its balance.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, cast, delete, exists, func, literal, or_, select, update

from farm.catalog import Catalog
from farm.doors.purse import JOB_REFERENCE
from farm.states import AttemptState
from farm.store.dialect import among
from farm.store.rows import AnyRow
from farm.store.schema import (
    artifacts,
    assets,
    attempts,
    batch_rejects,
    batch_tallies,
    batches,
    deliveries,
    generation_marks,
    job_needs,
    jobs,
    ledger,
    media_projects,
    outbox,
    segment_cache,
    task_needs,
    tasks,
)
from farm.webhook import DeliveryState

_DAY_S = 86_400.0
_PENDING = "pending"

_dependent = jobs.alias("dependent")
_blobs_of_job = literal("attempts/") + cast(jobs.c.account_id, String) + "/" + jobs.c.id + "/"
_size = select(func.count()).where(tasks.c.job_seq == jobs.c.seq).scalar_subquery()


def ended_before(catalog: Catalog, now: float) -> float:
    """What ended before this may be forgotten; not while an Idempotency-Key may lead to it."""
    return now - max(catalog.retention.job_days * _DAY_S, catalog.idempotency.keep_s)


def due_jobs(before: float, count: int, after: AnyRow | None = None) -> Select[Any]:
    """Jobs that ended before then and of which nothing is needed: no file, no webhook, no job, no batch."""
    waits_for_it = exists(
        select(job_needs.c.job_seq)
        .join(_dependent, _dependent.c.seq == job_needs.c.job_seq)
        .where(job_needs.c.needs_job_seq == jobs.c.seq, _dependent.c.ended_at.is_(None))
    )
    batch_over = exists(
        select(batches.c.id).where(batches.c.id == jobs.c.batch_id, batches.c.ended_at <= before)
    )
    to_tell = select(outbox.c.id).where(outbox.c.job_seq == jobs.c.seq)
    sending = to_tell.join(deliveries, deliveries.c.outbox_id == outbox.c.id)
    segments = select(segment_cache.c.key).where(
        segment_cache.c.account_id == jobs.c.account_id,
        segment_cache.c.blob_key.like(_blobs_of_job + "%"),
    )
    lent_on = select(assets.c.id).where(  # handed in again: its blob is below the job's folder
        assets.c.account_id == jobs.c.account_id, assets.c.blob_key.like(_blobs_of_job + "%")
    )
    running = select(attempts.c.id).where(
        attempts.c.job_seq == jobs.c.seq, attempts.c.state != AttemptState.SETTLED
    )
    query = (
        select(jobs.c.seq, jobs.c.id, jobs.c.account_id, jobs.c.batch_id, jobs.c.ended_at)
        .add_columns(_size.label("size"))
        .where(jobs.c.ended_at <= before, or_(jobs.c.batch_id.is_(None), batch_over))
        .where(~exists(select(artifacts.c.id).where(artifacts.c.job_seq == jobs.c.seq)))
        .where(~exists(running), ~waits_for_it, ~exists(segments), ~exists(lent_on))
        .where(~exists(to_tell.where(outbox.c.state == _PENDING)))
        .where(~exists(sending.where(deliveries.c.state == DeliveryState.PENDING)))
        .order_by(jobs.c.ended_at, jobs.c.seq)
        .limit(count)
    )
    if after is not None:
        later = or_(
            jobs.c.ended_at > after.ended_at,
            (jobs.c.ended_at == after.ended_at) & (jobs.c.seq > after.seq),
        )
        query = query.where(later)
    return query


def lent(connection: Connection, rows: Sequence[AnyRow]) -> set[str]:
    """Those of these jobs, by id, whose files some open job took from the account's segments.

    A segment may be forgotten while a job that took it runs on; then only that job's own file names it.
    """
    own = {f"attempts/{row.account_id}/{row.id}": row.id for row in rows}
    taken = (
        select(artifacts.c.blob_key)
        .join(jobs, jobs.c.seq == artifacts.c.job_seq)
        .where(jobs.c.ended_at.is_(None), jobs.c.account_id.in_({row.account_id for row in rows}))
        .where(artifacts.c.intermediate)
    )
    from_where = {"/".join(key.split("/")[:3]) for key in connection.scalars(taken)}
    return {own[place] for place in from_where & own.keys()}


def prune(connection: Connection, rows: Sequence[AnyRow], before: float) -> int:
    """Delete these jobs with all their rows, in the order of the foreign keys. Returns how many went.

    A job whose webhook is replayed, or whose batch is retried, in this very moment stays.
    """
    seqs = _unwanted(connection, rows, before)
    if not seqs:
        return 0
    own_tasks = select(tasks.c.id).where(among(connection, tasks.c.job_seq, seqs))
    events = select(outbox.c.id).where(among(connection, outbox.c.job_seq, seqs))
    for statement in (
        delete(deliveries).where(deliveries.c.outbox_id.in_(events)),
        delete(outbox).where(among(connection, outbox.c.job_seq, seqs)),
        delete(task_needs).where(task_needs.c.task_id.in_(own_tasks)),
        delete(attempts).where(among(connection, attempts.c.job_seq, seqs)),
        delete(tasks).where(among(connection, tasks.c.job_seq, seqs)),
        delete(job_needs).where(among(connection, job_needs.c.job_seq, seqs)),
        delete(job_needs).where(among(connection, job_needs.c.needs_job_seq, seqs)),
        delete(generation_marks).where(among(connection, generation_marks.c.job_seq, seqs)),
        update(ledger)
        .where(among(connection, ledger.c.job_seq, seqs))
        .values(reference=_job_reference(), job_seq=None),
        delete(jobs).where(among(connection, jobs.c.seq, seqs)),
    ):
        connection.execute(statement)
    return len(seqs)


def forget_batches(connection: Connection, before: float, count: int) -> int:
    """Delete batches that ended before then and have no job left, their refused rows first."""
    ids = connection.scalars(_empty_batches(before).limit(count).with_for_update(skip_locked=True)).all()
    if not ids:
        return 0
    some = select(batch_rejects.c.id).where(batch_rejects.c.batch_id.in_(ids)).limit(count)
    refused = connection.execute(delete(batch_rejects).where(batch_rejects.c.id.in_(some))).rowcount
    if refused == count:  # there may be more
        return refused
    connection.execute(delete(batch_tallies).where(batch_tallies.c.batch_id.in_(ids)))
    return refused + connection.execute(delete(batches).where(batches.c.id.in_(ids))).rowcount


def forget_projects(connection: Connection, expired_before: float, count: int) -> int:
    """Delete media projects that have neither files nor a render any more."""
    some = _empty_projects(expired_before).limit(count).with_for_update(skip_locked=True)
    ids = connection.scalars(some).all()
    if not ids:
        return 0
    return connection.execute(delete(media_projects).where(media_projects.c.id.in_(ids))).rowcount


def forget_events(connection: Connection, before: float, count: int) -> int:
    """Delete events that told of no job, with their deliveries."""
    ids = connection.scalars(_old_events(before).order_by(outbox.c.id).limit(count).with_for_update()).all()
    if not ids:
        return 0
    sent = connection.execute(
        select(deliveries.c.outbox_id, deliveries.c.state)
        .where(deliveries.c.outbox_id.in_(ids))
        .order_by(deliveries.c.id)
        .with_for_update()
    ).all()
    rest = sorted(set(ids) - {row.outbox_id for row in sent if row.state == DeliveryState.PENDING})
    connection.execute(delete(deliveries).where(deliveries.c.outbox_id.in_(rest)))
    return connection.execute(delete(outbox).where(outbox.c.id.in_(rest))).rowcount


def counted(connection: Connection, before: float, expired_before: float) -> dict[str, int]:
    """How many batches, media projects and account events could go now."""
    found = {
        "batches": _empty_batches(before),
        "projects": _empty_projects(expired_before),
        "events": _old_events(before),
    }
    return {
        name: connection.scalar(select(func.count()).select_from(query.subquery())) or 0
        for name, query in found.items()
    }


def _unwanted(connection: Connection, rows: Sequence[AnyRow], before: float) -> list[int]:
    """Those of these jobs that nobody came back to since they were found; what could change is locked."""
    wanted = {row.batch_id for row in rows if row.batch_id is not None}
    over = set(
        connection.scalars(
            select(batches.c.id)
            .where(batches.c.id.in_(wanted), batches.c.ended_at <= before)
            .order_by(batches.c.id)
            .with_for_update()
        )
    )
    seqs = [row.seq for row in rows if row.batch_id is None or row.batch_id in over]
    sent = connection.execute(
        select(outbox.c.job_seq, deliveries.c.state)
        .join(outbox, outbox.c.id == deliveries.c.outbox_id)
        .where(among(connection, outbox.c.job_seq, seqs))
        .order_by(deliveries.c.id)
        .with_for_update(of=deliveries)
    ).all()
    busy = {row.job_seq for row in sent if row.state == DeliveryState.PENDING}
    return [seq for seq in seqs if seq not in busy]


def _job_reference() -> Any:
    """`job:job_…`, told from the job the entry still points at."""
    job_id = select(jobs.c.id).where(jobs.c.seq == ledger.c.job_seq).scalar_subquery()
    return literal(JOB_REFERENCE) + job_id


def _empty_batches(before: float) -> Select[Any]:
    own = exists(select(jobs.c.seq).where(jobs.c.batch_id == batches.c.id))
    return select(batches.c.id).where(batches.c.ended_at <= before, ~own)


def _empty_projects(expired_before: float) -> Select[Any]:
    files = exists(select(assets.c.id).where(assets.c.project_id == media_projects.c.id))
    render = exists(select(jobs.c.seq).where(jobs.c.id == media_projects.c.job_id))
    return select(media_projects.c.id).where(media_projects.c.expires_at <= expired_before, ~files, ~render)


def _old_events(before: float) -> Select[Any]:
    sending = exists(
        select(deliveries.c.id).where(
            deliveries.c.outbox_id == outbox.c.id, deliveries.c.state == DeliveryState.PENDING
        )
    )
    return select(outbox.c.id).where(
        outbox.c.job_seq.is_(None), outbox.c.state != _PENDING, outbox.c.created_at <= before, ~sending
    )
