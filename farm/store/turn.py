"""The scheduler's turn: whoever changes what only a tick may change takes it first."""

from sqlalchemy import Connection, text

_TICK_LOCK = 0x74696B  # PostgreSQL's advisory lock; on SQLite a write transaction is alone anyway


def take_turn(connection: Connection) -> None:
    """Wait until no tick is under way; the next waits for the end of this transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _TICK_LOCK})
