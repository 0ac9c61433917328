"""Ends jobs: state, money and the outbox in one transaction; tells what is left of the job to stop."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, func, select, update

from farm.choices import Choice
from farm.doors.batch_tally import add_ended
from farm.doors.budgets import give_back
from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.money import month_of
from farm.states import TERMINAL_JOBS, AttemptState, JobState, Outcome, TaskState
from farm.store.bulk import UpdateMany, insert_many
from farm.store.dialect import OneOf, insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import accounts, attempts, jobs, lanes, ledger, outbox, tasks, webhook_endpoints
from farm.webhook import EndpointState
from schedulers.lanes import LaneChanges, correct_tiers
from schedulers.needs import count_again, lost


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ends now, and why if it failed."""

    job_seq: int
    state: JobState
    failure: Failure | None = None


_LISTENING = select(webhook_endpoints.c.account_id).where(webhook_endpoints.c.state == EndpointState.ENABLED)
_UNENDED = (
    select(
        jobs.c.seq,
        jobs.c.account_id,
        jobs.c.api_key_id,
        jobs.c.batch_id,
        jobs.c.held_mc,
        jobs.c.webhook_url,
        jobs.c.created_at,
        exists(_LISTENING.where(webhook_endpoints.c.account_id == jobs.c.account_id)).label("has_listener"),
    )
    .where(OneOf(jobs.c.seq, "ids"), jobs.c.state.not_in(TERMINAL_JOBS))
    .order_by(jobs.c.seq)
)
_RESULTS = (
    select(tasks.c.job_seq, tasks.c.name, tasks.c.result, tasks.c.choice)
    .where(OneOf(tasks.c.job_seq, "ids"))
    .order_by(tasks.c.job_seq, tasks.c.id)
)
_FIRST_START = (
    select(func.min(attempts.c.started_at)).where(attempts.c.job_seq == jobs.c.seq).scalar_subquery()
)
_JOB = UpdateMany(
    jobs.c.seq,
    {
        "to_state": jobs.c.state,
        "at": jobs.c.ended_at,
        "charged": jobs.c.charged_mc,
        "to_result": jobs.c.result,
        "to_class": jobs.c.failure_class,
        "to_code": jobs.c.error_code,
        "to_message": jobs.c.error_message,
    },
    lambda given: {
        "state": given["to_state"],
        "ended_at": given["at"],
        "charged_mc": given["charged"],
        "result": given["to_result"],
        "failure_class": given["to_class"],
        "error_code": given["to_code"],
        "error_message": given["to_message"],
        "open_tasks": case((given["to_state"] == JobState.COMPLETED.value, 0), else_=jobs.c.open_tasks),
        # A job that ran and ended between two sweeps was never noted as running.
        "started_at": func.coalesce(jobs.c.started_at, _FIRST_START),
    },
)
_BALANCE = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(
        balance_mc=accounts.c.balance_mc + bindparam("back"),  # null stays null: not metered
        spent_mc=case((accounts.c.spent_month == bindparam("month"), accounts.c.spent_mc), else_=0)
        + bindparam("charged"),
        spent_month=bindparam("month"),
    )
)


def end_jobs(hall: Hall, connection: Connection, ended: Sequence[Ended], now: float) -> None:
    """End these jobs, unless they have ended already: terminal states never change.

    Jobs of a batch that need one which did not complete fail with it.
    """
    while ended:
        ended = _after(connection, _end(hall, connection, ended, now))


def cannot_start(found: Mapping[int, str]) -> list[Ended]:
    """The ends of jobs that need one which will not complete: its custom_id by their seq."""
    return [
        Ended(
            seq,
            JobState.FAILED,
            Failure(
                FailureClass.DEPENDENCY,
                "dependency_failed",
                f"The job needs {name!r}, which did not complete.",
            ),
        )
        for seq, name in sorted(found.items())
    ]


def _after(connection: Connection, ended: Sequence[Ended]) -> list[Ended]:
    """What ended jobs mean to those that need them."""
    done = [end.job_seq for end in ended if end.state is JobState.COMPLETED]
    gone = [end.job_seq for end in ended if end.state is not JobState.COMPLETED]
    if done:
        count_again(connection, done)
    return cannot_start(lost(connection, gone)) if gone else []


def _end(hall: Hall, connection: Connection, ended: Sequence[Ended], now: float) -> list[Ended]:
    """End these. Returns those that others of their batch may need."""
    why = {end.job_seq: end for end in ended}
    rows = connection.execute(_UNENDED, {"ids": list(why)}).all()
    if not rows:
        return []
    completed = [row.seq for row in rows if why[row.seq].state is JobState.COMPLETED]
    results, saved = _results(connection, completed)
    charged = {
        row.seq: _charge(row, why[row.seq].state, results.get(row.seq, {}), saved.get(row.seq, 0))
        for row in rows
    }
    ends = [_job(row, why[row.seq], charged[row.seq], results.get(row.seq, {}), now) for row in rows]
    _JOB.run(connection, ends)
    add_ended(connection, [row.seq for row in rows if row.batch_id is not None])
    _settle_money(connection, rows, why, charged, now)
    told = {row.account_id for row in rows if row.has_listener}
    tell(connection, rows, {row.seq: why[row.seq].state for row in rows}, told, now)
    stop_rest(
        hall, connection, [row.seq for row in rows if why[row.seq].state is not JobState.COMPLETED], now
    )
    return [why[row.seq] for row in rows if row.batch_id is not None]


