"""In which order rows are locked, on PostgreSQL: who takes them in another order locks the others out."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text, update

from farm.doors.lanes import lanes_of, sort_of
from farm.doors.submit import order
from farm.job import JobSpec
from farm.kinds import kind_named
from farm.settings import Settings
from farm.store.schema import accounts
from tasks.probe import Probe
from tests.farm import Farm
from tests.postgres import Postgres

pytestmark = pytest.mark.slow
_PATIENCE_S = 30.0


@pytest.fixture
def farm(postgres: Postgres) -> Iterator[Farm]:
    made = Farm(Settings(database_url=postgres.laid_out()).store_url)
    yield made
    made.close()


def somebody_waits(farm: Farm) -> bool:
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"
    with farm.store.read() as connection:
        return bool(connection.scalar(text(query)))


def test_a_metered_submit_and_a_tick_that_grows_tasks_do_not_lock_each_other(farm: Farm) -> None:
    """The tick makes the account's lane, then gives an ended job's credits back; a submit wants both too."""
    farm.worker()
    ada = farm.caller(balance_mc=1000)
    spec = JobSpec(params=Probe(price_mc=100))
    (task,) = order(farm.hall, spec).plan
    sort = sort_of(farm.hall, task, kind_named("probe").announced, interactive=False)
    done: list[str] = []
    submitting = threading.Thread(target=lambda: done.append(farm.submit(ada, spec.params)))
    with farm.store.write() as connection:
        lanes_of(connection, farm.hall, ada.account, {sort})
        submitting.start()
        deadline = time.monotonic() + _PATIENCE_S
        while not somebody_waits(farm):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        account = update(accounts).where(accounts.c.id == ada.account.id)
        connection.execute(account.values(balance_mc=accounts.c.balance_mc + 50))
    submitting.join()
    assert len(done) == 1
    assert farm.caller().account.balance_mc == 950
