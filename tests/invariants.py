"""What must hold of a store once all its work has ended, however it was disturbed meanwhile."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, case, exists, func, select

from farm.batch import BatchState
from farm.doors.batch_tally import Tally, counted, tallies
from farm.states import TERMINAL_JOBS, TERMINAL_TASKS, AttemptState, JobState, Outcome, TaskState
from farm.store.engine import Store
from farm.store.schema import accounts, artifacts, attempts, batches, jobs, lanes, ledger, tasks


def violations(store: Store) -> list[str]:
    """Every broken promise, in words; empty when all is well."""
    with store.read() as connection:
        return [
            *_unended(connection),
            *_winners(connection),
            *_money(connection),
            *_lanes(connection),
            *_batches(connection),
            *_tallies(connection),
        ]


def _unended(connection: Connection) -> list[str]:
    found = []
    for table, states in ((jobs, TERMINAL_JOBS), (tasks, TERMINAL_TASKS)):
        unended = select(table.c.state, func.count()).where(table.c.state.not_in(states))
        query = unended.group_by(table.c.state)
        found += [f"{number} {table.name} are still {state}" for state, number in connection.execute(query)]
    live = connection.scalar(
        select(func.count()).where(attempts.c.state != AttemptState.SETTLED).select_from(attempts)
    )
    return [*found, *([f"{live} attempts are not settled"] if live else [])]


def _winners(connection: Connection) -> list[str]:
    """A task that succeeded has exactly one winning attempt, or a file of the cache and none.

    Any other has none that counted.
    """
    won = func.count(attempts.c.id)
    taken = exists(select(artifacts.c.id).where(artifacts.c.task_id == tasks.c.id, artifacts.c.intermediate))
    query = (
        select(tasks.c.id, won)
        .select_from(tasks)
        .join(
            attempts,
            (attempts.c.task_id == tasks.c.id) & (attempts.c.outcome == Outcome.SUCCEEDED),
            isouter=True,
        )
        .where(tasks.c.state == TaskState.SUCCEEDED, ~((tasks.c.attempts == 0) & taken))
        .group_by(tasks.c.id)
        .having(won != 1)
    )
    return [f"task {task_id} has {number} winning attempts" for task_id, number in connection.execute(query)]


def _money(connection: Connection) -> list[str]:
    """A job that ended has one hold and one end of it; every balance is the sum of its ledger."""
    end = case((jobs.c.state == JobState.COMPLETED, "settle"), else_="release")
    counted = {name: func.coalesce(func.sum(case((ledger.c.entry == name, 1), else_=0)), 0) for name in _JOB}
    ends = func.coalesce(func.sum(case((ledger.c.entry == end, 1), else_=0)), 0)
    total = func.coalesce(func.sum(ledger.c.amount_mc), 0)
    query = (
        select(jobs.c.id, jobs.c.state, jobs.c.charged_mc, total.label("total"), *_named(counted))
        .join(ledger, ledger.c.job_seq == jobs.c.seq, isouter=True)
        .where(jobs.c.state.in_(TERMINAL_JOBS))
        .group_by(jobs.c.seq, jobs.c.id, jobs.c.state, jobs.c.charged_mc)
        .having(
            (counted["hold"] != 1)
            | (ends != 1)
            | (func.count(ledger.c.id) != 2)
            | (total != -jobs.c.charged_mc)
        )
    )
    found = [
        f"job {row.id} ({row.state}) was charged {row.charged_mc}; its ledger has {row.hold} hold, "
        f"{row.settle} settle, {row.release} release, in sum {row.total}"
        for row in connection.execute(query)
    ]
    return [*found, *_balances(connection)]


_JOB = ("hold", "settle", "release")


def _named(counted: Mapping[str, ColumnElement[int]]) -> list[ColumnElement[int]]:
    return [number.label(name) for name, number in counted.items()]


def _balances(connection: Connection) -> list[str]:
    entered = func.coalesce(func.sum(ledger.c.amount_mc), 0)
    query = (
        select(accounts.c.name, accounts.c.balance_mc)
        .join(ledger, ledger.c.account_id == accounts.c.id, isouter=True)
        .where(accounts.c.balance_mc.is_not(None))
        .group_by(accounts.c.id, accounts.c.name, accounts.c.balance_mc)
        .having((entered != accounts.c.balance_mc) | (accounts.c.balance_mc < 0))
    )
    return [
        f"account {row.name} has {row.balance_mc}, its ledger says otherwise"
        for row in connection.execute(query)
    ]


def _lanes(connection: Connection) -> list[str]:
    """The counters say what is there: nothing ready, nothing busy.

    A fresh lane, into which nothing was counted yet, knows no `busy` of its own: its siblings do.
    """
    is_busy = (lanes.c.busy != 0) & ~lanes.c.fresh
    query = select(lanes).where((lanes.c.ready != 0) | is_busy | lanes.c.open)
    return [
        f"lane {lane.id} counts {lane.ready} ready, {lane.busy} busy, open={lane.open}"
        for lane in connection.execute(query)
    ]


def _tallies(connection: Connection) -> list[str]:
    """What is noted of each batch's rows is what a count of them finds."""
    ids = connection.scalars(select(batches.c.id).where(batches.c.tallied)).all()
    noted, found = tallies(connection, ids), counted(connection, ids)
    return [
        f"batch number {batch_id} is noted as {noted.get(batch_id)}, and counts {found.get(batch_id)}"
        for batch_id in ids
        if _numbers(noted.get(batch_id)) != _numbers(found.get(batch_id))
    ]


def _numbers(tally: Tally | None) -> Tally:
    return replace(tally or Tally(), started_at=None)  # a row that was retried may have begun before


def _batches(connection: Connection) -> list[str]:
    """A batch that takes no more rows ends with its last job."""
    query = select(batches.c.public_id, batches.c.state).where(
        batches.c.ended_at.is_(None), batches.c.state != BatchState.OPEN
    )
    return [f"batch {row.public_id} is still {row.state}" for row in connection.execute(query)]
