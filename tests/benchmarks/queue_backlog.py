"""A long backlog on PostgreSQL: what a tick of the real scheduler costs, and what its process holds.

1,000,000 tasks of 10,000 accounts in 6 tiers and 4 pools, half of the accounts at their cap. Each measured
tick fills 8 free slots of one pool, the pools in turn; what it started is ended and settled unmeasured.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import case, event, select, update

from farm.broker.message import Message
from farm.doors.hall import Hall, open_hall
from farm.doors.work import Report, WorkerCard, announce, claim, finish
from farm.kinds import POOLS, registry
from farm.settings import Settings
from farm.states import AttemptState, Outcome
from farm.store.engine import Store
from farm.store.schema import LIVE, attempts, workers
from farm.store.schema_version import migrate
from schedulers.dispatcher import Dispatcher
from schedulers.loop import Scheduler
from tests.benchmarks.queue_backlog_rows import fill
from tests.benchmarks.queue_rig import (
    environment,
    free_port,
    postgres,
    process,
    temporary_folder,
    until,
    valkey,
)

TASKS, FEW = 1_000_000, 1_000
SLOTS, _KEPT = 8, 1  # one more is kept for interactive work (configs/pools.toml)
_TURNS, _WARM_UP = 600, 40
_SERVED = 200  # jobs that the scheduler process settles before its memory is read
_KB = 1024


@dataclass(slots=True)
class Turns:
    """Milliseconds of each tick.

    `pick_ms`: what the dispatcher reads to choose (sorts, accounts, tiers, their next tasks); `dispatch_ms`:
    from the first of these reads to the end of the commit, so with what the dispatch writes. `read_ms`: all
    that the tick reads; `whole_ms`: all of it with the commit.
    """

    pick_ms: list[float] = field(default_factory=list)
    dispatch_ms: list[float] = field(default_factory=list)
    read_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Ticks without and with an old snapshot open; the scheduler's peak memory with few tasks and many."""

    plain: Turns
    with_snapshot: Turns
    few_mb: float
    many_mb: float


@dataclass(slots=True)
class StandingClock:
    """Time stands still, so that nothing is swept while ticks are measured."""

    at: float

    def now(self) -> float:
        return self.at


class _NotedDispatcher(Dispatcher):
    """Notes when it begins, and how many reads its tick has made by then."""

    reads: Sequence[float] = ()
    before = 0
    began = 0.0

    def dispatch(self, *given: Any) -> list[Message]:
        self.before, self.began = len(self.reads), time.perf_counter()
        return super().dispatch(*given)


def measured() -> dict[str, Any]:
    """The whole part, on a server that has done nothing before, as plain values: see `read`."""
    with temporary_folder() as folder, postgres(folder) as server:
        return asdict(measure(folder, server.fresh(), server.fresh()))


def read(values: Mapping[str, Any]) -> Backlog:
    """What `measured` said."""
    turns = {name: Turns(**values[name]) for name in ("plain", "with_snapshot")}
    return Backlog(**{**values, **turns})


def measure(folder: Path, few_url: str, many_url: str) -> Backlog:
    """The whole part. Takes some minutes, most of them for filling the store."""
    few_mb = _memory_mb(folder / "few", few_url, FEW)
    many_mb = _memory_mb(folder / "many", many_url, TASKS)
    settings = Settings(home=folder / "many", database_url=many_url)
    hall = open_hall(settings)
    try:
        plain = _turns(hall)
        with _old_snapshot(many_url):
            with_snapshot = _turns(hall)
    finally:
        hall.close()
    return Backlog(plain, with_snapshot, few_mb, many_mb)


def _turns(hall: Hall) -> Turns:
    hall = replace(hall, clock=StandingClock(time.time()))
    started: list[Message] = []
    committed = 0.0

    def publish(messages: Sequence[Message]) -> bool:
        nonlocal committed
        committed = time.perf_counter()  # nothing lies between
        started.extend(messages)
        return True

    scheduler = Scheduler(hall, publish)
    dispatcher = _NotedDispatcher(hall)
    scheduler._dispatcher = dispatcher
    for pool in POOLS:
        announce(hall, _card(pool, SLOTS + _KEPT))
    _only(hall, None)
    _end_published(hall)
    while scheduler.tick():  # whatever there was to do before
        started.clear()
    turns = Turns()
    with _reads_timed(hall.store) as reads:
        dispatcher.reads = reads
        for number in range(_WARM_UP + _TURNS):
            _only(hall, POOLS[number % len(POOLS)])
            reads.clear()
            began = time.perf_counter()
            scheduler.tick()
            whole_ms = (time.perf_counter() - began) * 1000
            if number >= _WARM_UP:
                turns.pick_ms.append(sum(reads[dispatcher.before :]) * 1000)
                turns.dispatch_ms.append((committed - dispatcher.began) * 1000)
                turns.read_ms.append(sum(reads) * 1000)
                turns.whole_ms.append(whole_ms)
            assert len(started) >= SLOTS, started
            _only(hall, None)
            _end(hall, started)
            scheduler.tick()
    return turns


