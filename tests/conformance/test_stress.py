"""Many processes' worth of threads at the doors at once, on PostgreSQL and on a SQLite file."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from farm.account import Caller
from farm.clock import SystemClock
from farm.doors import budgets, idempotency, jobs, money, purse, submit, work
from farm.errors import BudgetExceeded, CallInProgress, InsufficientCredits
from farm.ids import RandomIds
from farm.job import Failure, JobSpec
from farm.settings import Settings
from farm.states import TERMINAL_JOBS, Outcome
from farm.store.schema import jobs as job_table
from farm.store.schema import outbox
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tests.farm import Farm
from tests.invariants import violations

pytestmark = pytest.mark.slow

JOBS = 160
DEADLINE_S = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Farm]:
    """Real time here: leases and threads share the system clock."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    else:
        url = Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url
    made = Farm(url, clock=SystemClock(), ids=RandomIds())
    yield made
    made.close()


class Crowd:
    """Workers that claim from one postbox, and misbehave one time in four."""

    def __init__(self, farm: Farm, seed: int) -> None:
        self.farm = farm
        self.random = random.Random(seed)
        self.stop = threading.Event()
        self.lock = threading.Lock()

    def serve(self, name: str) -> None:
        while not self.stop.is_set():
            with self.lock:
                message = self.farm.post.messages.pop() if self.farm.post.messages else None
            if message is None:
                time.sleep(0.002)
                continue
            self.run(message.attempt_id, message.token, name)

    def run(self, attempt_id: int, token: int, name: str) -> None:
        hall = self.farm.hall
        claimed = work.claim(hall, attempt_id, token, name)
        second = work.claim(hall, attempt_id, token, f"{name}-twin")
        assert second is None
        if claimed is None:
            return
        told = work.beat(hall, attempt_id, token, 0.5, "half")
        work.finish(hall, attempt_id, token, self.outcome(told.cancel))

    def outcome(self, cancelled: bool) -> work.Report:
        chance = self.random.random()
        if cancelled:
            return work.Report(Outcome.CANCELLED)
        if chance < 0.15:
            return work.Report(Outcome.FAILED, Failure("crash", "crash", "died"))
        if chance < 0.25:
            return work.Report(Outcome.RETURNED)
        return work.Report(Outcome.SUCCEEDED)

    def schedule(self) -> None:
        scheduler = Scheduler(self.farm.hall, self.farm.post)
        while not self.stop.is_set():
            if scheduler.tick() == 0:
                time.sleep(0.002)


def test_nothing_is_lost_or_doubled_by_a_crowd_at_the_doors(farm: Farm) -> None:
    crowd = Crowd(farm, seed=7)
    callers = [farm.caller(name, "enterprise", balance_mc=1_000_000) for name in ("ada", "bob", "eve")]
    for number in range(4):
        farm.worker(f"w{number}", slots=4)
    with ThreadPoolExecutor(12) as threads:
        loops = [threads.submit(crowd.schedule) for _ in range(2)]
        loops += [threads.submit(crowd.serve, f"w{number}") for number in range(4)]
        try:
            submitted = list(threads.map(lambda n: _submit(farm, callers[n % 3], n), range(JOBS)))
            list(threads.map(lambda job_id: jobs.cancel(farm.hall, None, job_id), submitted[::10]))
            _wait_for_the_end(farm)
        finally:
            crowd.stop.set()
        for loop in loops:
            loop.result()
    assert violations(farm.store) == []


def test_fifty_parallel_submits_cannot_overspend(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)

    def buy(_number: int) -> bool:
        try:
            submit.submit(farm.hall, ada, JobSpec.of(Probe(price_mc=1_000)))
        except InsufficientCredits:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(buy, range(50))) == 10
    assert farm.caller().account.balance_mc == 0


def test_fifty_parallel_submits_cannot_pass_a_budget(farm: Farm) -> None:
    ada = farm.caller()
    budgets.set_budget(farm.hall, ada.key_prefix, 10_000)

    def buy(_number: int) -> bool:
        try:
            submit.submit(farm.hall, ada, JobSpec.of(Probe(price_mc=1_000)))
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(buy, range(50))) == 10
    assert money.budget(farm.hall, ada.key_id) == money.Budget(10_000, 10_000)
    with farm.store.read() as connection:
        told = connection.scalars(select(outbox.c.event).order_by(outbox.c.id)).all()
    assert told == ["budget.warning", "budget.exhausted"]


def test_a_budget_that_is_set_meanwhile_misses_no_job(farm: Farm) -> None:
    ada = farm.caller()

    def work_on(number: int) -> None:
        if number % 10 == 5:
            budgets.set_budget(farm.hall, ada.key_prefix, 1_000_000)
        submit.submit(farm.hall, ada, JobSpec.of(Probe(price_mc=1_000)))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work_on, range(60)))
    assert money.budget(farm.hall, ada.key_id) == money.Budget(1_000_000, 60_000)


def test_an_allowance_is_granted_once_however_many_ask(farm: Farm) -> None:
    ada = farm.caller(balance_mc=0)
    purse.set_allowance(farm.hall, ada.account.public_id, 5_000)
    scheduler = Scheduler(farm.hall, farm.post)

    def buy(number: int) -> bool:
        if number % 7 == 0:
            scheduler.tick()
        try:
            submit.submit(farm.hall, ada, JobSpec.of(Probe(price_mc=1_000)))
        except InsufficientCredits:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(buy, range(50))) == 5
    assert [said for said in violations(farm.store) if "ledger says" in said] == []


def test_one_key_in_fifty_calls_at_once_is_one_job(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    call = idempotency.Call(ada.key_id, "k", "0" * 64)

    def make(_number: int) -> str:
        while True:
            try:
                found = idempotency.reserve(farm.hall, call)
                if isinstance(found, idempotency.Answer):
                    return found.body
                done = submit.submit(farm.hall, ada, JobSpec.of(Probe(price_mc=1_000)), found)
                idempotency.keep_answer(farm.hall, found, idempotency.Answer(202, done.job_id))
                return done.job_id
            except CallInProgress:
                time.sleep(0.002)

    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(make, range(50)))) == 1
    assert farm.caller().account.balance_mc == 9_000


def _submit(farm: Farm, caller: Caller, number: int) -> str:
    return farm.submit(caller, Probe(estimated_s=0.01, price_mc=number, echo=str(number)))


def _wait_for_the_end(farm: Farm) -> None:
    deadline = time.monotonic() + DEADLINE_S
    query = select(func.count()).select_from(job_table).where(job_table.c.state.not_in(TERMINAL_JOBS))
    while time.monotonic() < deadline:
        with farm.store.read() as connection:
            if connection.scalar(query) == 0:
                break
        time.sleep(0.05)
    while violations(farm.store) and time.monotonic() < deadline:
        time.sleep(0.05)
