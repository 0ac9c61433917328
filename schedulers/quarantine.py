"""Takes a worker out that fails one job after the other by what may be its own fault.

A job that fails on another worker too is the job's fault, and where most of a pool fails it is the work's:
then nobody is taken out, or one customer's bad files would empty the farm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, bindparam, select, update

from farm.doors import audit
from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.states import Outcome, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import attempts, workers

log = structlog.get_logger(__name__)

OWN_FAULTS = frozenset(
    {
        FailureClass.CRASH,
        FailureClass.INTERNAL,
        FailureClass.DISK_FULL,
        FailureClass.OOM,
        FailureClass.TIMEOUT,
        FailureClass.NO_PROGRESS,
    }
)


@dataclass(slots=True)
class Record:
    """A worker of a pool and the different jobs that failed on it in a row, the latest last."""

    name: str
    pool: str
    is_kept_out: bool
    is_here: bool
    failed_jobs: list[int]
    changed: bool = False


def tally(records: Sequence[Record], rows: Sequence[AnyRow]) -> None:
    """Carry finished attempts, in their order, into the records. Pure."""
    by_name = {record.name: record for record in records}
    for row in rows:
        record = by_name.get(row.worker)
        if record is None:
            continue
        if row.outcome == Outcome.SUCCEEDED:
            _set(record, [])
        elif row.outcome == Outcome.FAILED and row.failure_class in OWN_FAULTS:
            others = [other for other in records if other is not record and row.job_seq in other.failed_jobs]
            for other in others:
                _set(other, [seq for seq in other.failed_jobs if seq != row.job_seq])
            if not others and row.job_seq not in record.failed_jobs:
                _set(record, [*record.failed_jobs, row.job_seq])


def unfit(records: Sequence[Record], after: int) -> list[Record]:
    """Who is to be taken out: `after` failures in a row while most others of the pool do not fail. Pure."""
    found = []
    for record in records:
        if record.is_kept_out or not 0 < after <= len(record.failed_jobs):
            continue
        others = [o for o in records if o is not record and o.pool == record.pool and o.is_here]
        failing = [other for other in others if len(other.failed_jobs) * 2 >= after]
        if len(failing) * 2 <= len(others):
            found.append(record)
    return found


def judge(hall: Hall, connection: Connection, rows: Sequence[AnyRow], now: float) -> None:
    """Keep the workers' records by these finished attempts, and quarantine who has become unfit.

    The rows say `worker_failing` (WORKER_FAILING) as well.
    """
    after = hall.catalog.scheduling.quarantine_after
    if after == 0 or not _matters(rows):
        return
    records = [_record(row, now - hall.catalog.scheduling.worker_gone_s) for row in connection.execute(_ALL)]
    tally(records, rows)
    changed = [record for record in records if record.changed]
    if changed:
        connection.execute(_RECORD, [_columns(record, after) for record in changed])
    for record in unfit(records, after):
        _quarantine(hall, connection, record)


def _matters(rows: Sequence[AnyRow]) -> bool:
    """Whether anything can change: most batches hold successes of workers that never failed."""
    return any(
        (row.outcome == Outcome.FAILED and row.failure_class in OWN_FAULTS)
        or (row.outcome == Outcome.SUCCEEDED and row.worker_failing)
        for row in rows
    )


def _quarantine(hall: Hall, connection: Connection, record: Record) -> None:
    number = len(record.failed_jobs)
    because = f"the last {number} different jobs failed on it by what may be its own fault"
    connection.execute(_KEEP_OUT, {"worker": record.name, "because": because})
    audit.note(
        connection, hall, audit.SCHEDULER, "worker.quarantine", record.name, {"job_seqs": record.failed_jobs}
    )
    log.warning("worker_quarantined", worker=record.name, pool=record.pool, because=because)


def _set(record: Record, failed_jobs: list[int]) -> None:
    record.changed = record.changed or failed_jobs != record.failed_jobs
    record.failed_jobs = failed_jobs


def _columns(record: Record, after: int) -> dict[str, object]:
    kept = record.failed_jobs[-after:]
    return {"worker": record.name, "jobs": kept, "number": len(kept)}


def _record(row: AnyRow, seen_since: float) -> Record:
    here = row.state == WorkerState.ONLINE and row.kept_out is None and row.seen_at >= seen_since
    return Record(row.name, row.pool, row.kept_out is not None, here, list(row.failed_jobs))


_ALL = select(
    workers.c.name,
    workers.c.pool,
    workers.c.state,
    workers.c.kept_out,
    workers.c.seen_at,
    workers.c.failed_jobs,
).order_by(workers.c.name)
# How many different jobs failed in a row on the worker of an attempt, for a query of attempts.
WORKER_FAILING = select(workers.c.failing).where(workers.c.name == attempts.c.worker).scalar_subquery()
_RECORD = (
    update(workers)
    .where(workers.c.name == bindparam("worker"))
    .values(failed_jobs=bindparam("jobs", type_=workers.c.failed_jobs.type), failing=bindparam("number"))
)
_KEEP_OUT = (
    update(workers)
    .where(workers.c.name == bindparam("worker"))
    .values(kept_out=WorkerState.QUARANTINED, kept_out_because=bindparam("because"))
)
