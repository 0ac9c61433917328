"""Copies a SQLite store while it is in use, and makes a restored store of either kind fit to go on."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Integer, Table, text

from farm.errors import FarmUnavailable
from farm.store.engine import Store
from farm.store.schema import metadata

# More than any farm numbers between a backup and the loss.
GAP = 1_000_000_000
_SQLITE_BUMP = text("UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = :name")
_SQLITE_BEGIN = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :gap)")
_SEQUENCE = text("SELECT pg_get_serial_sequence(:name, :column)")
_BUMP = text("SELECT setval(:sequence, nextval(:sequence) + :gap)")


def snapshot(store: Store, path: Path) -> None:
    """Write all of a SQLite store that is committed now to a new file, durably; writers are not held up.

    Raises FarmUnavailable when the copy is not sound.
    """
    raw = store.engine.raw_connection()
    copy = sqlite3.connect(path)
    try:
        copy.execute("PRAGMA synchronous=FULL")
        raw.driver_connection.backup(copy)  # type: ignore[union-attr]  # it is sqlite3's
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        (said,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        copy.close()
        raw.close()
    if said != "ok":
        raise FarmUnavailable(f"The database is damaged: {said}.")


def skip_numbers(connection: Connection, gap: int = GAP) -> None:
    """Never give a number again that the store may have given after the backup was taken.

    Receivers know account events by their number, and late workers store files under their attempt's.
    """
    for table in metadata.sorted_tables:
        if connection.dialect.name == "postgresql":
            _skip_postgresql(connection, table, gap)
        elif table.dialect_options["sqlite"]["autoincrement"]:
            given = {"name": table.name, "gap": gap}
            if connection.execute(_SQLITE_BUMP, given).rowcount == 0:
                connection.execute(_SQLITE_BEGIN, given)


def _skip_postgresql(connection: Connection, table: Table, gap: int) -> None:
    for column in table.primary_key:
        if not isinstance(column.type, Integer):
            continue
        given = {"name": f'"{table.name}"', "column": column.name}
        if (sequence := connection.scalar(_SEQUENCE, given)) is not None:
            connection.execute(_BUMP, {"sequence": sequence, "gap": gap})
