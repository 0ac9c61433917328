"""What breaks around the scheduler, on both engines: each fault costs what it must and nothing more."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from farm.doors import work
from farm.kinds import TaskSpec
from farm.settings import Settings
from farm.states import JobState, Outcome
from farm.store.engine import Store, StoreAway
from farm.store.schema import requests
from tests.farm import Farm
from tests.invariants import violations


def step(name: str, *needs: str, pool: str = "cpu-render") -> TaskSpec:
    return TaskSpec(name=name, step="probe", pool=pool, needs=needs)


def run_turns(farm: Farm, count: int) -> None:
    """The scheduler's own loop, errors and all, for so many turns."""
    turns = itertools.count()
    farm.scheduler.run(lambda: next(turns) >= count)


@pytest.fixture
def outage(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is away when it is written to next, and for 30 s: longer than any lease."""
    write, calls = farm.store.write, itertools.count()

    def away_once(
        _store: Store, *, durable: bool | None = None, apart: bool = False
    ) -> AbstractContextManager[Connection]:
        if next(calls) == 0:
            farm.clock.advance(s=30)
            raise StoreAway("gone for a while")
        return write(durable=durable, apart=apart)

    monkeypatch.setattr(Store, "write", away_once)


@pytest.fixture
def claimed(farm: Farm) -> work.Claimed:
    """An attempt under way."""
    farm.worker()
    farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    farm.post.take()
    assert claimed is not None
    return claimed


BAD_REPORTS = {
    "a price that is no number": work.Report(Outcome.SUCCEEDED, result={"cost_mc": "much"}),
    "a task that needs an unknown one": work.Report(Outcome.SUCCEEDED, tasks=[step("x", "nowhere")]),
    "tasks in a circle": work.Report(Outcome.SUCCEEDED, tasks=[step("x", "y"), step("y", "x")]),
    "a task that needs itself": work.Report(Outcome.SUCCEEDED, tasks=[step("x", "x")]),
    "a task of an unknown pool": work.Report(Outcome.SUCCEEDED, tasks=[step("x", pool="kitchen")]),
    "a task that is there already": work.Report(Outcome.SUCCEEDED, tasks=[step("probe")]),
}


@pytest.mark.parametrize("name", BAD_REPORTS)
def test_a_report_that_makes_no_sense_ends_its_own_job_only(farm: Farm, name: str) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    bad, good = farm.submit(ada), farm.submit(ada)
    for message in farm.tick():
        claimed = farm.claim(message)
        assert claimed is not None
        report = BAD_REPORTS[name] if claimed.job_id == bad else work.Report(Outcome.SUCCEEDED)
        work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    run_turns(farm, 3)
    assert (farm.job(bad).state, farm.job(good).state) == (JobState.FAILED, JobState.COMPLETED)
    assert violations(farm.store) == []


def test_a_beat_said_again_after_an_outage_holds_from_then(
    farm: Farm, claimed: work.Claimed, outage: None
) -> None:
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "").ours
    farm.tick()
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.6, "").ours


def test_an_outage_of_the_store_costs_no_attempt(farm: Farm, claimed: work.Claimed, outage: None) -> None:
    run_turns(farm, 2)  # the scheduler is back before the worker
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "").ours


def test_a_worker_that_died_in_an_outage_is_found_out_later(
    farm: Farm, claimed: work.Claimed, outage: None
) -> None:
    run_turns(farm, 2)
    farm.clock.advance(s=13)
    farm.tick()
    assert farm.attempts(claimed.job_id)[0].outcome is Outcome.LOST


def test_a_broker_that_was_away_for_long_is_used_as_soon_as_it_is_back(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller())
    farm.post.broken = True
    for _ in range(120):
        farm.tick()
        farm.clock.advance(s=1)
        work.seen(farm.hall, "w1")
    farm.post.broken = False
    assert len(farm.tick()) == 1


def test_a_clock_that_was_set_back_does_not_stop_the_sweep(farm: Farm) -> None:
    farm.worker()
    farm.tick()
    farm.clock.advance(s=-3600)
    farm.worker()
    farm.submit(farm.caller(), start_after=farm.clock.now() + 5)
    farm.clock.advance(s=6)
    assert len(farm.tick()) == 1


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with more than one connection."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    else:
        url = Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url
    with _farm_at(url) as farm:
        yield farm.store


@contextmanager
def _farm_at(url: str) -> Iterator[Farm]:
    farm = Farm(url)
    yield farm
    farm.close()


def test_a_look_into_the_store_sees_one_moment(shared_store: Store) -> None:
    count = select(func.count()).select_from(requests)
    with shared_store.read() as reading:
        before = reading.scalar(count)
        with shared_store.write() as writing:
            writing.execute(insert(requests).values(job_seq=1, action="cancel", created_at=0.0))
        assert reading.scalar(count) == before