def _end(hall: Hall, started: list[Message]) -> None:
    """What workers would have noted of these, in one statement."""
    now = hall.clock.now()
    ended = update(attempts).where(attempts.c.id.in_([message.attempt_id for message in started]))
    with hall.store.write() as connection:
        connection.execute(
            ended.values(
                state=AttemptState.FINISHED,
                outcome=Outcome.SUCCEEDED,
                started_at=now,
                ended_at=now,
                report={},
            )
        )
    started.clear()


def _only(hall: Hall, pool: str | None) -> None:
    """Only this pool's worker takes work."""
    with hall.store.write() as connection:
        connection.execute(
            update(workers).values(
                state=case((workers.c.pool == pool, "online"), else_="offline"), seen_at=hall.clock.now()
            )
        )


@contextmanager
def _reads_timed(store: Store) -> Iterator[list[float]]:
    """Seconds of every query of the store's engine while the block runs."""
    found: list[float] = []
    began = 0.0

    def before(*_: Any) -> None:
        nonlocal began
        began = time.perf_counter()

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")) and "INSERT INTO" not in statement:
            found.append(time.perf_counter() - began)

    event.listen(store.engine, "before_cursor_execute", before)
    event.listen(store.engine, "after_cursor_execute", after)
    try:
        yield found
    finally:
        event.remove(store.engine, "before_cursor_execute", before)
        event.remove(store.engine, "after_cursor_execute", after)


@contextmanager
def _old_snapshot(database_url: str) -> Iterator[None]:
    """Somebody else's read transaction, open all the while: nothing that dies meanwhile can be cleaned up."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM workers")
        yield


def _memory_mb(home: Path, database_url: str, count: int) -> float:
    """Peak memory of a real scheduler process over `count` waiting tasks."""
    home.mkdir()
    with valkey(home) as server:
        given = {"FARM_HOME": str(home), "FARM_DATABASE_URL": database_url, "FARM_REDIS_URL": server.url}
        settings = Settings(home=home, database_url=database_url, redis_url=server.url)
        store = Store(settings.store_url)
        migrate(store)
        store.close()
        hall = open_hall(settings)
        try:
            fill(hall, count)
            for pool in POOLS:
                announce(hall, _card(pool, SLOTS + _KEPT))
            words = ("farm.cli.main", "scheduler", "--metrics-port", str(free_port()))
            with process(environment(**given), home / "scheduler.log", *words) as scheduler:
                _serve(hall, _SERVED)
                return _peak_mb(scheduler.pid)
        finally:
            hall.close()


def _serve(hall: Hall, count: int) -> None:
    """Be all the workers until so many jobs were done."""
    done = 0

    def look() -> bool:
        nonlocal done
        done += _end_published(hall)
        return done >= count

    until(look, f"{count} jobs are done")


def _end_published(hall: Hall) -> int:
    """Claim and end whatever is published. Returns how many."""
    with hall.store.read() as connection:
        rows = connection.execute(_PUBLISHED).all()
    for row in rows:
        if claim(hall, row.id, row.token, row.queue) is not None:
            finish(hall, row.id, row.token, Report(Outcome.SUCCEEDED))
    return len(rows)


_PUBLISHED = select(attempts.c.id, attempts.c.token, attempts.c.queue).where(
    LIVE, attempts.c.state == AttemptState.PUBLISHED
)


def _card(pool: str, slots: int) -> WorkerCard:
    kinds = [kind.announced for kind in registry().values()]
    return WorkerCard(f"{pool}-bench", pool, "bench", 1, f"{pool}-bench", {"cpu": slots}, kinds)


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / _KB for line in status.splitlines() if "VmHWM" in line)
