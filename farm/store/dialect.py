"""The few statements that the two engines spell differently."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Table,
    TableValuedAlias,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY


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


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """`column IN values` as one parameter, so that thousands of values cost no more than the statement."""
    if connection.dialect.name == "postgresql":
        return column == any_(_array(column, values))
    return column.in_(select(each(connection, column, values).c.value))


def within(connection: Connection, column: ColumnElement[int], seqs: Sequence[int]) -> ColumnElement[bool]:
    """The same for numbers that lie close together: their range leads every planner to the index.

    There must be one at least.
    """
    return column.between(min(seqs), max(seqs)) & among(connection, column, seqs)


def each(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> TableValuedAlias:
    """Those values, of the column's type, as a table with one column, `value`."""
    if connection.dialect.name == "postgresql":
        return func.unnest(_array(column, values)).table_valued("value").render_derived()
    return func.json_each(bindparam("each", json.dumps(list(values)), unique=True)).table_valued("value")


def _array(column: ColumnElement[Any], values: Sequence[Any]) -> BindParameter[Any]:
    return bindparam("each", list(values), ARRAY(column.type), unique=True)
