"""Ends jobs: state, money and the outbox in one transaction; tells what is left of the job to stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from farm.doors.hall import Hall
from farm.job import Failure
from farm.states import TERMINAL_JOBS, AttemptState, JobState, Outcome, TaskState
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import accounts, attempts, jobs, ledger, outbox, tasks
from schedulers.lanes import LaneChanges


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ends now, and why if it failed."""

    job_seq: int
    state: JobState
    failure: Failure | None = None


_FIRST_START = (
    select(func.min(attempts.c.started_at)).where(attempts.c.job_seq == jobs.c.seq).scalar_subquery()
)
_JOB = (
    update(jobs)
    .where(jobs.c.seq == bindparam("job"))
    .values(
        state=bindparam("to_state"),
        ended_at=bindparam("at"),
        charged_mc=bindparam("charged"),
        result=bindparam("to_result"),
        failure_class=bindparam("to_class"),
        error_code=bindparam("to_code"),
        error_message=bindparam("to_message"),
        # A job that ran and ended between two sweeps was never noted as running.
        started_at=func.coalesce(jobs.c.started_at, _FIRST_START),
    )
)
_BALANCE = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.balance_mc.is_not(None))
    .values(balance_mc=accounts.c.balance_mc + bindparam("back"))
)


def end_jobs(hall: Hall, connection: Connection, ended: Sequence[Ended], now: float) -> None:
    """End these jobs, unless they have ended already: terminal states never change."""
    if not ended:
        return
    why = {end.job_seq: end for end in ended}
    rows = connection.execute(
        select(jobs).where(jobs.c.seq.in_(list(why)), jobs.c.state.not_in(TERMINAL_JOBS)).order_by(jobs.c.seq)
    ).all()
    if not rows:
        return
    results = _results(connection, [row.seq for row in rows if why[row.seq].state is JobState.COMPLETED])
    charged = {row.seq: _charge(row, why[row.seq].state, results.get(row.seq, {})) for row in rows}
    connection.execute(
        _JOB, [_job(row, why[row.seq], charged[row.seq], results.get(row.seq, {}), now) for row in rows]
    )
    _settle_money(connection, rows, why, charged, now)
    _tell(connection, rows, why, now)
    stop_rest(connection, [row.seq for row in rows if why[row.seq].state is not JobState.COMPLETED], now)


def stop_rest(connection: Connection, job_seqs: Sequence[int], now: float) -> None:
    """Cancel what these jobs have not started, withdraw what is only published, ask the running to stop."""
    if not job_seqs:
        return
    lanes = LaneChanges()
    cancel = (
        update(tasks).where(tasks.c.job_seq.in_(job_seqs)).values(state=TaskState.CANCELLED, ended_at=now)
    )
    ready = cancel.where(tasks.c.state == TaskState.READY).returning(tasks.c.lane_id)
    for lane_id in connection.scalars(ready):
        lanes.at(lane_id).ready -= 1
    connection.execute(cancel.where(tasks.c.state.in_((TaskState.BLOCKED, TaskState.WAITING))))
    withdrawn = connection.execute(
        update(attempts)
        .where(attempts.c.job_seq.in_(job_seqs), attempts.c.state == AttemptState.PUBLISHED)
        .values(state=AttemptState.SETTLED, outcome=Outcome.CANCELLED, ended_at=now)
        .returning(attempts.c.task_id, attempts.c.lane_id, attempts.c.estimated_s)
    ).all()
    for row in withdrawn:
        change = lanes.at(row.lane_id)
        change.busy -= 1
        change.vtime -= row.estimated_s
    connection.execute(
        update(attempts)
        .where(attempts.c.job_seq.in_(job_seqs), attempts.c.state == AttemptState.RUNNING)
        .values(cancel=True)
    )
    if withdrawn:
        connection.execute(_CANCEL_TASK, [{"task": row.task_id, "now": now} for row in withdrawn])
    lanes.write(connection)


_CANCEL_TASK = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(state=TaskState.CANCELLED, ended_at=bindparam("now"))
)


def _results(connection: Connection, job_seqs: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Each job's result: its tasks' results by task name."""
    if not job_seqs:
        return {}
    found: dict[int, dict[str, Any]] = {}
    query = select(tasks.c.job_seq, tasks.c.name, tasks.c.result).where(tasks.c.job_seq.in_(job_seqs))
    for row in connection.execute(query.order_by(tasks.c.id)):
        if row.result:
            found.setdefault(row.job_seq, {})[row.name] = row.result
    return found


def _charge(row: AnyRow, state: JobState, result: dict[str, Any]) -> int:
    """What the job costs: its hold, or less when a task's result says so; nothing unless it completed."""
    if state is not JobState.COMPLETED:
        return 0
    said = [task["cost_mc"] for task in result.values() if isinstance(task, dict) and "cost_mc" in task]
    return max(0, min(row.held_mc, int(sum(said)))) if said else int(row.held_mc)


def _job(row: AnyRow, end: Ended, charged_mc: int, result: dict[str, Any], now: float) -> dict[str, Any]:
    failure = end.failure
    return {
        "job": row.seq,
        "to_state": end.state,
        "at": now,
        "charged": charged_mc,
        "to_result": result,
        "to_class": failure.failure_class if failure else None,
        "to_code": failure.code if failure else None,
        "to_message": failure.message if failure else None,
    }


def _settle_money(
    connection: Connection,
    rows: Sequence[AnyRow],
    why: dict[int, Ended],
    charged: dict[int, int],
    now: float,
) -> None:
    """One settle or release per job: the ledger's UNIQUE(job, entry) holds it to one of each."""
    connection.execute(
        insert(ledger),
        [
            {
                "account_id": row.account_id,
                "job_seq": row.seq,
                "entry": "settle" if why[row.seq].state is JobState.COMPLETED else "release",
                "amount_mc": row.held_mc - charged[row.seq],
                "created_at": now,
            }
            for row in rows
        ],
    )
    back: dict[int, int] = {}
    for row in rows:
        back[row.account_id] = back.get(row.account_id, 0) + row.held_mc - charged[row.seq]
    changes = [{"account": account, "back": amount} for account, amount in sorted(back.items()) if amount]
    if changes:
        connection.execute(_BALANCE, changes)


def _tell(connection: Connection, rows: Sequence[AnyRow], why: dict[int, Ended], now: float) -> None:
    """Write the webhook events of jobs that asked for them."""
    events = [
        {
            "account_id": row.account_id,
            "job_seq": row.seq,
            "event": f"job.{why[row.seq].state}",
            "endpoint": row.webhook_url,
            "payload": {"id": row.id, "kind": row.kind, "status": why[row.seq].state, "completed_at": now},
            "state": "pending",
            "due_at": now,
            "created_at": now,
        }
        for row in rows
        if row.webhook_url
    ]
    if events:
        connection.execute(insert_ignore(connection, outbox), events)
