"""The door of calls that the API makes itself and hands on: begun with a hold, ended by their use.

Such a call is a job without tasks: no scheduler decides and no worker works for it. Its credits are held
when it begins and settled when it ends, each in one transaction, as the scheduler would. It has a deadline,
so what an API process that died has left open is released by the scheduler's sweep.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import Connection, case, insert, select, update

from farm.account import Caller
from farm.doors.budgets import budgets_told, give_back
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.doors.submit import Order, submit_within
from farm.errors import CallInProgress, Conflict
from farm.job import Failure, JobSpec
from farm.kinds import kind_named
from farm.money import month_of
from farm.states import TERMINAL_JOBS, JobState
from farm.store.schema import accounts, jobs, ledger


@dataclass(frozen=True, slots=True)
class DirectCall:
    """A call under way, and what it holds."""

    job_id: str
    seq: int
    account_id: int
    key_id: int
    held_mc: int
    began_at: float


def begin(hall: Hall, caller: Caller, spec: JobSpec, once: Ticket | None = None) -> DirectCall:
    """Hold the most that it can cost. The spec needs a deadline.

    Raises InsufficientCredits; CallInProgress while the first call under the ticket is under way, and
    Conflict `answer_not_kept` where that was made and its answer is lost.
    """
    assert spec.deadline is not None
    kind = kind_named(spec.params.kind)
    order = Order(spec, kind, (), kind.price_mc(spec.params, hall.catalog))
    with budgets_told(hall, caller), hall.store.write() as connection:
        _require_unmade(connection, already_made(connection, once))
        done = submit_within(hall, connection, caller, [order])[0]
        now = hall.clock.now()
        connection.execute(
            update(jobs).where(jobs.c.seq == done.seq).values(state=JobState.RUNNING, started_at=now)
        )
        note_made(connection, once, done.job_id)
    return DirectCall(done.job_id, done.seq, caller.account.id, caller.key_id, done.held_mc, now)


def complete(hall: Hall, call: DirectCall, cost_mc: int, result: Mapping[str, JsonValue]) -> int:
    """Settle by what was used, never more than was held. Returns what was charged: 0 if it had ended."""
    charged_mc = min(call.held_mc, cost_mc)
    values = {"state": JobState.COMPLETED, "charged_mc": charged_mc, "result": dict(result)}
    return charged_mc if _end(hall, call, values, charged_mc) else 0


def fail(hall: Hall, call: DirectCall, failure: Failure) -> None:
    """Give all back: it failed."""
    values = {
        "state": JobState.FAILED,
        "failure_class": failure.failure_class,
        "error_code": failure.code,
        "error_message": failure.message,
    }
    _end(hall, call, values, 0)


def abandon(hall: Hall, call: DirectCall) -> None:
    """Give all back: its caller left before anything came."""
    _end(hall, call, {"state": JobState.CANCELLED}, 0)


def _require_unmade(connection: Connection, made_id: str | None) -> None:
    """What an earlier call under the same ticket means to this one: one that failed is made again."""
    if made_id is None:
        return
    state = connection.scalar(select(jobs.c.state).where(jobs.c.id == made_id))
    if state is not None and state not in TERMINAL_JOBS:
        raise CallInProgress("This very call is being made; ask again in a moment.")
    if state == JobState.COMPLETED:
        raise Conflict("This call was made, and its answer is not kept.", code="answer_not_kept")


def _end(hall: Hall, call: DirectCall, values: Mapping[str, object], charged_mc: int) -> bool:
    """End it, unless it has ended. Rows are taken in the order in which the scheduler takes them."""
    now = hall.clock.now()
    with hall.store.write() as connection:
        unended = update(jobs).where(jobs.c.seq == call.seq, jobs.c.ended_at.is_(None))
        ended = connection.execute(unended.values(ended_at=now, **values))
        if ended.rowcount == 0:
            return False
        is_charged = values["state"] == JobState.COMPLETED
        entry = {"account_id": call.account_id, "job_seq": call.seq, "created_at": now}
        back_mc = call.held_mc - charged_mc
        connection.execute(
            insert(ledger).values(entry=("settle" if is_charged else "release"), amount_mc=back_mc, **entry)
        )
        if call.held_mc:
            _give_back(connection, call, charged_mc, now)
    return True


def _give_back(connection: Connection, call: DirectCall, charged_mc: int, now: float) -> None:
    month = month_of(now)
    before = case((accounts.c.spent_month == month, accounts.c.spent_mc), else_=0)
    back_mc = call.held_mc - charged_mc
    connection.execute(
        update(accounts)
        .where(accounts.c.id == call.account_id)
        .values(
            balance_mc=accounts.c.balance_mc + back_mc,  # null stays null: not metered
            spent_mc=before + charged_mc,
            spent_month=month,
        )
    )
    give_back(connection, [(call.key_id, call.began_at, back_mc)])
