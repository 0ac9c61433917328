"""Cancels a batch, thousands of jobs at a time: a handful of statements however many jobs a step ends."""

from collections.abc import Sequence

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from farm.doors.batch_tally import add_ended
from farm.doors.budgets import give_back
from farm.states import AttemptState, JobState, TaskState
from farm.store.dialect import within
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, accounts, attempts, jobs, ledger, requests, tasks
from schedulers.endings import listening, tell
from schedulers.lanes import LaneChanges

_AT_ONCE = 5000
_DAY_S = 86_400.0

_unasked = (
    select(jobs.c.seq)
    .where(jobs.c.batch_id == bindparam("of_batch"), jobs.c.ended_at.is_(None))
    .where(jobs.c.cancel_asked_at.is_(None))
    .limit(_AT_ONCE)
)
_unsettled = exists(
    select(attempts.c.id).where(
        attempts.c.job_seq == jobs.c.seq, attempts.c.state != AttemptState.SETTLED.value
    )
)
_IDLE = (
    update(jobs)
    .where(jobs.c.seq.in_(_unasked.where(~_unsettled)))
    .values(
        state=JobState.CANCELLED, ended_at=bindparam("now"), cancel_asked_at=bindparam("now"), charged_mc=0
    )
    .returning(
        jobs.c.seq,
        jobs.c.account_id,
        jobs.c.api_key_id,
        jobs.c.held_mc,
        jobs.c.webhook_url,
        jobs.c.created_at,
    )
)
_ask = update(jobs).values(cancel_asked_at=bindparam("now")).returning(jobs.c.seq)
_LIVE_ONES = _ask.where(
    jobs.c.seq.in_(select(attempts.c.job_seq).where(LIVE)),
    jobs.c.batch_id == bindparam("of_batch"),
    jobs.c.cancel_asked_at.is_(None),
)
_OTHERS = _ask.where(jobs.c.seq.in_(_unasked))


def cancel_some(connection: Connection, batch_id: int, now: float) -> int:
    """Ask what runs of the batch to stop, and end some of its jobs that do not. Returns how many."""
    asked = {"of_batch": batch_id, "now": now}
    busy = [*connection.scalars(_LIVE_ONES, asked)]
    rows = connection.execute(_IDLE, asked).all()
    if rows:
        _end(connection, rows, now)
    else:
        busy += connection.scalars(_OTHERS, asked)
    if busy:
        wishes = [{"job_seq": seq, "action": "cancel", "created_at": now} for seq in busy]
        connection.execute(insert(requests), wishes)
    return len(rows) + len(busy)


def _end(connection: Connection, rows: Sequence[AnyRow], now: float) -> None:
    """What belongs to the end of jobs that never ran: their tasks, their credits, their events."""
    seqs = [row.seq for row in rows]
    add_ended(connection, seqs)
    _drop_tasks(connection, seqs, now)
    connection.execute(
        insert(ledger).from_select(
            ["account_id", "job_seq", "entry", "amount_mc", "created_at"],
            select(jobs.c.account_id, jobs.c.seq, literal("release"), jobs.c.held_mc, literal(now)).where(
                within(connection, jobs.c.seq, seqs)
            ),
        )
    )
    back = sum(row.held_mc for row in rows)
    if back:
        connection.execute(
            update(accounts)
            .where(accounts.c.id == rows[0].account_id)
            .values(balance_mc=accounts.c.balance_mc + back)  # null stays null: not metered
        )
    give_back(connection, _by_day(rows))
    states = dict.fromkeys(seqs, JobState.CANCELLED)
    tell(connection, rows, states, listening(connection, rows[0].account_id), now)


def _by_day(rows: Sequence[AnyRow]) -> list[tuple[int, float, int]]:
    """What each key's jobs of a day held: budgets go by months, so a day is fine enough."""
    held: dict[tuple[int, int], int] = {}
    for row in rows:
        if row.api_key_id and row.held_mc:
            key = (row.api_key_id, int(row.created_at // _DAY_S))
            held[key] = held.get(key, 0) + row.held_mc
    return [(key_id, day * _DAY_S, amount_mc) for (key_id, day), amount_mc in held.items()]


def _drop_tasks(connection: Connection, seqs: Sequence[int], now: float) -> None:
    of_these = within(connection, tasks.c.job_seq, seqs)
    # Not a WHERE: it would lead PostgreSQL to the index of all that is ready.
    is_ready = func.sum(case((tasks.c.state == TaskState.READY, 1), else_=0)).label("ready")
    changes = LaneChanges()
    for row in connection.execute(
        select(tasks.c.lane_id, is_ready).where(of_these).group_by(tasks.c.lane_id)
    ):
        changes.at(row.lane_id).ready -= row.ready
    changes.write(connection)
    connection.execute(
        update(tasks)
        .where(of_these, tasks.c.state.in_((TaskState.READY, TaskState.BLOCKED, TaskState.WAITING)))
        .values(state=TaskState.CANCELLED, ended_at=now)
    )
