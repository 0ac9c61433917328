"""What a review of workers that run several attempts of one message found: each of these failed before."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.blobs import open_blobs
from farm.broker.shown import Nobody
from farm.clock import SystemClock
from farm.settings import Settings
from tasks.probe import Probe
from tests.farm import Farm
from tests.integration.test_worker_together import ends, published
from tests.worker_farm import until
from workers.runner import Runner
from workers.workdir import Workshop

pytestmark = pytest.mark.slow


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    farm = Farm(f"sqlite:///{tmp_path / 'farm.db'}")
    farm.worker()
    yield farm
    farm.close()


@pytest.fixture
def runner(farm: Farm, tmp_path: Path) -> Iterator[Runner]:
    hall = replace(farm.hall, clock=SystemClock())
    with Workshop(tmp_path / "work") as workshop:
        blobs = open_blobs(Settings(home=tmp_path), hall.secrets)
        runner = Runner(hall, blobs, workshop, "w1", {"cpu": 1})
        yield runner
        runner.close(5.0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_a_closed_runner_still_takes_is_given_back_before_its_slot_is_done(
    farm: Farm, runner: Runner
) -> None:
    """Its process ends as soon as the slots have: whatever is recorded later, by another thread, never is."""
    named = published(farm, *[Probe()] * 8)
    runner.close(1.0)
    runner.run(named, Nobody())
    assert [each[:2] for each in ends(farm)] == [("finished", "returned")] * len(named)


@pytest.mark.usefixtures("patience")
def test_what_waits_behind_another_holds_no_files_open(farm: Farm, runner: Runner) -> None:
    """A worker of forty slots may hold hundreds that wait: `select` knows no file beyond number 1023."""
    named = published(farm, Probe(sleep_s=60.0, hard_s=90.0), *[Probe()] * 40)
    before = open_files()
    slot = threading.Thread(target=runner.run, args=[named, Nobody()])
    slot.start()
    until(lambda: all(each[0] == "running" for each in ends(farm)), "all are claimed")
    opened = open_files() - before
    runner.close(10.0)
    slot.join()
    assert opened < 40


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes back however slowly an engine starts."""
    monkeypatch.setattr("workers.lease._LONGEST_WAIT_S", 60.0)
