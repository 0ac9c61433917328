"""Many rows in one statement with one parameter: on PostgreSQL several times the speed of row after row."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Insert,
    Table,
    TableValuedAlias,
    Update,
    bindparam,
    column,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

_FEW = 8
_GIVEN, _NEW = "given", "new"


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows that all have the same keys. Returns the numbers they were given, in their order.

    The table's key is one number that the database gives.
    """
    if connection.dialect.name != "postgresql":
        return _insert_alone(connection, table, rows)
    if len(rows) < _FEW:
        return list(connection.scalars(_insert(table), list(rows)))
    return _insert_from_json(connection, table, rows)


def change_and_insert(
    connection: Connection,
    changes: Sequence["Change"],
    table: Table,
    rows: Sequence[Mapping[str, Any]],
) -> list[int]:
    """`insert_many` after these changes. On PostgreSQL all of it is one statement: one round trip.

    So none sees what another one does, no row may be in two changes, and each has a `given` of its own.
    """
    changes = [(write, given) for write, given in changes if given]
    if connection.dialect.name == "postgresql":
        return _insert_from_json(connection, table, rows, changes)
    write_all(connection, changes)
    return insert_many(connection, table, rows)


def write_all(connection: Connection, changes: Sequence["Change"]) -> None:
    """One after the other."""
    for write, given in changes:
        write.run(connection, given)


def _insert_alone(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """On SQLite, where nobody else writes meanwhile: the numbers follow one another, and the last is known.

    Asked for the numbers itself, SQLAlchemy inserts row by row.
    """
    connection.execute(_plain(table), list(rows))
    last = connection.execute(_LAST).scalar_one()
    return list(range(last - len(rows) + 1, last + 1))


_LAST = text("SELECT last_insert_rowid()")
Given = Mapping[str, ColumnElement[Any]]


class Write:
    """Changes or inserts many rows, each with values of its own; built once, used often.

    `one` changes what one row of parameters says; `many` does so for all rows of `given_rows`, where they
    have the name `given`.
    """

    def __init__(self, one: Update | Insert, many: Update | Insert, given: str = _GIVEN) -> None:
        self.one, self.many, self.given = one, many, given

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write all rows. No two of them may change the same."""
        if len(rows) > 1 and connection.dialect.name == "postgresql":
            connection.execute(self.many, {self.given: _json(rows)})
        elif rows:
            connection.execute(self.one, list(rows))


Change = tuple[Write, Sequence[Mapping[str, Any]]]


class UpdateMany(Write):
    """Changes rows of a table by its key, which each has as `key`.

    `names` are what else is given for each row, with a column of the same type; `change` makes new values
    of it.
    """

    def __init__(
        self,
        key: Column[int],
        names: Mapping[str, Column[Any]],
        change: Callable[[Given], Mapping[str, Any]],
        given: str = _GIVEN,
    ) -> None:
        table = key.table
        assert isinstance(table, Table)
        single = {name: bindparam(name, type_=like.type) for name, like in names.items()}
        one = update(table).where(key == bindparam("key")).values(**change(single))
        rows = given_rows({"key": key, **names}, given)
        many = update(table).where(key == rows.c.key)
        super().__init__(one, many.values(**change({name: rows.c[name] for name in names})), given)


class InsertMany(Write):
    """Inserts rows of which every column in `names` is given, and nobody needs to know the numbers."""

    def __init__(self, table: Table, names: Sequence[str], given: str = _GIVEN) -> None:
        rows = given_rows({name: table.c[name] for name in names}, given)
        many = insert(table).from_select(names, select(*rows.c), include_defaults=False)
        super().__init__(insert(table), many, given)


def given_rows(names: Mapping[str, Column[Any]], given: str = _GIVEN) -> TableValuedAlias:
    """The rows that a parameter holds as JSON objects; every name with a column of its type."""
    columns = [column(name, like.type) for name, like in names.items()]
    rows = func.json_to_recordset(bindparam(given)).table_valued(*columns)
    return rows.render_derived(name=given, with_types=True)


_encode = json.JSONEncoder(allow_nan=False).encode


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return _encode(list(rows))


def _insert_from_json(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    changes: Sequence["Change"] = (),
) -> list[int]:
    defaults = _defaults(table, frozenset(rows[0]))
    names = (*defaults, *rows[0])
    statement = _from_json(table, names, tuple(write for write, _ in changes))
    values = {_NEW: _json([{**defaults, **row} for row in rows])}
    values |= {write.given: _json(given) for write, given in changes}
    return sorted(connection.scalars(statement, values))


@cache
def _plain(table: Table) -> Insert:
    return insert(table)


@cache
def _insert(table: Table) -> Insert:
    (key,) = table.primary_key.columns
    return insert(table).returning(key, sort_by_parameter_order=True)


@cache
def _defaults(table: Table, given: frozenset[str]) -> Mapping[str, Any]:
    """What the schema gives columns that the rows do not name."""
    return {
        column.name: column.default.arg(None) if column.default.is_callable else column.default.arg  # type: ignore[attr-defined]  # plain values and callables only
        for column in table.columns
        if column.default is not None and column.name not in given
    }


@cache
def _from_json(table: Table, names: tuple[str, ...], changes: tuple[Write, ...]) -> ReturningInsert[Any]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    types = ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in names)
    (key,) = table.primary_key.columns
    rows = text(
        f"SELECT {columns} FROM ROWS FROM (json_to_recordset(:{_NEW}) AS ({types})) "
        f"WITH ORDINALITY AS {_NEW}({columns}, number_) ORDER BY number_"
    ).columns(*(table.c[name] for name in names))
    return (
        insert(table)
        .from_select(names, rows, include_defaults=False)
        .add_cte(*(write.many.cte(f"{write.given}_written") for write in changes))
        .returning(key)
    )
