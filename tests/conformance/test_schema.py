"""The schema's history, on both engines: made, refused when it does not fit, migrated by two at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from farm.errors import FarmUnavailable
from farm.settings import Settings
from farm.store import migrations
from farm.store.engine import Store
from farm.store.schema import metadata
from farm.store.schema_version import head, knows, migrate, require_current


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def file_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that several connections can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    return Settings(database_url=request.getfixturevalue("postgres").fresh()).store_url


def test_the_files_names_are_the_revisions_in_their_order() -> None:
    """So that a process may know its revision without loading them all."""
    folder = ScriptDirectory(str(Path(migrations.__file__).parent))
    newest_first = [one.revision for one in folder.walk_revisions()]
    assert (head(), folder.get_heads()) == (newest_first[0], [newest_first[0]])
    assert newest_first == sorted(newest_first, reverse=True) and all(map(knows, newest_first))
    assert not knows("9999")


def test_an_empty_database_says_what_mends_it(file_url: str) -> None:
    store = Store(file_url)
    with pytest.raises(FarmUnavailable, match="Run: farm migrate"):
        require_current(store)
    assert migrate(store) == head()
    require_current(store)
    store.close()


def test_an_older_schema_says_what_mends_it(file_url: str) -> None:
    store = Store(file_url)
    migrate(store)
    with store.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(FarmUnavailable, match="Run: farm migrate"):
        require_current(store)
    store.close()


def test_a_newer_schema_is_refused(file_url: str) -> None:
    store = Store(file_url)
    migrate(store)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for door in (require_current, migrate):
        with pytest.raises(FarmUnavailable, match="Upgrade kinefarm"):
            door(store)
    store.close()


def test_four_migrators_at_once_agree(file_url: str) -> None:
    stores = [Store(file_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(migrate, stores)) == {head()}
    for store in stores:
        store.close()


def test_a_new_file_opened_by_eight_at_once_is_locked_to_none_of_them(tmp_path: Path) -> None:
    """Two that switch a file to WAL at once are refused without a wait; a farm's first start did that."""
    files = [f"sqlite:///{tmp_path / f'{number}.sqlite3'}" for number in range(120)]
    together = Barrier(8, timeout=20)

    def open_all(_opener: int) -> None:
        for url in files:
            store = Store(url)
            together.wait()
            with store.read() as connection:
                assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            store.close()

    with ThreadPoolExecutor(8) as threads:
        for opened in [threads.submit(open_all, opener) for opener in range(8)]:
            opened.result()


def test_the_migrations_make_exactly_the_tables_of_the_code(file_url: str) -> None:
    store = Store(file_url)
    migrate(store)
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_a_database_that_is_away_is_named() -> None:
    store = Store(Settings(database_url="postgresql://farm@127.0.0.1:1/farm").store_url)
    with pytest.raises(FarmUnavailable, match="does not answer"):
        require_current(store)


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(FarmUnavailable, match="mysql"):
        Store("mysql://localhost/farm")
