"""Jobs that keep coming while something happens to the farm, and what became of each."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from farm.account import Caller
from farm.doors.accounts import caller_of
from farm.doors.submit import submit_all
from farm.job import JobSpec
from farm.store.engine import StoreAway
from farm.store.schema import attempts, jobs, schedulers, tasks
from tasks.probe import Probe
from tests.chaos.house import House, Part
from tests.invariants import violations
from tests.running import eventually

_AT_ONCE = 10


@dataclass
class Flow:
    """One account's jobs, all of them no-ops unless said otherwise."""

    house: House
    made: int = 0
    _caller: Caller | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def caller(self) -> Caller:
        if self._caller is None:
            self._caller = caller_of(self.house.hall, self.house.key("flow"))
        return self._caller

    def submit(self, count: int, params: Probe | None = None) -> None:
        """Like the API, a few to a transaction."""
        for start in range(0, count, _AT_ONCE):
            number = min(_AT_ONCE, count - start)
            submit_all(self.house.hall, self.caller, [JobSpec(params=params or Probe())] * number)
            self.made += number

    @contextmanager
    def flowing_again(self) -> Iterator[None]:
        """Submit without end while the block runs."""
        self._over.clear()
        thread = threading.Thread(target=self._submit_on)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def ended(self) -> bool:
        with self.house.store.read() as connection:
            found = connection.scalar(select(func.count()).where(jobs.c.state == "completed"))
            return found == self.made

    def problems(self) -> list[str]:
        """Every job completed, and no task was started twice."""
        eventually(self.ended, "every job has completed")
        eventually(lambda: violations(self.house.store) == [], "the books are right")
        started = func.count(attempts.c.started_at)
        query = (
            select(tasks.c.job_seq, started)
            .join(attempts, attempts.c.task_id == tasks.c.id)
            .group_by(tasks.c.id)
            .having(started != 1)
        )
        with self.house.store.read() as connection:
            doubled = [f"job {seq} was started {n} times" for seq, n in connection.execute(query)]
            return [*violations(self.house.store), *doubled]

    def _submit_on(self) -> None:
        while not self._over.is_set():
            try:
                self.submit(_AT_ONCE)
            except StoreAway:
                continue
            self._over.wait(0.1)


def leader(house: House) -> Part | None:
    """The scheduler that leads, as the store says."""
    with house.store.read() as connection:
        pid = connection.scalar(select(schedulers.c.pid).where(schedulers.c.lead == 1))
    return next((part for part in house.named("scheduler") if part.pid == pid), None)


def followed(house: House, old: Part) -> float:
    """Wait until another leads and a job submitted only then has run. Returns the seconds that it took."""
    began = time.monotonic()
    eventually(lambda: leader(house) not in (None, old), "the other leads")
    last = _last_started(house)
    eventually(lambda: _last_started(house) > last, "jobs start again")
    return time.monotonic() - began


def _last_started(house: House) -> float:
    with house.store.read() as connection:
        return float(connection.scalar(select(func.max(attempts.c.started_at))) or 0.0)
