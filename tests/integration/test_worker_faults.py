"""A worker's bad days: killed engines, hangs in C, a lost Valkey, a full disk, a host that goes away."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from farm.broker.app import celery_app
from farm.broker.valkey import EmbeddedValkey
from tasks.probe import Probe
from tests.processes import is_running
from tests.worker_farm import PATIENCE_S, WorkerFarm, until

pytestmark = pytest.mark.slow


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url) as farm:
        yield farm


def test_a_killed_engine_costs_one_attempt_and_the_next_gets_a_fresh_one(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=1.5))
    farm.running(job_id)
    (engine,) = worker.engines()
    os.kill(engine, signal.SIGKILL)
    assert farm.ended(job_id).state == "completed"
    first, second = farm.attempts(job_id)
    assert (first.outcome, first.failure_class, second.outcome) == ("failed", "crash", "succeeded")
    assert "SIGKILL" in first.error_message
    assert worker.engines() != [engine]


@pytest.mark.parametrize(
    ("probe", "said"), [({"exit_code": 3}, "status 3"), ({"kill_signal": 11}, "SIGSEGV")]
)
def test_an_engine_that_dies_by_itself_is_a_crash(farm: WorkerFarm, probe: dict[str, int], said: str) -> None:
    farm.worker()
    job_id = farm.submit(Probe.model_validate({"fail_times": 1, **probe}))
    assert farm.ended(job_id).state == "completed"
    first, second = farm.attempts(job_id)
    assert (first.failure_class, second.outcome) == ("crash", "succeeded")
    assert said in first.error_message


def test_an_engine_hung_in_c_is_killed_while_the_worker_still_answers(
    farm: WorkerFarm, valkey: EmbeddedValkey
) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(hang_c_s=600.0, fail_times=1, hard_s=6.0))
    farm.running(job_id)
    (engine,) = worker.engines()
    answers = celery_app(valkey.url).control.inspect(timeout=1.0).ping() or {}
    assert [name.partition("@")[0] for name in answers] == ["w1"]
    assert farm.outcomes(job_id) == [None]  # it hung while the worker answered
    assert farm.ended(job_id).state == "completed"
    first, second = farm.attempts(job_id)
    assert (first.outcome, first.failure_class, second.outcome) == ("failed", "timeout", "succeeded")
    assert not is_running(engine)


def test_a_soft_limit_ends_an_engine_that_listens_and_keeps_it(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=600.0, soft_s=1.0, hard_s=60.0))
    farm.running(job_id)
    engines = worker.engines()
    until(lambda: farm.outcomes(job_id)[:1] == ["failed"], "the attempt has failed")
    assert farm.attempts(job_id)[0].failure_class == "timeout"
    assert worker.engines() == engines


def test_sigterm_gives_the_attempt_back_at_once_and_another_worker_ends_it(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=2.0))
    farm.running(job_id)
    engines = worker.engines()
    worker.kill(signal.SIGTERM)
    until(lambda: farm.outcomes(job_id)[:1] == ["returned"], "the attempt was given back")
    assert worker.process.wait(timeout=PATIENCE_S) == 0
    assert not any(is_running(pid) for pid in engines)
    assert not list((farm.home / "work").glob("worker-*"))
    assert not any(is_running(pid) for pid in engines)
    farm.worker(name="w2")
    assert farm.ended(job_id).state == "completed"
    assert farm.outcomes(job_id) == ["returned", "succeeded"]
    assert farm.job(job_id).result["probe"]["attempt"] == 1  # what was given back does not count


def test_sigterm_ends_an_idle_worker_even_while_valkey_is_away(
    farm: WorkerFarm, valkey: EmbeddedValkey
) -> None:
    worker = farm.worker()
    valkey.stop()
    worker.kill(signal.SIGINT)
    assert worker.process.wait(timeout=PATIENCE_S) == 0


def test_a_killed_worker_takes_its_engine_along_and_its_folder_is_swept(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(sleep_s=1.5, inputs=(farm.asset(b"a picture", file_name="a.jpg"),)))
    farm.running(job_id)
    until(worker.attempt_folders, "its folder is there")
    until(worker.engines, "its engine is there")
    left, (engine,) = worker.attempt_folders(), worker.engines()
    worker.kill()
    until(lambda: not is_running(engine), "the engine is gone")
    farm.worker(name="w2")
    assert farm.ended(job_id).state == "completed"
    assert farm.outcomes(job_id) == ["lost", "succeeded"]
    assert not any(folder.exists() for folder in left)


def test_an_engine_hung_in_c_dies_with_its_killed_worker(farm: WorkerFarm) -> None:
    worker = farm.worker()
    job_id = farm.submit(Probe(hang_c_s=600.0, fail_times=1))
    farm.running(job_id)
    (engine,) = worker.engines()
    worker.kill()
    until(lambda: not is_running(engine), "the engine is gone")


def test_a_worker_lives_through_a_killed_valkey(farm: WorkerFarm, valkey: EmbeddedValkey) -> None:
    worker = farm.worker()
    during = farm.submit(Probe(sleep_s=2.0))
    farm.running(during)
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    until(lambda: not valkey.alive(), "Valkey is dead")
    while_away = farm.submit(Probe())
    assert farm.ended(during).state == "completed"
    valkey.restart()
    after = farm.submit(Probe())
    assert [farm.ended(job_id).state for job_id in (while_away, after)] == ["completed", "completed"]
    assert farm.outcomes(during) == ["succeeded"]
    assert worker.process.poll() is None


def test_flushall_loses_no_queued_job(farm: WorkerFarm, valkey: EmbeddedValkey) -> None:
    jobs = [farm.submit(Probe(sleep_s=0.05)) for _ in range(10)]
    farm.worker()
    with redis.Redis.from_url(valkey.url) as client:
        for job_id in jobs[:3]:
            client.flushall()
            farm.ended(job_id)
    assert {farm.ended(job_id).state for job_id in jobs} == {"completed"}
    assert {tuple(farm.outcomes(job_id)) for job_id in jobs} == {("succeeded",)}


def test_a_worker_that_was_counted_as_gone_announces_itself_again(farm: WorkerFarm) -> None:
    worker = farm.worker()
    with farm.paused(worker):
        until(lambda: farm.worker_state("w1") == "offline", "the worker counts as gone")
    until(lambda: farm.worker_state("w1") == "online", "the worker is back")
    assert farm.ended(farm.submit(Probe())).state == "completed"


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, valkey: EmbeddedValkey) -> None:
    small = tmp_path / "blobs"
    with _tiny_disk(small), WorkerFarm(tmp_path, valkey.url, blobs_url=str(small)) as farm:
        worker = farm.worker()
        job_id = farm.submit(Probe(write_bytes=8 << 20))
        until(lambda: farm.outcomes(job_id)[:1] == ["failed"], "the attempt has failed")
        assert farm.attempts(job_id)[0].failure_class == "disk_full"
        until(lambda: not worker.attempt_folders(), "the work folder is gone")
        assert not [path for path in small.rglob("*") if path.is_file()]
        assert farm.ended(farm.submit(Probe(write_bytes=1000))).state == "completed"


def test_a_full_work_disk_is_said_and_leaves_room(tmp_path: Path, valkey: EmbeddedValkey) -> None:
    (tmp_path / "home").mkdir()
    with _tiny_disk(tmp_path / "home" / "work"), WorkerFarm(tmp_path, valkey.url) as farm:
        worker = farm.worker()
        job_id = farm.submit(Probe(write_bytes=8 << 20))
        until(lambda: farm.outcomes(job_id)[:1] == ["failed"], "the attempt has failed")
        assert farm.attempts(job_id)[0].failure_class == "disk_full"
        until(lambda: not worker.attempt_folders(), "the work folder is gone")
        assert farm.ended(farm.submit(Probe(write_bytes=1000))).state == "completed"


@contextmanager
def _tiny_disk(place: Path) -> Iterator[None]:
    """A file system of 2 MB."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a tiny tmpfs")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow to mount a tiny tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
