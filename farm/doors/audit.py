"""The audit door: what operators did, and what the farm did to workers by itself. Written with the change."""

import getpass
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select

from farm.account import Caller
from farm.doors.hall import Hall
from farm.store.schema import audit

SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed. `who` is an account with its key's prefix, a user of the host, or a part of the farm."""

    id: int
    at: float
    who: str
    action: str
    subject: str
    detail: Mapping[str, JsonValue]


def note(
    connection: Connection,
    hall: Hall,
    who: str,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write down a deed, in the transaction that does it. `action` reads `thing.deed`: `worker.drain`.

    `detail` holds JSON values.
    """
    connection.execute(
        insert(audit).values(
            who=who[:300],
            action=action,
            subject=subject[:300],
            detail=dict(detail or {}),
            at=hall.clock.now(),
        )
    )


def list_audit(
    hall: Hall, *, subject: str | None = None, before_id: int | None = None, limit: int = 100
) -> Sequence[AuditEntry]:
    """Entries, newest first; about one `subject` only, if given. `before_id` continues after a page."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    if before_id is not None:
        query = query.where(audit.c.id < before_id)
    with hall.store.read() as connection:
        return [
            AuditEntry(row.id, row.at, row.who, row.action, row.subject, row.detail)
            for row in connection.execute(query)
        ]


def who_calls(caller: Caller) -> str:
    """A caller, for the log: the account and which of its keys."""
    return f"{caller.account.name} ({caller.key_prefix})"


def who_is_here() -> str:
    """The user at this host's command line."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
