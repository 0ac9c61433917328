"""What must hold of a store once all its work has ended, however it was disturbed meanwhile."""

from sqlalchemy import Connection, func, select

from farm.batch import BatchState
from farm.states import TERMINAL_JOBS, TERMINAL_TASKS, AttemptState, JobState, Outcome, TaskState
from farm.store.engine import Store
from farm.store.schema import accounts, attempts, batches, jobs, lanes, ledger, tasks


def violations(store: Store) -> list[str]:
    """Every broken promise, in words; empty when all is well."""
    with store.read() as connection:
        return [
            *_unended(connection),
            *_winners(connection),
            *_money(connection),
            *_lanes(connection),
            *_batches(connection),
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
    """A task that succeeded has exactly one winning attempt; any other has none that counted."""
    won = func.count(attempts.c.id)
    query = (
        select(tasks.c.id, won)
        .select_from(tasks)
        .join(
            attempts,
            (attempts.c.task_id == tasks.c.id) & (attempts.c.outcome == Outcome.SUCCEEDED),
            isouter=True,
        )
        .where(tasks.c.state == TaskState.SUCCEEDED)
        .group_by(tasks.c.id)
        .having(won != 1)
    )
    return [f"task {task_id} has {number} winning attempts" for task_id, number in connection.execute(query)]


def _money(connection: Connection) -> list[str]:
    found = []
    for job in connection.execute(select(jobs).where(jobs.c.state.in_(TERMINAL_JOBS))):
        rows = connection.execute(select(ledger).where(ledger.c.job_seq == job.seq)).all()
        entries = sorted(row.entry for row in rows)
        end = "settle" if job.state == JobState.COMPLETED else "release"
        if entries != sorted(["hold", end]):
            found.append(f"job {job.id} ({job.state}) has ledger entries {entries}")
        if sum(row.amount_mc for row in rows) != -job.charged_mc:
            found.append(f"job {job.id} was charged {job.charged_mc}, its ledger says otherwise")
    for account in connection.execute(select(accounts).where(accounts.c.balance_mc.is_not(None))):
        if account.balance_mc < 0:
            found.append(f"account {account.name} is overdrawn: {account.balance_mc}")
        entered = select(func.coalesce(func.sum(ledger.c.amount_mc), 0)).where(
            ledger.c.account_id == account.id
        )
        if connection.scalar(entered) != account.balance_mc:
            found.append(f"account {account.name} has {account.balance_mc}, its ledger says otherwise")
    return found


def _lanes(connection: Connection) -> list[str]:
    """The counters say what is there: nothing ready, nothing busy."""
    query = select(lanes).where((lanes.c.ready != 0) | (lanes.c.busy != 0) | lanes.c.open)
    return [
        f"lane {lane.id} counts {lane.ready} ready, {lane.busy} busy, open={lane.open}"
        for lane in connection.execute(query)
    ]


def _batches(connection: Connection) -> list[str]:
    """A batch that takes no more rows ends with its last job."""
    query = select(batches.c.public_id, batches.c.state).where(
        batches.c.ended_at.is_(None), batches.c.state != BatchState.OPEN
    )
    return [f"batch {row.public_id} is still {row.state}" for row in connection.execute(query)]
