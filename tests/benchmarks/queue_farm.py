"""The farm itself: real scheduler, worker and engine processes, jobs through the submit door."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from farm.account import Caller
from farm.doors.accounts import caller_of, create_key, ensure_account
from farm.doors.hall import Hall, open_hall
from farm.doors.submit import submit, submit_all
from farm.job import JobSpec
from farm.settings import Settings
from farm.states import JobState
from farm.store.engine import Store
from farm.store.schema import jobs, workers
from farm.store.schema_version import migrate
from tasks.probe import Probe
from tests.benchmarks.queue_rig import (
    JOBS,
    SLOTS,
    TOGETHER,
    WARM_UP,
    environment,
    free_port,
    process,
    until,
    valkey,
)

POOL = "cpu-render"
_FARM = "farm.cli.main"
_ACCOUNTS = 10
NOTHING = JobSpec(params=Probe(estimated_s=0.001))


@dataclass(slots=True)
class BenchFarm:
    """A running farm of one worker, and the hall that submits to it."""

    hall: Hall
    callers: Sequence[Caller]
    _turn: int = field(default=0, init=False)

    def next_caller(self) -> Caller:
        self._turn += 1
        return self.callers[self._turn % len(self.callers)]

    def all_ended(self) -> bool:
        with self.hall.store.read() as connection:
            return connection.execute(_OPEN).first() is None

    def check(self, count: int) -> None:
        """Every job that was submitted has completed."""
        with self.hall.store.read() as connection:
            assert connection.scalar(_COMPLETED) == count


_OPEN = select(jobs.c.seq).where(jobs.c.ended_at.is_(None)).limit(1)
_COMPLETED = select(func.count()).select_from(jobs).where(jobs.c.state == JobState.COMPLETED)


@contextmanager
def farm(folder: Path, database_url: str | None, *, events: bool) -> Iterator[BenchFarm]:
    """Scheduler and worker as an operator starts them. `database_url` None is the farm's own SQLite file."""
    configs = folder / "configs"
    configs.mkdir()
    (configs / "farm.toml").write_text(f"[broker]\ntask_events = {str(events).lower()}\n")
    with ExitStack() as stack:
        server = stack.enter_context(valkey(folder))
        given = {
            "FARM_HOME": str(folder / "home"),
            "FARM_REDIS_URL": server.url,
            "FARM_CONFIG_DIR": str(configs),
        }
        if database_url is not None:
            given["FARM_DATABASE_URL"] = database_url
        names = environment(**given)
        settings = Settings.model_validate({name[5:].lower(): value for name, value in given.items()})
        _migrate(settings)
        hall = open_hall(settings)
        stack.callback(hall.close)
        callers = [_caller(hall, f"bench-{number}") for number in range(_ACCOUNTS)]
        scheduler = ("scheduler", "--metrics-port", str(free_port()))
        stack.enter_context(process(names, folder / "scheduler.log", _FARM, *scheduler))
        worker = ("worker", POOL, "--name", "bench", "--slots", str(SLOTS))
        stack.enter_context(process(names, folder / "worker.log", _FARM, *worker))
        running = BenchFarm(hall, callers)
        until(lambda: _online(hall), "the worker is online")
        yield running


def throughput(folder: Path, database_url: str | None, *, events: bool, together: int = TOGETHER) -> float:
    """No-op jobs a second, from the first submit to the last settlement, `together` to a transaction."""
    with farm(folder, database_url, events=events) as running:
        _run(running, WARM_UP, together)
        speed = _run(running, JOBS, together)
        running.check(WARM_UP + JOBS)
        return speed


def _run(running: BenchFarm, count: int, together: int) -> float:
    began = time.perf_counter()
    for start in range(0, count, together):
        caller, number = running.next_caller(), min(together, count - start)
        if together == 1:
            submit(running.hall, caller, NOTHING)
        else:
            submit_all(running.hall, caller, [NOTHING] * number)
    until(running.all_ended, f"{count} jobs have ended")
    return count / (time.perf_counter() - began)


def _caller(hall: Hall, name: str) -> Caller:
    return caller_of(hall, create_key(hall, ensure_account(hall, name, "local")).text)


def _migrate(settings: Settings) -> None:
    settings.root.mkdir(parents=True, exist_ok=True)
    store = Store(settings.store_url)
    migrate(store)
    store.close()


def _online(hall: Hall) -> bool:
    with hall.store.read() as connection:
        return connection.scalar(select(workers.c.name).where(workers.c.state == "online")) is not None
