"""Opens the store and hands out transactions. Knows the two engines' manners; knows no table."""

import math
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from farm.errors import FailureClass, FarmUnavailable
from farm.store.queueing import Gate

_BUSY_TIMEOUT_MS = 30_000
_IN_MEMORY = (None, "", ":memory:")
_GATE = "farm_gate"
_RESTED_AT = "farm_rested_at"
_REST_S = 1.0
_IDLE_IN_TRANSACTION_MS = 30_000
_SQLITE_ABSENCE = ("locked", "busy", "unable to open", "disk I/O")


class StoreAway(FarmUnavailable):
    """The database does not answer now, or is too busy; a later call may find it back."""

    code = "store_away"
    failure_class = FailureClass.TRANSIENT


class Store:
    """Transactions on one database.

    `durable=False` is for processes whose commits may be lost (workers: claim, beat); their data comes
    back through leases. Everything a customer was told of is written by durable stores.
    """

    def __init__(self, url: str, *, durable: bool = True) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.durable = durable
        self.engine = self._sqlite() if self.is_sqlite else self._postgresql(durable)

    @contextmanager
    def write(self, *, durable: bool | None = None, apart: bool = False) -> Iterator[Connection]:
        """A transaction that takes the write lock at once (BEGIN IMMEDIATE on SQLite).

        `durable` asks more of this one commit than the store's own setting does; on PostgreSQL only.
        `apart`: each statement is a transaction by itself, without round trips for BEGIN and COMMIT.
        """
        engine = self._durably if durable and not self.durable and not self.is_sqlite else self.engine
        with _naming_absence(), engine.connect() as connection, self._turn(connection):
            connection = connection.execution_options(**self._writing(apart))
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot: whatever is written meanwhile, all statements see the same moment."""
        with _naming_absence(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()
        if "_durably" in self.__dict__:
            self._durably.dispose()

    @cached_property
    def _durably(self) -> Engine:
        """Connections of their own, whose commits last: asking for that costs a round trip each time."""
        return self._postgresql(durable=True)

    def _writing(self, apart: bool) -> dict[str, Any]:
        if self.is_sqlite:
            return {"farm_begin": None if apart else "BEGIN IMMEDIATE"}
        return {"isolation_level": "AUTOCOMMIT"} if apart else {}

    def _turn(self, connection: Connection) -> AbstractContextManager[None]:
        gate = connection.info.get(_GATE)
        return gate.turn() if gate is not None else nullcontext()

    def _sqlite(self) -> Engine:
        in_memory = self.url.database in _IN_MEMORY
        if self.url.database and not in_memory:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"poolclass": StaticPool} if in_memory else {"pool_size": 8, "max_overflow": 24}
        )
        engine = create_engine(self.url, connect_args={"check_same_thread": False, "timeout": 30}, **options)
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "close", _close_gate)
        return engine

    def _prepare_sqlite(self, raw: Any, record: ConnectionPoolEntry) -> None:
        raw.isolation_level = None  # the driver must not begin transactions by itself
        raw.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        _switch_to_wal(raw)
        for pragma in (
            f"synchronous={'FULL' if self.durable else 'NORMAL'}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            raw.execute(f"PRAGMA {pragma}")
        if self.url.database not in _IN_MEMORY:
            record.info[_GATE] = Gate(Path(f"{self.url.database}-queue"))

    def _postgresql(self, durable: bool) -> Engine:
        # A process that froze, or whose host is gone, must not keep its locks (the scheduler's turn).
        options = f"-c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MS}"
        if not durable:
            options += " -c synchronous_commit=off"
        engine = create_engine(
            self.url,
            connect_args={"options": options, "connect_timeout": 5},
            pool_size=8,
            max_overflow=24,
        )
        if self.durable:  # a worker's doors say it again themselves
            _ping_rested(engine)
        return engine


def _switch_to_wal(raw: Any) -> None:
    """Switch the file to WAL, which it then stays in.

    Two connections that switch a new file at once would wait for each other, so SQLite refuses one of them at
    once, whatever busy_timeout says; a moment later the file is switched.
    """
    deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(random.uniform(0.001, 0.01))


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get("farm_begin", "BEGIN")
    if statement is not None:
        connection.exec_driver_sql(statement)


def _close_gate(_raw: object, record: ConnectionPoolEntry) -> None:
    gate = record.info.pop(_GATE, None)
    if gate is not None:
        gate.close()


def _ping_rested(engine: Engine) -> None:
    """Ask of a connection that was not used for a while whether it still lives: each asking is a round trip.

    One that does not takes the pool's others with it; the caller gets a new one.
    """
    dialect = engine.dialect

    def note(_raw: object, record: ConnectionPoolEntry) -> None:
        record.info[_RESTED_AT] = time.monotonic()

    def ping(raw: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get(_RESTED_AT, math.inf) < _REST_S:
            return
        try:
            dialect.do_ping(raw)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ping)


@contextmanager
def _naming_absence() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if is_absence(error):
            raise StoreAway(f"The database does not answer: {error.orig}.") from error
        raise


def is_absence(error: DBAPIError) -> bool:
    """Dropped, refused, shutting down, a lost race; on SQLite only what its locks and disk may cause."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return any(sign in str(error.orig) for sign in _SQLITE_ABSENCE)
    return isinstance(error, (OperationalError, InterfaceError))


def _parsed(url: str) -> URL:
    parsed = make_url(url)
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise FarmUnavailable(
            f"FARM_DATABASE_URL names {parsed.get_backend_name()!r}; the farm runs on sqlite and postgresql.",
            param="FARM_DATABASE_URL",
        )
    return parsed
