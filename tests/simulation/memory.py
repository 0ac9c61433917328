"""The real store on `:memory:`, wiped for every seed, that can crash its caller around any commit.

It also watches from inside: triggers note whatever changes that must never change, in the transaction that
does it, so that nothing slips through between two looks. `peek` reads past SQLAlchemy, for cheap looks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from farm.states import TERMINAL_JOBS, TERMINAL_TASKS, AttemptState
from farm.store.engine import Store
from farm.store.schema import metadata

Hook = Callable[[str], None]


class Crash(BaseException):
    """A process dies here. Nothing that handles errors may handle this."""


class Cut(Exception):
    """A process dies at a statement. (SQLAlchemy would give the connection up at a Crash.)"""


def nothing(_point: str) -> None:
    """The hook of calls that nothing happens to."""


class MemoryStore(Store):
    """One database of one process. `hook` is called before and after each commit of whoever writes now."""

    def __init__(self) -> None:
        super().__init__("sqlite:///:memory:")
        self.hook: Hook = nothing
        self.at_statement: Callable[[Connection], None] | None = None
        self._outer: Connection | None = None
        with super().write() as connection:
            metadata.create_all(connection)
            raw: Any = connection.connection.driver_connection
        self._raw = raw
        self._raw.execute("CREATE TABLE broken (what TEXT NOT NULL)")
        for trigger in _triggers():
            self._raw.execute(trigger)
        self._names = [table.name for table in reversed(metadata.sorted_tables)]

    @contextmanager
    def write(self, *, durable: bool | None = None, apart: bool = False) -> Iterator[Connection]:
        if apart:  # its first statement is its first commit
            self.hook("before_commit")
        if self._outer is not None:
            with self._outer.begin_nested():
                yield self._outer
                self._before_commit(apart)
        else:
            try:
                with super().write(durable=durable, apart=apart) as connection:
                    self._arm(connection)
                    yield connection
                    self._before_commit(apart)
            except Cut as cut:
                raise Crash from cut
        self.hook("after_commit")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if self._outer is not None:
            yield self._outer
        else:
            with super().read() as connection:
                yield connection

    @contextmanager
    def hooked(self, hook: Hook) -> Iterator[None]:
        """Call this around the commits of the block."""
        before, self.hook = self.hook, hook
        try:
            yield
        finally:
            self.hook = before

    @contextmanager
    def inside(self, connection: Connection) -> Iterator[None]:
        """Let others write while this transaction is open, as PostgreSQL does; it must commit in the end.

        What they write lies in savepoints. Where they would wait for a row that the transaction has changed,
        they see the change at once; so would they after the wait.
        """
        self._outer = connection
        try:
            yield
        finally:
            self._outer = None

    def peek(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """What the driver reads, uncommitted changes included."""
        found: list[Any] = self._raw.execute(query, values).fetchall()
        return found

    def wipe(self, rows: dict[str, list[Any]]) -> None:
        """Empty every table, then put these rows in."""
        self._outer, self.hook, self.at_statement = None, nothing, None
        self._raw.execute("BEGIN")
        for name in (*self._names, "sqlite_sequence", "broken"):
            self._raw.execute(f"DELETE FROM {name}")
        for name, values in rows.items():
            marks = ",".join("?" * len(values[0]))
            self._raw.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
        self._raw.execute("COMMIT")

    def dump(self) -> dict[str, list[Any]]:
        """All rows by table, in an order in which they can be put in again."""
        found = {name: self.peek(f"SELECT * FROM {name}") for name in reversed(self._names)}
        return {name: rows for name, rows in found.items() if rows}

    def broken(self) -> list[str]:
        """What changed that must never change."""
        return [what for (what,) in self.peek("SELECT what FROM broken")]

    def _before_commit(self, apart: bool) -> None:
        if not apart:
            self.hook("before_commit")

    def _arm(self, connection: Connection) -> None:
        """Have `at_statement` called before each statement of this transaction.

        Not between an insert and the question for its numbers: on PostgreSQL these are one statement.
        """
        call = self.at_statement
        if call is None:
            return
        self.at_statement = None

        def before(_: Connection, _cursor: object, statement: str, *_more: object) -> None:
            if "last_insert_rowid" not in statement:
                call(connection)

        event.listen(connection, "before_cursor_execute", before)


def _triggers() -> Iterator[str]:
    yield _frozen("jobs", "state", TERMINAL_JOBS, "'job ' || OLD.id")
    yield _frozen("tasks", "state", TERMINAL_TASKS, "'task ' || OLD.id")
    yield _frozen("attempts", "state", {AttemptState.SETTLED}, "'attempt ' || OLD.id")
    yield _frozen("deliveries", "state", {"delivered", "failed"}, "'delivery ' || OLD.public_id")
    yield _noting(
        "attempts_outcome",
        "UPDATE OF outcome ON attempts WHEN OLD.outcome <> NEW.outcome",
        "'attempt ' || OLD.id || ' had ended ' || OLD.outcome || ', and now ' || NEW.outcome",
    )
    for change in ("UPDATE", "DELETE"):
        what = f"'ledger entry ' || OLD.id || ' was changed ({change})'"
        yield _noting(f"ledger_{change}", f"{change} ON ledger", what)


def _frozen(table: str, column: str, states: Any, subject: str) -> str:
    these = ",".join(f"'{state}'" for state in sorted(states))
    return _noting(
        f"{table}_{column}",
        f"UPDATE OF {column} ON {table} WHEN OLD.{column} IN ({these}) AND NEW.{column} <> OLD.{column}",
        f"{subject} || ' was ' || OLD.{column} || ' and became ' || NEW.{column}",
    )


def _noting(name: str, change: str, what: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {change} BEGIN INSERT INTO broken VALUES ({what}); END"
