"""Jobs that keep coming while something happens to the farm, and what became of each."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from farm.account import Caller
from farm.doors.accounts import caller_of
from farm.doors.submit import submit_all
from farm.job import JobSpec
from farm.store.engine import StoreAway
from farm.store.schema import attempts, jobs, schedulers
from tasks.probe import Probe
from tests.chaos.house import House, Part
from tests.invariants import violations
from tests.running import eventually

_AT_ONCE = 10


@dataclass
class Flow:
    """One account's jobs, all of them no-ops unless said otherwise."""

    house: House
    made: int = field(init=False)
    _caller: Caller | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        with self.house.store.read() as connection:
            self.made = connection.scalar(select(func.count()).select_from(jobs)) or 0

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

    def comes(self, count: int) -> None:
        """Wait until so many more jobs have been submitted."""
        wanted = self.made + count
        eventually(lambda: self.made >= wanted, f"{count} more jobs")

    def ended(self) -> bool:
        with self.house.store.read() as connection:
            found = connection.scalar(select(func.count()).where(jobs.c.state == "completed"))
            return found == self.made

    def problems(self) -> list[str]:
        """Every job completed, and no task was started twice."""
        eventually(self.ended, "every job has completed")
        eventually(lambda: violations(self.house.store) == [], "the books are right")
        query = select(attempts).where(attempts.c.started_at.is_not(None)).order_by(attempts.c.id)
        started: dict[int, list[str]] = defaultdict(list)
        with self.house.store.read() as connection:
            for row in connection.execute(query):
                lasted_s = row.ended_at - row.started_at
                started[row.job_seq].append(f"{row.outcome} after {lasted_s:.1f} s")
        return [f"job {seq} was started twice: {', '.join(n)}" for seq, n in started.items() if len(n) != 1]

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
