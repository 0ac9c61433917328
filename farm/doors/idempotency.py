"""Calls that must not be made twice: reserve, make once, answer again.

A caller's key (or, for an SDK's own retry, the body itself) reserves a row; whoever holds the row's token
makes the call. The submit doors write what they made into it, in their own transaction, so that a call whose
answer was lost leads to that job. A reservation is a lease: a process that dies does not wedge the key.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, delete, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from farm.doors.hall import Hall
from farm.errors import CallInProgress, KeyReused
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import idempotency_keys as calls

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
_FORGET_AT_ONCE = 500


class _State(StrEnum):
    RESERVED = "reserved"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it arrived. `key` is what its caller sent; None: `body_hash` stands for it (an SDK's retry).

    `is_retry` says that the caller has made it before, which only matters without a key.
    """

    api_key_id: int
    key: str | None
    body_hash: str
    is_retry: bool = False

    @property
    def name(self) -> str:
        return f"sdk:{self.body_hash}" if self.key is None else f"key:{self.key}"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to make one call. An `exact` one makes nothing once another took its place."""

    api_key_id: int
    name: str
    token: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the call was answered: the HTTP status and the JSON text."""

    status_code: int
    body: str


def reserve(hall: Hall, call: Call) -> Ticket | Answer:
    """The right to make this call now, or the answer it has had.

    Raises KeyReused when the key belongs to another request, CallInProgress while somebody else makes it.
    """
    ticket = Ticket(call.api_key_id, call.name, hall.ids.token(), exact=call.key is not None)
    now = hall.clock.now()
    with hall.store.write() as connection:
        fresh = _fresh(hall, call, ticket, now)
        reserved = insert_ignore(connection, calls).values(fresh).returning(calls.c.key)
        if connection.scalar(reserved) is not None:
            return ticket
        row = connection.execute(select(calls).where(_same(ticket)).with_for_update()).one_or_none()
        if row is None:  # let go in this very moment
            raise _in_progress()
        if row.expires_at <= now or (call.key is None and not call.is_retry):
            connection.execute(update(calls).where(_same(ticket)).values(fresh))
            return ticket
        return _join(hall, connection, call, ticket, row, now)


def already_made(connection: Connection, ticket: Ticket | None) -> str | None:
    """What this call has made before, if anything. Holds the call's row until the transaction ends.

    Raises CallInProgress when the ticket was taken over meanwhile: then this call must make nothing.
    """
    if ticket is None:
        return None
    row = connection.execute(
        select(calls.c.made_id, calls.c.token).where(_same(ticket)).with_for_update()
    ).one_or_none()
    if row is not None and row.token == ticket.token:
        made_id: str | None = row.made_id
        return made_id
    if ticket.exact:
        raise _in_progress()
    return None


def note_made(connection: Connection, ticket: Ticket | None, made_id: str) -> None:
    """Write what the call has made, in the transaction that makes it."""
    if ticket is not None:
        connection.execute(update(calls).where(_held_by(ticket)).values(made_id=made_id))


def keep_answer(hall: Hall, ticket: Ticket, answer: Answer) -> None:
    """Keep the answer for whoever makes the call again. Raises CallInProgress when it was taken over."""
    with hall.store.write() as connection:
        kept = connection.execute(
            update(calls)
            .where(_held_by(ticket))
            .values(state=_State.ANSWERED, status_code=answer.status_code, response=answer.body)
        )
    if kept.rowcount == 0 and ticket.exact:
        raise _in_progress()


def let_go(hall: Hall, ticket: Ticket) -> None:
    """Give up without an answer to keep: the next call under the key is made at once.

    It is made anew, or leads to what this one has made.
    """
    unanswered = _held_by(ticket) & (calls.c.state == _State.RESERVED)
    with hall.store.write() as connection:
        connection.execute(delete(calls).where(unanswered, calls.c.made_id.is_(None)))
        connection.execute(update(calls).where(unanswered).values(lease_at=hall.clock.now()))


def forget_expired(connection: Connection, now: float) -> int:
    """Delete some keys that have expired. Returns how many."""
    old = (
        select(calls.c.api_key_id, calls.c.key)
        .where(calls.c.expires_at <= now)
        .order_by(calls.c.expires_at)
        .limit(_FORGET_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    names = [tuple(row) for row in connection.execute(old)]
    if names:
        connection.execute(delete(calls).where(tuple_(calls.c.api_key_id, calls.c.key).in_(names)))
    return len(names)


def _join(
    hall: Hall, connection: Connection, call: Call, ticket: Ticket, row: AnyRow, now: float
) -> Ticket | Answer:
    """What a later call under a live key gets."""
    if row.body_hash != call.body_hash:
        raise KeyReused(
            f"This {HEADER} belongs to another request; use a new one for each request.", param=HEADER
        )
    if row.state == _State.ANSWERED:
        return Answer(row.status_code, row.response)
    if row.lease_at <= now:
        lease_at = now + hall.catalog.idempotency.lease_s
        connection.execute(update(calls).where(_same(ticket)).values(token=ticket.token, lease_at=lease_at))
        return ticket
    if row.made_id is not None and not ticket.exact:
        return replace(ticket, token=row.token)  # its job is there: wait for that one, beside the first call
    raise _in_progress()


def _fresh(hall: Hall, call: Call, ticket: Ticket, now: float) -> dict[str, object]:
    rules = hall.catalog.idempotency
    return {
        "api_key_id": call.api_key_id,
        "key": call.name,
        "body_hash": call.body_hash,
        "state": _State.RESERVED,
        "token": ticket.token,
        "lease_at": now + rules.lease_s,
        "made_id": None,
        "status_code": None,
        "response": None,
        "created_at": now,
        "expires_at": now + (rules.sdk_retry_s if call.key is None else rules.keep_s),
    }


def _same(ticket: Ticket) -> ColumnElement[bool]:
    return (calls.c.api_key_id == ticket.api_key_id) & (calls.c.key == ticket.name)


def _held_by(ticket: Ticket) -> ColumnElement[bool]:
    return _same(ticket) & (calls.c.token == ticket.token)


def _in_progress() -> CallInProgress:
    return CallInProgress("This very call is being made; ask again in a moment.", param=HEADER)
