"""The door of what is answered at once: work so short that its caller waits while the API does it.

It is done before it comes here, and costs what it would cost as a job: one transaction makes its job, already
completed, with its hold and its settle in the ledger, as the scheduler would have settled it. It has no task
and needs neither scheduler nor worker. Only for kinds that are pure: whoever makes the call again is led to
its job by the ticket, and gets the same answer because the same work is done again.
"""

from collections.abc import Mapping

from pydantic import JsonValue
from sqlalchemy import Connection, case, exists, insert, select, update

from farm.account import Caller
from farm.doors.budgets import budgets_told
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.doors.submit import Order, Submitted, submit_within
from farm.job import JobSpec
from farm.kinds import kind_named
from farm.money import month_of
from farm.states import JobState
from farm.store.dialect import insert_ignore
from farm.store.schema import accounts, jobs, ledger, outbox, webhook_endpoints
from farm.webhook import EndpointState


def note_answered(
    hall: Hall,
    caller: Caller,
    spec: JobSpec,
    result: Mapping[str, JsonValue],
    once: Ticket | None = None,
) -> str:
    """Charge for what was done, under a ticket only once. Returns its job's id.

    `result` is what the job shows. Raises InsufficientCredits, and CallInProgress when another call has taken
    the ticket's place; then nothing is stored, and the caller is not to get what was done.
    """
    kind = kind_named(spec.params.kind)
    order = Order(spec, kind, (), kind.price_mc(spec.params, hall.catalog))
    with budgets_told(hall, caller), hall.store.write() as connection:
        made_id = already_made(connection, once)
        if made_id is not None:
            return made_id
        # The account's row before the key's, which the submit takes.
        _count_spent(connection, caller.account.id, order.price_mc, hall.clock.now())
        done = submit_within(hall, connection, caller, [order])[0]
        now = hall.clock.now()
        _complete(connection, done, result, now)
        _settle(connection, caller, done, now)
        _tell(connection, caller, spec, done, now)
        note_made(connection, once, done.job_id)
    return done.job_id


def _count_spent(connection: Connection, account_id: int, amount_mc: int, now: float) -> None:
    month = month_of(now)
    before = case((accounts.c.spent_month == month, accounts.c.spent_mc), else_=0)
    if amount_mc:
        connection.execute(
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(spent_mc=before + amount_mc, spent_month=month)
        )


def _complete(connection: Connection, done: Submitted, result: Mapping[str, JsonValue], now: float) -> None:
    connection.execute(
        update(jobs)
        .where(jobs.c.seq == done.seq)
        .values(
            state=JobState.COMPLETED,
            started_at=now,
            ended_at=now,
            charged_mc=done.held_mc,
            result=dict(result),
        )
    )


def _settle(connection: Connection, caller: Caller, done: Submitted, now: float) -> None:
    """All that was held is what it costs."""
    entry = {"account_id": caller.account.id, "job_seq": done.seq, "entry": "settle", "amount_mc": 0}
    connection.execute(insert(ledger).values({**entry, "created_at": now}))


def _tell(connection: Connection, caller: Caller, spec: JobSpec, done: Submitted, now: float) -> None:
    """The account's endpoints that listen hear of its end, as of any job's."""
    listening = exists().where(
        webhook_endpoints.c.account_id == caller.account.id,
        webhook_endpoints.c.state == EndpointState.ENABLED,
    )
    if spec.webhook_url is None and not connection.scalar(select(listening)):
        return
    connection.execute(
        insert_ignore(connection, outbox),
        {
            "account_id": caller.account.id,
            "job_seq": done.seq,
            "event": f"job.{JobState.COMPLETED}",
            "endpoint": spec.webhook_url or "",
            "api_key_id": caller.key_id,
            "payload": {},
            "state": "pending",
            "due_at": now,
            "created_at": now,
        },
    )
