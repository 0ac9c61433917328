"""The few statements that the two engines spell differently."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_ignore(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """INSERT … ON CONFLICT DO NOTHING."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def upsert(
    connection: Connection, table: Table, key: str, row: dict[str, object]
) -> sqlite.Insert | postgresql.Insert:
    """Insert the row, or overwrite all of it where `key` is there already."""
    if connection.dialect.name == "postgresql":
        statement = postgresql.insert(table).values(row)
        return statement.on_conflict_do_update(index_elements=[key], set_=row)
    plain = sqlite.insert(table).values(row)
    return plain.on_conflict_do_update(index_elements=[key], set_=row)
