"""The same worker over PostgreSQL, and what it does when the database goes away under it."""

from pathlib import Path

import pytest

from farm.broker.valkey import EmbeddedValkey
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
