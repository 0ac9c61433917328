"""One clock for all hosts: the database's."""

import pytest

from farm.clock import SystemClock
from farm.settings import Settings
from farm.store.clock import StoreClock, clock_of
from farm.store.engine import Store
from tests.postgres import Postgres


class WrongClock:
    """A host whose clock is an hour slow."""

    def now(self) -> float:
        return SystemClock().now() - 3600


@pytest.mark.slow
def test_a_host_with_a_wrong_clock_reads_the_stores(postgres: Postgres) -> None:
    store = Store(Settings(database_url=postgres.fresh()).store_url)
    assert abs(StoreClock(store, WrongClock()).now() - SystemClock().now()) < 1
    assert isinstance(clock_of(store), StoreClock)
    store.close()


def test_a_store_that_is_away_leaves_the_hosts_time() -> None:
    store = Store(Settings(database_url="postgresql://farm@127.0.0.1:1/farm").store_url)
    assert abs(StoreClock(store).now() - SystemClock().now()) < 1


def test_sqlite_is_on_this_host() -> None:
    assert isinstance(clock_of(Store("sqlite://")), SystemClock)
