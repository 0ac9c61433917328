"""The same worker over PostgreSQL, and what it does when the database goes away under it."""

from pathlib import Path

import pytest
from sqlalchemy import text

from farm.broker.valkey import EmbeddedValkey
from farm.settings import Settings
from farm.store.engine import Store
from tasks.probe import Probe
from tests.postgres import Postgres
from tests.worker_farm import WorkerFarm

pytestmark = pytest.mark.slow


def test_a_worker_lives_through_a_crash_of_postgresql(
    tmp_path: Path, valkey: EmbeddedValkey, postgres: Postgres
) -> None:
    with WorkerFarm(tmp_path, valkey.url, database_url=postgres.fresh()) as farm:
        worker = farm.worker()
        before = farm.submit(Probe(write_bytes=1000))
        assert farm.ended(before).state == "completed"
        during = farm.submit(Probe(sleep_s=2.0))
        farm.running(during)
        postgres.stop()
        postgres.start()
        assert farm.ended(during).state == "completed"
        assert farm.outcomes(during) == ["succeeded"]
        assert farm.ended(farm.submit(Probe())).state == "completed"
        assert worker.process.poll() is None


def test_connections_that_died_at_rest_are_found_out_before_they_are_used(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the first call after PostgreSQL was away would fail, once for each connection of the pool."""
    monkeypatch.setattr("farm.store.engine._REST_S", 0.0)
    store = Store(Settings(database_url=postgres.fresh()).store_url)
    with store.read() as one, store.read() as other:
        assert one.scalar(text("SELECT 1")) == other.scalar(text("SELECT 1"))
        pids = [connection.scalar(text("SELECT pg_backend_pid()")) for connection in (one, other)]
    with store.write() as connection:
        kill = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = ANY (:pids)")
        others = [pid for pid in pids if pid != connection.scalar(text("SELECT pg_backend_pid()"))]
        assert connection.scalar(kill, {"pids": others}) == 1
    with store.write() as first, store.write() as second:
        assert first.scalar(text("SELECT 1")) == second.scalar(text("SELECT 1"))
    store.close()
