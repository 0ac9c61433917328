"""The scheduler's turn: whoever changes what only a tick may change takes it first.

On PostgreSQL it is an advisory lock, so a process that freezes in its turn must lose it: the server ends a
session that says nothing for a while. SQLite's write lock belongs to its process; nobody else can end it.
"""

from sqlalchemy import Connection, text

_TICK_LOCK = 0x74696B  # on SQLite a write transaction is alone anyway
_SILENCE_S = 4

_BOUND = f"set_config('idle_in_transaction_session_timeout', '{_SILENCE_S}s', true)"
_TAKE = text(f"SELECT {_BOUND}, pg_advisory_xact_lock(:lock)")
_LET_GO_SOON = text(f"SELECT {_BOUND}")
# Frozen half way through a batch of statements, or while it was being answered, a session is not idle.
_BREAK = text(f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND pid IN (
        SELECT pid FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :lock AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    AND wait_event_type = 'Client' AND state_change < clock_timestamp() - interval '{_SILENCE_S} seconds'
""")


def take_turn(connection: Connection) -> None:
    """Wait until no tick is under way; the next waits for the end of this transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE, {"lock": _TICK_LOCK})


def let_go_soon(connection: Connection) -> None:
    """Have the server end this transaction, and its locks, should this process freeze in it."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LET_GO_SOON)


def break_frozen_turn(connection: Connection) -> int:
    """End the session that holds the turn while the server waits for it. Returns how many: 0 or 1."""
    if connection.dialect.name != "postgresql":
        return 0
    return len(connection.execute(_BREAK, {"lock": _TICK_LOCK}).all())
