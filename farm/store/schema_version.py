"""Brings a database to this code's schema, or says clearly why it does not fit."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from farm.errors import FarmUnavailable
from farm.store.engine import Store

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6B696E65  # any number of our own: PostgreSQL's advisory lock against two migrators


def migrate(store: Store) -> str:
    """Apply what is missing, in one transaction; two callers at once are safe. Returns the revision."""
    with store.write() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _refuse_newer(_current(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return _current(connection) or ""


def require_current(store: Store) -> None:
    """Raise FarmUnavailable, naming the mend, unless the schema is exactly this code's."""
    with store.read() as connection:
        current = _current(connection)
    _refuse_newer(current)
    if current != head():
        state = f"at {current}, older than" if current else "empty; it lacks the schema of"
        raise FarmUnavailable(f"The database is {state} this version ({head()}). Run: farm migrate")


def head() -> str:
    """The revision this code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def knows(found: str) -> bool:
    """Whether this code can bring a database at that revision to its own."""
    return found in {known.revision for known in ScriptDirectory.from_config(_config()).walk_revisions()}


def revision(store: Store) -> str | None:
    """Where the database is; None when it has no schema yet."""
    with store.read() as connection:
        return _current(connection)


def _refuse_newer(current: str | None) -> None:
    if current is not None and not knows(current):
        raise FarmUnavailable(
            f"The database is at {current}, which a newer version wrote; this one knows up to {head()}. "
            "Upgrade kinefarm on this host."
        )


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
