"""What a restore rests on: a copy of one moment, and numbers that are not given twice."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from farm.store.engine import Store
from farm.store.schema import accounts, outbox
from farm.store.schema_version import migrate
from farm.store.snapshot import GAP, skip_numbers, snapshot


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    migrate(made)
    yield made
    made.close()


def new_event(connection: Connection, name: str) -> int:
    """The number of an event of a new account."""
    owner = insert(accounts).values(public_id=name, name=name, tier="pro", created_at=1.0)
    row = {
        "account_id": connection.scalar(owner.returning(accounts.c.id)),
        "event": "batch.completed",
        "endpoint": "",
        "payload": {"batch": name},
        "state": "told",
        "due_at": 1.0,
        "created_at": 1.0,
    }
    return int(connection.execute(insert(outbox).values(row).returning(outbox.c.id)).scalar_one())


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_numbers_that_may_have_been_given_are_skipped(store: Store, used: bool) -> None:
    with store.write() as connection:
        before = new_event(connection, "ada") if used else 0
        skip_numbers(connection)
        assert new_event(connection, "bob") > before + GAP


def test_a_copy_is_of_one_moment_and_holds_nobody_up(tmp_path: Path) -> None:
    """A writer keeps two tables in step; the copy never sees them out of it."""
    store = Store(f"sqlite:///{tmp_path / 'farm.sqlite3'}")
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE a (n)")
        connection.exec_driver_sql("CREATE TABLE b (n)")
    stopping, wrote = threading.Event(), threading.Event()

    def write() -> None:
        while not stopping.is_set():
            with store.write() as connection:
                connection.exec_driver_sql("INSERT INTO a VALUES (1)")
                connection.exec_driver_sql("INSERT INTO b VALUES (1)")
            wrote.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            assert wrote.wait(30)
            wrote.clear()
            copy = tmp_path / f"copy-{number}"
            snapshot(store, copy)
            with sqlite3.connect(copy) as found:
                counts = [found.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in "ab"]
            found.close()
            assert counts[0] == counts[1] > 0
            assert sorted(tmp_path.glob(f"copy-{number}*")) == [copy]  # no log beside it
    finally:
        stopping.set()
        writer.join()
        store.close()
