"""The sweep: finds what was lost or has become due. Every path that a crash may cut ends here."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select, update

from farm.broker.message import Message, about
from farm.rules.running import Scheduling
from farm.states import AttemptState, JobState, Outcome, TaskState, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, accounts, attempts, jobs, tasks, workers
from schedulers.arrivals import arrive
from schedulers.capacity import Line, LineCapacity

_AT_ONCE = 500
_DUE_AT_ONCE = 5000  # many: parked tasks come back here every few seconds
_LONGEST_BACKOFF = 6

_EXPIRED = (
    select(
        attempts.c.id,
        attempts.c.token,
        attempts.c.pool,
        attempts.c.resource,
        attempts.c.queue,
        attempts.c.order,
        attempts.c.publishes,
        tasks.c.requires,
        jobs.c.id.label("job_id"),
        accounts.c.name.label("account"),
        accounts.c.tier,
    )
    .select_from(attempts)
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .join(jobs, jobs.c.seq == attempts.c.job_seq)
    .join(accounts, accounts.c.id == jobs.c.account_id)
    .where(LIVE, attempts.c.state == AttemptState.PUBLISHED, attempts.c.lease_at < bindparam("now"))
    .order_by(attempts.c.lease_at)
    .limit(_AT_ONCE)
)
_SAY_AGAIN = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.state == AttemptState.PUBLISHED)
    .values(publishes=attempts.c.publishes + bindparam("said"), lease_at=bindparam("lease"))
)


_FIRST_DUE = (
    select(tasks.c.id)
    .where(tasks.c.state == TaskState.WAITING, tasks.c.due_at <= bindparam("now"))
    .order_by(tasks.c.due_at)
    .limit(bindparam("count"))
)
_DUE = (
    update(tasks)
    .where(tasks.c.id.in_(_FIRST_DUE))
    .values(
        state=TaskState.READY,
        due_at=None,
        parked_for=None,
        ready_at=func.coalesce(tasks.c.ready_at, bindparam("now")),
    )
    .returning(tasks.c.lane_id)
)
_RUNNING_TASKS = (
    update(tasks)
    .where(
        tasks.c.state == TaskState.DISPATCHED,
        tasks.c.id.in_(select(attempts.c.task_id).where(LIVE, attempts.c.state == AttemptState.RUNNING)),
    )
    .values(state=TaskState.RUNNING)
    .returning(tasks.c.job_seq)
)


def sweep(
    connection: Connection,
    capacity: Mapping[Line, LineCapacity],
    rules: Scheduling,
    now: float,
    *,
    judge_leases: bool = True,
) -> list[Message]:
    """Do all of it. Returns the messages to publish again after the commit.

    `judge_leases` is False just after the store was away: workers had no chance to beat.
    """
    _silent_workers(connection, now - rules.worker_gone_s)
    if judge_leases:
        _lost_leases(connection, now)
    _due_tasks(connection, now)
    _note_running(connection)
    connection.execute(_WITHDRAW_KEPT_OUT, {"now": now})
    return _lost_messages(connection, capacity, rules, now)


def _silent_workers(connection: Connection, seen_since: float) -> None:
    connection.execute(
        update(workers)
        .where(workers.c.seen_at < seen_since, workers.c.state != WorkerState.OFFLINE)
        .values(state=WorkerState.OFFLINE)
    )


def _lost_leases(connection: Connection, now: float) -> None:
    """A claimed attempt that fell silent is over; its token opens nothing any more."""
    connection.execute(
        update(attempts)
        .where(LIVE, attempts.c.state == AttemptState.RUNNING, attempts.c.lease_at < now)
        .values(state=AttemptState.FINISHED, outcome=Outcome.LOST, ended_at=now)
    )


def _due_tasks(connection: Connection, now: float) -> None:
    """Waiting tasks whose time has come are ready."""
    counts = Counter(connection.scalars(_DUE, {"now": now, "count": _DUE_AT_ONCE}))
    if counts:
        arrive(connection, counts, now)


def _note_running(connection: Connection) -> None:
    """Claims change attempts only; once a sweep they are noted on their tasks and jobs."""
    running = sorted(set(connection.scalars(_RUNNING_TASKS)))
    if running:
        connection.execute(_RUNNING_JOB, [{"job": seq} for seq in running])


_RUNNING_JOB = (
    update(jobs)
    .where(jobs.c.seq == bindparam("job"), jobs.c.started_at.is_(None), jobs.c.ended_at.is_(None))
    .values(
        state=JobState.RUNNING,
        started_at=select(func.min(attempts.c.started_at))
        .where(attempts.c.job_seq == jobs.c.seq)
        .scalar_subquery(),
    )
)


def _lost_messages(
    connection: Connection, capacity: Mapping[Line, LineCapacity], rules: Scheduling, now: float
) -> list[Message]:
    """Published and unclaimed for too long: say it again, same token, when somebody could take it.

    While every slot is busy the message merely waits its turn, and saying it again would only pile up
    copies. A message to one worker's own queue is withdrawn once that worker is gone.
    """
    rows = connection.execute(_EXPIRED, {"now": now}).all()
    if not rows:
        return []
    gone = [row for row in rows if _gone(row, capacity)]
    _withdraw(connection, gone, now)
    gone_ids = {row.id for row in gone}
    there = [row for row in rows if row.id not in gone_ids]
    again = [row for row in there if _room(row, capacity)]
    changes = [
        _said(row, 1 if _room(row, capacity) else 0, rules, now)
        for row in sorted(there, key=lambda row: int(row.id))  # a worker may be taking several, in this order
    ]
    if changes:
        connection.execute(_SAY_AGAIN, changes)
    return [
        Message(
            row.id,
            row.token,
            row.queue,
            row.order,
            row.requires["kind"],
            about(row.job_id, row.account, row.tier),
        )
        for row in again
    ]


_KEPT_OUT = select(workers.c.queue).where(workers.c.kept_out.is_not(None))
# A worker that is drained or quarantined gets nothing more, not even what lies in its own queue.
_WITHDRAW_KEPT_OUT = (
    update(attempts)
    .where(LIVE, attempts.c.state == AttemptState.PUBLISHED, attempts.c.queue.in_(_KEPT_OUT))
    .values(state=AttemptState.FINISHED, outcome=Outcome.SUPERSEDED, ended_at=bindparam("now"))
)


def _gone(row: AnyRow, capacity: Mapping[Line, LineCapacity]) -> bool:
    line = capacity.get((row.pool, row.resource))
    if row.queue == row.pool:
        return line is None or not line.can_run(row.requires)
    return line is None or row.queue not in {worker.queue for worker in line.workers}


def _room(row: AnyRow, capacity: Mapping[Line, LineCapacity]) -> bool:
    line = capacity[row.pool, row.resource]
    return line.running < line.slots


def _said(row: AnyRow, times: int, rules: Scheduling, now: float) -> dict[str, object]:
    backoff = 2.0 ** min(row.publishes - 1 + times, _LONGEST_BACKOFF)
    return {"attempt": row.id, "said": times, "lease": now + rules.publish_lease_s * backoff}


def _withdraw(connection: Connection, rows: Sequence[AnyRow], now: float) -> None:
    """Take back messages nobody is there to receive; the task goes back to its lane at no cost."""
    if rows:
        connection.execute(
            update(attempts)
            .where(attempts.c.id.in_([row.id for row in rows]), attempts.c.state == AttemptState.PUBLISHED)
            .values(state=AttemptState.FINISHED, outcome=Outcome.SUPERSEDED, ended_at=now)
        )
