"""A worker's plain days: it runs, reports, stores, stops when told, and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from farm.broker.message import Message
from farm.broker.publish import Publisher
from farm.broker.valkey import EmbeddedValkey
from farm.doors.accounts import ensure_account
from farm.doors.jobs import cancel
from farm.errors import FailureClass
from farm.kinds import POOLS
from farm.store.schema import artifacts
from tasks.probe import Probe
from tests.processes import is_running
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


def test_every_pool_runs_the_probe(farm: WorkerFarm) -> None:
    for pool in POOLS:
        farm.worker(name=f"the-{pool}", pool=pool)
    jobs = {pool: farm.submit(Probe(pool=pool)) for pool in POOLS}
    assert {farm.ended(job_id).state for job_id in jobs.values()} == {"completed"}
    assert [farm.attempts(jobs[pool])[0].worker for pool in POOLS] == [f"the-{pool}" for pool in POOLS]


def test_tasks_of_one_slot_share_one_warm_engine(farm: WorkerFarm) -> None:
    worker = farm.worker()
    jobs = [farm.submit(Probe(echo=number)) for number in range(5)]
    results = [farm.ended(job_id).result["probe"] for job_id in jobs]
    assert {result["pid"] for result in results} == set(worker.engines())
    assert [result["echo"] for result in results] == [0, 1, 2, 3, 4]


def test_slots_run_side_by_side(farm: WorkerFarm) -> None:
    worker = farm.worker(slots=2)
    jobs = [farm.submit(Probe(sleep_s=1.0)) for _ in range(2)]
    for job_id in jobs:
        farm.running(job_id)
    assert len(worker.engines()) == 2
    assert {farm.ended(job_id).state for job_id in jobs} == {"completed"}


def test_a_cancelled_job_stops_within_the_grace(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=600.0))
    farm.running(job_id)
    engines = worker.engines()
    cancel(farm.hall, farm.caller.account.id, job_id)
    until(lambda: farm.outcomes(job_id) == ["cancelled"], "the attempt is cancelled")
    assert farm.ended(job_id).state == "cancelled"
    assert worker.engines() == engines  # it stopped by itself: the warm engine stays


def test_an_engine_that_ignores_cancel_is_killed(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=600.0, ignore_cancel=True))
    farm.running(job_id)
    engines = worker.engines()
    cancel(farm.hall, farm.caller.account.id, job_id)
    until(lambda: farm.outcomes(job_id) == ["cancelled"], "the attempt is cancelled")
    assert not any(is_running(pid) for pid in engines)
    until(lambda: not worker.attempt_folders(), "the work folder is gone")


@pytest.mark.parametrize("failure", ["invalid_input", "oom", "policy", "provider_auth"])
def test_a_failure_keeps_its_class(farm: WorkerFarm, failure: str) -> None:
    farm.worker()
    job_id = farm.submit(Probe(fail_class=FailureClass(failure), write_bytes=10))
    until(lambda: farm.outcomes(job_id)[:1] == ["failed"], "the attempt has failed")
    assert farm.attempts(job_id)[0].failure_class == failure
    assert farm.attempts(job_id)[0].error_message


def test_a_task_may_grow_tasks(farm: WorkerFarm) -> None:
    farm.worker(slots=2)
    job_id = farm.submit(Probe(grow=3))
    assert farm.ended(job_id).state == "completed"
    assert farm.outcomes(job_id) == ["succeeded"] * 4


def test_delivered_twice_runs_once(farm: WorkerFarm, valkey: EmbeddedValkey) -> None:
    farm.worker(slots=2)
    job_id = farm.submit(Probe(sleep_s=0.5))
    attempt = farm.running(job_id)
    with Publisher(valkey.url) as publisher:
        again = Message(attempt.id, attempt.token, "cpu-render", 0, "probe@1")
        assert publisher.publish([again, again, Message(attempt.id, 1, "cpu-render", 0, "probe@1")])
    assert farm.ended(job_id).state == "completed"
    assert farm.outcomes(job_id) == ["succeeded"]


def test_an_attempt_that_was_taken_away_is_dropped_with_its_files(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=600.0, write_bytes=1000))
    attempt = farm.running(job_id)
    engines = worker.engines()
    farm.take_away(attempt.id)
    until(lambda: not any(is_running(pid) for pid in engines), "the engine is killed")
    until(lambda: not worker.attempt_folders(), "the work folder is gone")
    assert not [path for path in (farm.home / "blobs").rglob("bytes*") if path.is_file()]
    assert farm.attempts(job_id)[0].outcome in (None, "lost")


def test_inputs_come_to_the_engine(farm: WorkerFarm) -> None:
    farm.worker()
    beach = farm.asset(b"sand" * 25, file_name="beach.JPG")
    job = farm.ended(farm.submit(Probe(inputs=(beach,))))
    assert (job.state, job.result["probe"]["inputs"]) == ("completed", {beach: 100})


def test_an_input_that_is_gone_is_named(farm: WorkerFarm) -> None:
    farm.worker()
    job_id = farm.submit(Probe(inputs=(farm.asset(None, file_name="beach.jpg"),)))
    assert farm.ended(job_id).state == "failed"
    (attempt,) = farm.attempts(job_id)
    assert (attempt.failure_class, attempt.error_code) == ("invalid_input", "asset_missing")
    assert "beach.jpg" in attempt.error_message


def test_another_accounts_input_is_as_good_as_missing(farm: WorkerFarm) -> None:
    farm.worker()
    other = ensure_account(farm.hall, "other", "free")
    theirs = farm.asset(b"secret", file_name="theirs.jpg", account_id=other.id)
    job_id = farm.submit(Probe(inputs=(theirs,)))
    assert farm.ended(job_id).state == "failed"
    assert farm.attempts(job_id)[0].error_code == "asset_missing"
