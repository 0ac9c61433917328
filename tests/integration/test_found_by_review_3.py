"""What a review of workers that run several attempts of one message found: each of these failed before."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from farm.blobs import open_blobs
from farm.broker.shown import Nobody
from farm.clock import SystemClock
from farm.doors.hall import Hall
from farm.doors.work import Beat, claim_all
from farm.settings import Settings
from tasks.probe import Probe
from tests.farm import Farm
from tests.integration.test_worker_together import ends, published
from tests.worker_farm import until
from workers.lease import Leases
from workers.runner import Runner
from workers.stop_sign import StopSign
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


def test_attempts_that_go_back_one_after_the_other_keep_no_lease_waiting(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a commit, which may be slow: sixteen of them could cost the running ones their leases."""
    rules = farm.hall.catalog.scheduling.model_copy(update={"beat_s": 0.0})
    hall = replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"scheduling": rules}))
    (runs, *wait) = claim_all(farm.hall, published(farm, *[Probe()] * 4), "w1")
    heard: list[str] = []

    def beats(_hall: Hall, attempt_id: int, *_said: object) -> Beat:
        if attempt_id == runs.attempt_id:
            heard.append("beat")
        return Beat(ours=True, cancel=False)

    monkeypatch.setattr("workers.lease.beat", beats)
    monkeypatch.setattr("workers.lease._LONGEST_WAIT_S", 0.0)
    leases = Leases(hall, lambda _claimed: heard.append("back"))
    leases.hold(runs, StopSign()).begin()
    for each in wait:
        leases.hold(each, StopSign())
    until(lambda: heard.count("back") == len(wait), "all went back")
    for each in (runs, *wait):
        leases.let_go(each)
    assert ["back", "back"] not in [list(pair) for pair in pairwise(heard)]
