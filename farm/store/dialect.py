"""The few statements that the two engines spell differently."""

import json
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


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


class _Condition(FunctionElement[bool]):
    """One that is true or false by itself, which SQLite need not be asked to compare with 1."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:
        return self


class OneOf(_Condition):
    """`column IN values` in a statement that is built once: the values come at its execution, as `name`.

    However many they are, it stays the same statement, which the database has prepared.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=_Many(column.type)))


class _Many(TypeDecorator[Sequence[Any]]):
    """Several values of one type as one parameter: an array, or JSON where there is none."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.of) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        assert value is not None
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


@compiles(OneOf, "postgresql")
def _any_of(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    # Given the parameter itself, PostgreSQL would plan anew each time: it may be shorter than it expects.
    return f"{column} = ANY (ARRAY(SELECT unnest({values})))"


@compiles(OneOf, "sqlite")
def _in_json(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


class OneOfPairs(_Condition):
    """The same for two numbers: `(first, second) IN pairs`."""

    inherit_cache = True

    def __init__(self, first: ColumnElement[int], second: ColumnElement[int], name: str) -> None:
        super().__init__(first, second, bindparam(name, type_=_Json()))


class _Json(TypeDecorator[Sequence[Any]]):
    """Anything as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value)


@compiles(OneOfPairs, "postgresql")
def _pair_in_array(element: OneOfPairs, compiler: SQLCompiler, **options: Any) -> str:
    first, second, pairs = (compiler.process(clause, **options) for clause in element.clauses)
    each_pair = f"SELECT (p->>0)::bigint, (p->>1)::bigint FROM json_array_elements(({pairs})::json) AS p"
    return f"({first}, {second}) IN ({each_pair})"


@compiles(OneOfPairs, "sqlite")
def _pair_in_json(element: OneOfPairs, compiler: SQLCompiler, **options: Any) -> str:
    first, second, pairs = (compiler.process(clause, **options) for clause in element.clauses)
    each_pair = f"SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({pairs})"
    return f"({first}, {second}) IN ({each_pair})"


def each(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> TableValuedAlias:
    """Those values, of the column's type, as a table with one column, `value`."""
    if connection.dialect.name == "postgresql":
        return func.unnest(_array(column, values)).table_valued("value").render_derived()
    return func.json_each(bindparam("each", json.dumps(list(values)), unique=True)).table_valued("value")


def _array(column: ColumnElement[Any], values: Sequence[Any]) -> BindParameter[Any]:
    return bindparam("each", list(values), ARRAY(column.type), unique=True)
