"""Many new rows in one statement with one parameter: on PostgreSQL several times the speed of long VALUES."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql

_FEW = 8


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows that all have the same keys. Returns the numbers they were given, in their order.

    The table's key is one number that the database gives.
    """
    (key,) = table.primary_key.columns
    if len(rows) < _FEW or connection.dialect.name != "postgresql":
        numbers = connection.scalars(insert(table).returning(key, sort_by_parameter_order=True), list(rows))
        return list(numbers)
    defaults = _defaults(table, frozenset(rows[0]))
    body = json.dumps([{**defaults, **row} for row in rows], allow_nan=False)
    names = (*defaults, *rows[0])
    return sorted(connection.scalars(_from_json(table, names), {"given": body}))


def _defaults(table: Table, given: frozenset[str]) -> dict[str, Any]:
    """What the schema gives columns that the rows do not name."""
    return {
        column.name: column.default.arg(None) if column.default.is_callable else column.default.arg  # type: ignore[attr-defined]  # plain values and callables only
        for column in table.columns
        if column.default is not None and column.name not in given
    }


@cache
def _from_json(table: Table, names: tuple[str, ...]) -> TextClause:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    types = ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in names)
    (key,) = table.primary_key.columns
    given = f"ROWS FROM (json_to_recordset(:given) AS ({types})) WITH ORDINALITY AS given({columns}, number_)"
    return text(
        f"INSERT INTO {quote(table.name)} ({columns}) SELECT {columns} FROM {given} "
        f"ORDER BY number_ RETURNING {quote(key.name)}"
    )
