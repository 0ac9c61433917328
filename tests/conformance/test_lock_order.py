"""In which order rows are locked, on PostgreSQL: who takes them in another order locks the others out."""

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import text, update

from farm.blobs import open_blobs
from farm.doors.lanes import lanes_of, sort_of
from farm.doors.submit import order
from farm.job import JobSpec
from farm.kinds import CachedOutput, TaskSpec, kind_named
from farm.settings import Settings
from farm.store.schema import accounts
from schedulers import reuse
from schedulers.retention.rounds import Retention
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


def test_retention_leaves_what_a_tick_is_about_to_take(farm: Farm, tmp_path: Path) -> None:
    """The tick holds one segment and will want another; retention would give up both, in its own order."""
    farm.clock.advance(s=365 * 86_400.0)
    account_id = farm.caller().account.id
    plan = [TaskSpec(name=key, step="probe", pool="cpu-render", cached=_cached(key)) for key in ("a", "b")]
    with farm.store.write() as connection:
        outputs = [{"cache_key": key, "blob_key": f"segments/{key}", "size_bytes": 1} for key in ("a", "b")]
        reuse.keep(connection, account_id, outputs, 0.0)
    done: list[Mapping[str, int]] = []
    retention = Retention(farm.hall, open_blobs(Settings(home=tmp_path), farm.hall.secrets, farm.clock))
    keeping = threading.Thread(target=lambda: done.append(retention.round()))
    with farm.store.write() as connection:
        assert reuse.take(connection, account_id, plan[1:], farm.clock.now()).keys() == {"b"}
        keeping.start()
        keeping.join(_PATIENCE_S)
        assert done == [{"segments": 1}]
        assert reuse.take(connection, account_id, plan, farm.clock.now()).keys() == {"b"}
    assert retention.round() == {}


def _cached(key: str) -> CachedOutput:
    return CachedOutput(key=key, name="segment", file_name="segment.mp4", content_type="video/mp4")