def stop_rest(hall: Hall, connection: Connection, job_seqs: Sequence[int], now: float) -> None:
    """Cancel what these jobs have not started, withdraw what is only published, ask the running to stop."""
    if not job_seqs:
        return
    changes = LaneChanges()
    cancel = (
        update(tasks).where(tasks.c.job_seq.in_(job_seqs)).values(state=TaskState.CANCELLED, ended_at=now)
    )
    ready = cancel.where(tasks.c.state == TaskState.READY).returning(tasks.c.lane_id)
    for lane_id in connection.scalars(ready):
        changes.at(lane_id).ready -= 1
    connection.execute(cancel.where(tasks.c.state.in_((TaskState.BLOCKED, TaskState.WAITING))))
    withdrawn = connection.execute(
        update(attempts)
        .where(attempts.c.job_seq.in_(job_seqs), attempts.c.state == AttemptState.PUBLISHED)
        .values(state=AttemptState.SETTLED, outcome=Outcome.CANCELLED, ended_at=now)
        .returning(
            attempts.c.task_id,
            attempts.c.lane_id,
            attempts.c.pool,
            attempts.c.resource,
            attempts.c.estimated_s,
        )
    ).all()
    for row in withdrawn:
        change = changes.at(row.lane_id)
        change.busy -= 1
        change.vtime -= row.estimated_s
    connection.execute(
        update(attempts)
        .where(attempts.c.job_seq.in_(job_seqs), attempts.c.state == AttemptState.RUNNING)
        .values(cancel=True)
    )
    if withdrawn:
        connection.execute(_CANCEL_TASK, [{"task": row.task_id, "now": now} for row in withdrawn])
        _give_back(hall, connection, withdrawn)
    changes.write(connection)


def _give_back(hall: Hall, connection: Connection, withdrawn: Sequence[AnyRow]) -> None:
    """What tiers were charged for attempts that nobody began."""
    these = lanes.c.id.in_({row.lane_id for row in withdrawn})
    tier_of = {row.id: row.tier for row in connection.execute(select(lanes.c.id, lanes.c.tier).where(these))}
    seconds: dict[tuple[str, str, str], float] = {}
    for row in withdrawn:
        key = (row.pool, row.resource, tier_of[row.lane_id])
        seconds[key] = seconds.get(key, 0.0) - row.estimated_s
    correct_tiers(hall.catalog, connection, seconds)


_CANCEL_TASK = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(state=TaskState.CANCELLED, ended_at=bindparam("now"))
)


def _results(
    connection: Connection, job_seqs: Sequence[int]
) -> tuple[dict[int, dict[str, Any]], dict[int, int]]:
    """Each job's result, its tasks' results by task name; and by how much its providers were cheaper."""
    found: dict[int, dict[str, Any]] = {}
    saved: dict[int, int] = {}
    for row in connection.execute(_RESULTS, {"ids": job_seqs}) if job_seqs else ():
        if row.result:
            found.setdefault(row.job_seq, {})[row.name] = row.result
        if row.choice:
            saved_mc = Choice.model_validate(row.choice).saved_mc
            saved[row.job_seq] = saved.get(row.job_seq, 0) + saved_mc
    return found, saved


def _charge(row: AnyRow, state: JobState, result: dict[str, Any], saved_mc: int) -> int:
    """What the job costs: its hold, less what cheaper providers saved, or less when a task's result says so.

    Nothing unless it completed.
    """
    if state is not JobState.COMPLETED:
        return 0
    most = max(0, int(row.held_mc) - saved_mc)
    said = [task["cost_mc"] for task in result.values() if isinstance(task, dict) and "cost_mc" in task]
    return max(0, min(most, int(sum(said)))) if said else most


def _job(row: AnyRow, end: Ended, charged_mc: int, result: dict[str, Any], now: float) -> dict[str, Any]:
    failure = end.failure
    return {
        "key": row.seq,
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
    insert_many(
        connection,
        ledger,
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
    held, cost = dict[int, int](), dict[int, int]()
    for row in rows:
        held[row.account_id] = held.get(row.account_id, 0) + row.held_mc
        cost[row.account_id] = cost.get(row.account_id, 0) + charged[row.seq]
    changes = [
        {"account": account, "back": amount - cost[account], "charged": cost[account], "month": month_of(now)}
        for account, amount in sorted(held.items())
        if amount
    ]
    if changes:
        connection.execute(_BALANCE, changes)
    give_back(
        connection,
        [(row.api_key_id, row.created_at, row.held_mc - charged[row.seq]) for row in rows if row.api_key_id],
    )


def listening(connection: Connection, account_id: int) -> Set[int]:
    """The account, if it has an endpoint that listens."""
    return {*connection.scalars(_LISTENING.where(webhook_endpoints.c.account_id == account_id))}


def tell(
    connection: Connection,
    rows: Sequence[AnyRow],
    states: Mapping[int, JobState],
    who_listens: Set[int],
    now: float,
) -> None:
    """Write the webhook events of jobs that asked for them, or whose accounts have endpoints that listen."""
    events = [
        {
            "account_id": row.account_id,
            "job_seq": row.seq,
            "event": f"job.{states[row.seq]}",
            "endpoint": row.webhook_url or "",
            "api_key_id": row.api_key_id,
            "payload": {},
            "state": "pending",
            "due_at": now,
            "created_at": now,
        }
        for row in rows
        if row.webhook_url or row.account_id in who_listens
    ]
    if events:
        connection.execute(insert_ignore(connection, outbox), events)
