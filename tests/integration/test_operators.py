"""Operators and real workers: drain, resume, quarantine, and attempts that stand still."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.broker.valkey import EmbeddedValkey
from farm.doors import workers
from farm.errors import FailureClass
from tasks.probe import Probe
from tests.processes import is_running
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url) as farm:
        yield farm


def state(farm: WorkerFarm, name: str) -> str:
    return next(worker.state for worker in workers.list_workers(farm.hall) if worker.name == name)


def who_ran(farm: WorkerFarm, job_ids: list[str]) -> set[str | None]:
    return {attempt.worker for job_id in job_ids for attempt in farm.attempts(job_id)}


def settled_elsewhere(farm: WorkerFarm, name: str) -> None:
    """Jobs go through, none of them by way of this worker: it has heard that it is kept out."""

    def quiet() -> bool:
        jobs = [farm.submit(Probe()) for _ in range(6)]
        assert {farm.ended(job_id).state for job_id in jobs} == {"completed"}
        return name not in who_ran(farm, jobs)

    until(quiet, f"{name} leaves the pool's queue to others")


def test_a_drained_worker_ends_what_it_runs_and_the_other_takes_the_rest(
    farm: WorkerFarm, valkey: EmbeddedValkey
) -> None:
    draining = farm.worker("w1")
    long = farm.submit(Probe(sleep_s=2.0))
    assert farm.running(long).worker == "w1"
    farm.worker("w2")
    workers.drain(farm.hall, "ops", "w1")
    assert farm.ended(long).state == "completed"
    assert farm.outcomes(long) == ["succeeded"]
    settled_elsewhere(farm, "w1")

    valkey.restart()  # a new connection must not take the pool's queue up again
    settled_elsewhere(farm, "w1")
    assert draining.process.poll() is None

    workers.resume(farm.hall, "ops", "w1")
    both = [farm.submit(Probe(sleep_s=1.0)) for _ in range(2)]
    assert {farm.ended(job_id).state for job_id in both} == {"completed"}
    assert who_ran(farm, both) == {"w1", "w2"}


def test_a_drained_worker_that_restarts_is_still_drained(farm: WorkerFarm) -> None:
    worker = farm.worker("w1")
    workers.drain(farm.hall, "ops", "w1")
    worker.kill()
    worker.process.wait(timeout=10)
    farm.worker("w1")
    assert state(farm, "w1") == "draining"
    farm.worker("w2")
    jobs = [farm.submit(Probe()) for _ in range(10)]
    assert {farm.ended(job_id).state for job_id in jobs} == {"completed"}
    assert who_ran(farm, jobs) == {"w2"}  # it did not even look into the pool's queue


def test_a_worker_with_a_full_disk_is_quarantined_and_further_jobs_wait(farm: WorkerFarm) -> None:
    farm.worker("w1")
    jobs = [farm.submit(Probe(fail_class=FailureClass.DISK_FULL)) for _ in range(5)]
    until(lambda: state(farm, "w1") == "quarantined", "w1 is quarantined")
    waiting = farm.submit(Probe())
    assert farm.job(waiting).state == "queued"
    workers.resume(farm.hall, "ops", "w1")
    assert farm.ended(waiting).state == "completed"
    assert {farm.ended(job_id).state for job_id in jobs} == {"failed"}


def test_an_attempt_that_stands_still_is_stopped_and_its_engine_kept(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=600.0, progress_steps=1, no_progress_s=1.0))
    farm.running(job_id)
    engines = worker.engines()
    until(lambda: farm.outcomes(job_id)[:1] == ["failed"], "the attempt has failed")
    attempt = farm.attempts(job_id)[0]
    assert (attempt.failure_class, attempt.error_code) == ("no_progress", "no_progress")
    assert "1 s" in attempt.error_message
    assert worker.engines() == engines


def test_one_that_stands_still_in_c_is_killed_and_tried_again(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(hang_c_s=600.0, fail_times=1, no_progress_s=2.0))
    farm.running(job_id)
    (engine,) = worker.engines()
    assert farm.ended(job_id).state == "completed"
    first, second = farm.attempts(job_id)
    assert (first.failure_class, second.outcome) == ("no_progress", "succeeded")
    assert not is_running(engine)


def test_one_that_moves_is_left_alone_however_long_it_takes(farm: WorkerFarm) -> None:
    farm.worker()
    job_id = farm.submit(Probe(sleep_s=4.0, progress_steps=10, no_progress_s=2.0))
    assert farm.ended(job_id).state == "completed"
    assert farm.outcomes(job_id) == ["succeeded"]
