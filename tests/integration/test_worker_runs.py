"""A worker's plain days: it runs, reports, stores, stops when told, and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.kinds import POOLS
from farm.store.schema import artifacts
from tasks.probe import Probe
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url) as farm:
        yield farm


def test_a_job_runs_to_its_end_and_its_file_is_stored(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=1.0, write_bytes=100_000, echo={"hello": "Ünïcødé"}))
    assert 0 <= farm.running(job_id).progress <= 1
    job = farm.ended(job_id)
    assert (job.state, farm.outcomes(job_id)) == ("completed", ["succeeded"])
    with farm.hall.store.read() as connection:
        stored = connection.execute(select(artifacts)).one()
    assert (stored.name, stored.size_bytes) == ("bytes", 100_000)
    assert (farm.home / "blobs" / stored.blob_key).is_file() or list((farm.home / "blobs").rglob("*bytes*"))
    until(lambda: not worker.attempt_folders(), "the work folder is gone")
