"""Brings a database to this code's schema, or says clearly why it does not fit.

Every process asks as it starts, and nearly always all is well: alembic is imported only to migrate, for that
takes longer than all the rest of it.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from farm.errors import FarmUnavailable
from farm.store.engine import Store

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6B696E65  # any number of our own: PostgreSQL's advisory lock against two migrators
_NOTED = "alembic_version"  # the table where alembic notes the revision


def migrate(store: Store) -> str:
    """Apply what is missing, in one transaction; two callers at once are safe. Returns the revision."""
    with store.write() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        current = _current(connection)
        _refuse_newer(current)
        if current != head():
            _upgrade(connection)
        return _current(connection) or ""


def require_current(store: Store) -> None:
    """Raise FarmUnavailable, naming the mend, unless the schema is exactly this code's."""
    current = revision(store)
    _refuse_newer(current)
    if current != head():
        state = f"at {current}, older than" if current else "empty; it lacks the schema of"
        raise FarmUnavailable(f"The database is {state} this version ({head()}). Run: farm migrate")


def head() -> str:
    """The revision this code was written for."""
    return _known()[-1]


def knows(found: str) -> bool:
    """Whether this code can bring a database at that revision to its own."""
    return found in _known()


def revision(store: Store) -> str | None:
    """Where the database is; None when it has no schema yet."""
    with store.read() as connection:
        return _current(connection)


@cache
def _known() -> tuple[str, ...]:
    """Every revision, oldest first: they are numbered, and their files' names begin with the number."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*.py")
    return tuple(sorted(path.name.partition("_")[0] for path in files))


def _refuse_newer(current: str | None) -> None:
    if current is not None and not knows(current):
        raise FarmUnavailable(
            f"The database is at {current}, which a newer version wrote; this one knows up to {head()}. "
            "Upgrade kinefarm on this host."
        )


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_NOTED):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_NOTED}"))
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
