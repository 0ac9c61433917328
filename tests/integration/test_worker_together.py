"""A worker's slot that is given several attempts in one message, with a real engine process."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import insert, select

from farm.blobs import open_blobs
from farm.broker.shown import Nobody
from farm.clock import SystemClock
from farm.doors.hall import Hall
from farm.doors.work import Beat, Ended, claim_all, finish_all
from farm.errors import FailureClass
from farm.settings import Settings
from farm.states import AttemptState
from farm.store.schema import attempts, tasks
from tasks.probe import Probe
from tests.farm import Farm
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


def published(farm: Farm, *probes: Probe) -> list[tuple[int, int]]:
    """Attempts of one job each, in this order."""
    caller = farm.caller()
    for probe in probes:
        farm.submit(caller, probe)
    with farm.store.write() as connection:
        rows = connection.execute(
            select(tasks.c.id, tasks.c.job_seq, tasks.c.lane_id, tasks.c.pool, tasks.c.resource).order_by(
                tasks.c.id
            )
        )
        connection.execute(
            insert(attempts),
            [
                {
                    **{"task_id": row.id, "job_seq": row.job_seq, "lane_id": row.lane_id},
                    **{"pool": row.pool, "resource": row.resource, "queue": row.pool, "order": 0},
                    **{"token": row.id + 100, "state": AttemptState.PUBLISHED, "estimated_s": 0.01},
                    **{"published_at": 0.0, "lease_at": 1e12},
                }
                for row in rows
            ],
        )
        return [tuple(row) for row in connection.execute(select(attempts.c.id, attempts.c.token))]


def ends(farm: Farm) -> list[tuple[str, str | None, float | None]]:
    with farm.store.read() as connection:
        rows = connection.execute(
            select(attempts.c.state, attempts.c.outcome, attempts.c.started_at).order_by(attempts.c.id)
        )
        return [(row.state, row.outcome, row.started_at) for row in rows]


class Told(NamedTuple):
    """A watcher that notes what it hears."""

    notes: list[tuple[str, int, str | None]]

    def began(self, attempt_id: int) -> None:
        self.notes.append(("began", attempt_id, None))

    def ended(self, attempt_id: int, reason: str | None) -> None:
        self.notes.append(("ended", attempt_id, reason))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes back however slowly an engine starts."""
    monkeypatch.setattr("workers.lease._LONGEST_WAIT_S", 60.0)


@pytest.mark.usefixtures("patience")
def test_each_has_its_own_end_and_its_own_times(farm: Farm, runner: Runner) -> None:
    named = published(
        farm, Probe(), Probe(fail_class=FailureClass.INVALID_INPUT), Probe(exit_code=3), Probe()
    )
    told: list[tuple[str, int, str | None]] = []
    runner.run([*named, (999, 1)], Told(told))
    ids = [attempt_id for attempt_id, _ in named]
    assert [number for what, number, _ in told if what == "began"] == ids  # not of what is not ours
    reasons = [reason and reason.partition(":")[0] for what, _, reason in told if what == "ended"]
    assert reasons == [None, "invalid_input", "crash", None]
    until(lambda: all(state == "finished" for state, _, _ in ends(farm)), "all are recorded")
    found = ends(farm)
    assert [outcome for _, outcome, _ in found] == ["succeeded", "failed", "failed", "succeeded"]
    began = [started_at for _, _, started_at in found if started_at is not None]
    assert began == sorted(set(began))  # not from the moment when all of them were claimed
    assert len(began) == len(named)


def test_what_waits_long_behind_another_goes_back(farm: Farm, runner: Runner) -> None:
    """Others take it, while the first, which was thought to be short, is still running."""
    named = published(farm, Probe(sleep_s=60.0, hard_s=90.0), Probe(), Probe())
    slot = threading.Thread(target=runner.run, args=[named, Nobody()])
    slot.start()
    until(lambda: [each[:2] for each in ends(farm)[1:]] == [("finished", "returned")] * 2, "they went back")
    assert ends(farm)[0][0] == "running"
    assert [started_at for _, _, started_at in ends(farm)[1:]] == [None, None]
    runner.close(10.0)
    slot.join()
    assert [outcome for _, outcome, _ in ends(farm)] == ["returned"] * 3


@pytest.mark.usefixtures("patience")
def test_a_report_that_the_store_refuses_fails_alone(
    farm: Farm, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = published(farm, *[Probe(echo=number) for number in range(6)])

    def refuse_the_third(hall: Hall, ended: Sequence[Ended]) -> list[bool]:
        if any(each.report.result.get("echo") == 2 for each in ended):
            raise ValueError("it cannot be written")
        return finish_all(hall, ended)

    monkeypatch.setattr("workers.runner.finish_all", refuse_the_third)
    runner.run(named, Nobody())
    until(lambda: all(state == "finished" for state, _, _ in ends(farm)), "all are recorded")
    expected = ["succeeded", "succeeded", "failed", "succeeded", "succeeded", "succeeded"]
    assert [outcome for _, outcome, _ in ends(farm)] == expected


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
