"""A farm in virtual time: the real doors, scheduler and store, and everything that can go wrong around them.

One heap of events, one seed. Messages are lost, late and doubled; workers die, freeze and come back;
schedulers crash around their commits and a second one takes over; the clock steps; tasks fail, grow,
and are cancelled. A world that ran to its end is then asked for broken promises.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from farm.account import Caller
from farm.broker.message import Message
from farm.catalog import read_catalog
from farm.doors import accounts, jobs, submit, work, workers
from farm.doors.hall import Hall
from farm.errors import Conflict, FailureClass
from farm.job import Failure, JobSpec
from farm.kinds import TaskSpec, registry
from farm.secrets import Secrets
from farm.settings import Settings
from farm.states import TERMINAL_JOBS, JobState, Outcome, WorkerState
from farm.store.engine import Store, StoreAway
from farm.store.schema import jobs as job_table
from farm.store.schema import metadata
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tests.farm import SECRET, CountedIds
from tests.invariants import violations
from tests.simulation.batch_life import BatchLife
from tests.simulation.broken import breaking

TIERS = ("free", "pro", "enterprise", "free")
POOLS = ("cpu-render", "asr-align")
START = 1_000_000.0
QUIET_S = 90.0  # faults stop here; what follows must bring everything to its end
LIMIT_S = 900.0
FAILURES = (
    FailureClass.TRANSIENT,
    FailureClass.CRASH,
    FailureClass.INVALID_INPUT,
    FailureClass.TIMEOUT,
    FailureClass.CAPACITY,
)


class Crash(Exception):
    """A process dies here."""


class FaultyStore(Store):
    """The real store; around a commit it may crash its caller, or break the connection."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.around_commit: Callable[[str], None] = lambda _point: None

    @contextmanager
    def write(self, *, durable: bool | None = None) -> Iterator[Connection]:
        with super().write(durable=durable) as connection:
            yield connection
            self.around_commit("before_commit")
        self.around_commit("after_commit")


@dataclass
class Worker:
    """A worker as the world sees it. `life` counts its restarts: events of an earlier life are void."""

    name: str
    pool: str
    slots: int
    labels: dict[str, str]
    life: int = 0
    alive: bool = True
    frozen_until: float = 0.0
    wanted: WorkerState = WorkerState.ONLINE
    busy: int = 0


@dataclass
class World:
    """One seed's farm. `broken` switches off one promise-keeper, to show that the checks can fail."""

    seed: int
    jobs: int = 12
    broken: str | None = None
    now: float = START
    skew: float = 0.0
    heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._events = 0
        self.random = random.Random(self.seed)
        self.store = _fresh_store()
        self.hall = Hall(
            store=self.store,
            catalog=read_catalog(Settings()),
            secrets=Secrets(SECRET),
            clock=_WorldClock(self),
            ids=CountedIds(),
            pause=lambda _s: None,
        )
        self.queues: dict[str, list[Message]] = {}
        self.claimed: Counter[int] = Counter()
        self.ended: dict[str, str] = {}
        self.batches: list[BatchLife] = []
        self.accepted: list[str] = []
        self.tick_planned = False
        self.schedulers = [self._scheduler(), self._scheduler()]
        self.callers = [self._caller(number) for number in range(len(TIERS))]
        self.operator = replace(self.callers[0], is_operator=True)
        self.workers = [self._worker(number) for number in range(4)]
        self._plan()

    # --- the plan of a run ------------------------------------------------------------------------------

    def at(self, delay: float, event: Callable[..., None], *arguments: Any) -> None:
        """Let something happen later."""
        self._events += 1
        heapq.heappush(self.heap, (self.now + delay, self._events, event, arguments))

    def run(self) -> list[str]:
        """Run to the end. Returns the broken promises."""
        if self.broken is None:
            self._live()
        else:
            with breaking(self.broken, self._maybe_crash("broken")):
                self._live()
        self._look_at_states()
        rows = [problem for batch in self.batches for problem in batch.problems()]
        return self.problems + violations(self.store) + self._unended() + rows

    def _live(self) -> None:
        while self.heap:
            self.now, _, event, arguments = heapq.heappop(self.heap)
            event(*arguments)
            if self.now > START + LIMIT_S:
                break
            if self.now > START + QUIET_S and event == self.tick_always and self._all_ended():
                break

    @property
    def calm(self) -> bool:
        return self.now > START + QUIET_S

    def chance(self, fault: str, probability: float) -> bool:
        """Whether a fault happens here; counted."""
        if self.calm or self.random.random() >= probability:
            return False
        self.hits[fault] += 1
        self.trace.append(f"{self.now - START:8.3f} {fault}")
        return True

    def _plan(self) -> None:
        for worker in self.workers:
            self.announce(worker, worker.life)
        for number in range(self.jobs):
            self.at(self.random.random() * 40, self.submit, number)
        self.at(0.0, self.tick_always)
        self.at(self.random.random() * 60, self.flush)
        self.at(self.random.random() * 60, self.step_clock)
        self.at(self.random.random() * 60, self.drain, self.random.choice(self.workers).name)
        self.at(QUIET_S, self.resume_all)
        self.at(self.random.random() * 30, self.start_batch)

    # --- customers --------------------------------------------------------------------------------------

    def submit(self, number: int) -> None:
        caller = self.callers[number % len(self.callers)]
        pool = POOLS[number % len(POOLS)]
        params = Probe(pool=pool, price_mc=100 + number, estimated_s=self.random.choice((0.01, 1.0, 5.0)))
        delay = self.now + 5 if self.random.random() < 0.1 else None
        self.store.around_commit = self._maybe_crash("submit")
        try:
            done = submit.submit(self.hall, caller, JobSpec(params=params, start_after=delay))
            self.accepted.append(done.job_id)
            if self.random.random() < 0.15:
                self.at(self.random.random() * 20, self.cancel, done.job_id)
            elif self.random.random() < 0.15:
                self.at(self.random.random() * 20, self.hurry, done.job_id)
        except (Crash, StoreAway):
            pass  # the caller does not know; the store does
        finally:
            self.store.around_commit = lambda _point: None
        self.wake()

    def hurry(self, job_id: str) -> None:
        try:
            jobs.set_priority(self.hall, self.operator, job_id, self.random.randrange(10))
            self.hits["priority"] += 1
        except Conflict:
            pass  # it has ended
        self.wake()

    def cancel(self, job_id: str) -> None:
        self.hits["cancel"] += 1
        jobs.cancel(self.hall, None, job_id)
        self.wake()

    def start_batch(self) -> None:
        self.batches.append(BatchLife(self, self.random.choice(self.callers)))

    def crashing(self, who: str, call: Callable[[], Any]) -> Any:
        """A call whose process may die around its commit: then None."""
        self.store.around_commit = self._maybe_crash(who)
        try:
            return call()
        except (Crash, StoreAway):
            return None
        finally:
            self.store.around_commit = lambda _point: None

    # --- the scheduler ----------------------------------------------------------------------------------

    def wake(self) -> None:
        if not self.tick_planned:
            self.tick_planned = True
            self.at(0.001, self.tick)

    def tick_always(self) -> None:
        self.tick()
        self.at(1.0, self.tick_always)

    def tick(self) -> None:
        self.tick_planned = False
        which = 1 if self.chance("second_scheduler", 0.05) else 0
        self.store.around_commit = self._maybe_crash("tick")
        try:
            self.schedulers[which].tick()
        except (Crash, StoreAway):
            self.schedulers[which] = self._scheduler()  # a new process, its memory gone
            self.wake()
        finally:
            self.store.around_commit = lambda _point: None
        self._look_at_states()

    def _scheduler(self) -> Scheduler:
        return Scheduler(self.hall, self.publish)

    def publish(self, messages: Sequence[Message]) -> bool:
        if self.chance("broker_away", 0.01):
            return False
        for message in messages:
            if self.chance("message_lost", 0.03):
                continue
            late = self.random.random() * 20 if self.chance("message_late", 0.03) else 0.002
            self.at(late, self.deliver, message)
            if self.chance("message_doubled", 0.04):
                self.at(self.random.random() * 20, self.deliver, message)
        if self.chance("crash_after_publish", 0.005):
            raise Crash
        return True

    # --- the broker -------------------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        self.queues.setdefault(message.queue, []).append(message)
        self.pump()

    def flush(self) -> None:
        self.hits["flushall"] += 1
        self.queues.clear()

    def step_clock(self) -> None:
        self.skew += self.random.uniform(-8, 8)
        self.hits["clock_step"] += 1

    # --- operators --------------------------------------------------------------------------------------

    def drain(self, name: str) -> None:
        self.hits["drain"] += 1
        workers.drain(self.hall, "ops", name)
        self.at(5 + self.random.random() * 30, self.resume, name)
        self.wake()

    def resume(self, name: str) -> None:
        if workers.resume(self.hall, "ops", name).state is not WorkerState.OFFLINE:
            self.wake()

    def resume_all(self) -> None:
        """Somebody looks at the quarantined ones at last."""
        for worker in workers.list_workers(self.hall):
            self.hits["quarantine"] += worker.kept_out is WorkerState.QUARANTINED
            self.resume(worker.name)

    def pump(self) -> None:
        """Free slots take what waits."""
        for worker in self.workers:
            while self.awake(worker) and worker.busy < worker.slots:
                message = self._next(worker)
                if message is None:
                    break
                self.start(worker, message)

    def _next(self, worker: Worker) -> Message | None:
        pools = (worker.pool,) if worker.wanted is WorkerState.ONLINE else ()
        for queue in (worker.name, *pools):
            if self.queues.get(queue):
                return self.queues[queue].pop(0)
        return None

    # --- workers ----------------------------------------------------------------------------------------

    def awake(self, worker: Worker) -> bool:
        return worker.alive and self.now >= worker.frozen_until

    def announce(self, worker: Worker, life: int) -> None:
        if worker.life != life:
            return
        worker.alive, worker.busy = True, 0
        worker.wanted = work.announce(self.hall, self._card(worker))
        self.at(2.0, self.alive_beat, worker, life)
        self.wake()
        self.pump()

    def alive_beat(self, worker: Worker, life: int) -> None:
        if worker.life != life or not worker.alive:
            return
        if self.awake(worker):
            worker.wanted = work.seen(self.hall, worker.name)
            if worker.wanted is WorkerState.OFFLINE:
                worker.wanted = work.announce(self.hall, self._card(worker), restarted=False)
        self.at(2.0, self.alive_beat, worker, life)

    def start(self, worker: Worker, message: Message) -> None:
        worker.busy += 1
        claimed = self._door(lambda: work.claim(self.hall, message.attempt_id, message.token, worker.name))
        if claimed is None:
            self.at(0.0, self.free, worker, worker.life)
            return
        self.claimed[claimed.attempt_id] += 1
        if self.claimed[claimed.attempt_id] > 1:
            self.problems.append(f"attempt {claimed.attempt_id} was started twice")
        seconds = self.random.expovariate(1 / 2.0)
        if self.chance("worker_dies", 0.03):
            self.die(worker)
            return
        if self.chance("worker_freezes", 0.03):
            worker.frozen_until = self.now + 10 + self.random.random() * 30
        self.at(2.0, self.beat, worker, worker.life, claimed)
        self.at(seconds, self.end, worker, worker.life, claimed)

    def die(self, worker: Worker) -> None:
        worker.alive = False
        worker.life += 1
        self.at(1 + self.random.random() * 25, self.announce, worker, worker.life)

    def beat(self, worker: Worker, life: int, claimed: work.Claimed) -> None:
        if worker.life != life or claimed.attempt_id not in self.claimed:
            return
        if not self.awake(worker):
            self.at(max(0.0, worker.frozen_until - self.now), self.beat, worker, life, claimed)
            return
        told = work.beat(self.hall, claimed.attempt_id, claimed.token, 0.5, "half")
        if told.ours and not told.cancel:
            self.at(2.0, self.beat, worker, life, claimed)

    def end(self, worker: Worker, life: int, claimed: work.Claimed) -> None:
        if worker.life != life:
            return
        if not self.awake(worker):
            self.at(max(0.0, worker.frozen_until - self.now), self.end, worker, life, claimed)
            return
        told = work.beat(self.hall, claimed.attempt_id, claimed.token, 0.9, "nearly")
        report = work.Report(Outcome.CANCELLED) if told.cancel else self._report(claimed)
        recorded = self._door(lambda: work.finish(self.hall, claimed.attempt_id, claimed.token, report))
        if not told.ours and recorded:
            self.problems.append(f"attempt {claimed.attempt_id} was finished without a lease")
        self.free(worker, life)
        self.wake()

    def free(self, worker: Worker, life: int) -> None:
        if worker.life == life:
            worker.busy = max(0, worker.busy - 1)
            self.pump()

    def _report(self, claimed: work.Claimed) -> work.Report:
        if self.chance("task_fails", 0.12):
            failure = self.random.choice(FAILURES)
            return work.Report(Outcome.FAILED, Failure(failure, failure, "as planned"))
        if self.chance("given_back", 0.04):
            return work.Report(Outcome.RETURNED)
        if claimed.task_name == "probe" and self.random.random() < 0.25:
            self.hits["grown"] += 1
            return work.Report(Outcome.SUCCEEDED, tasks=_grown(self.random))
        return work.Report(Outcome.SUCCEEDED)

    def _door(self, call: Callable[[], Any]) -> Any:
        """A worker's call at a door; its connection may break before or after the commit."""
        self.store.around_commit = self._maybe_break()
        try:
            return call()
        except StoreAway:  # a door that does not insist, as the broken ones
            return None
        finally:
            self.store.around_commit = lambda _point: None

    # --- faults around a commit -------------------------------------------------------------------------

    def _maybe_crash(self, who: str) -> Callable[[str], None]:
        def around(point: str) -> None:
            if self.chance(f"{who}_crash_{point}", 0.01):
                raise Crash

        return around

    def _maybe_break(self) -> Callable[[str], None]:
        def around(point: str) -> None:
            if self.chance(f"door_break_{point}", 0.02):
                raise StoreAway("the connection broke")

        return around

    # --- looking ----------------------------------------------------------------------------------------

    def _look_at_states(self) -> None:
        """Terminal states never change."""
        with self.store.read() as connection:
            query = select(job_table.c.id, job_table.c.state).where(job_table.c.state.in_(TERMINAL_JOBS))
            now_ended = {row.id: row.state for row in connection.execute(query)}
        for job_id, state in self.ended.items():
            if now_ended.get(job_id) != state:
                self.problems.append(f"job {job_id} was {state} and is {now_ended.get(job_id)}")
        self.ended = now_ended

    def _all_ended(self) -> bool:
        with self.store.read() as connection:
            query = select(job_table.c.seq).where(job_table.c.state.not_in(TERMINAL_JOBS)).limit(1)
            if connection.execute(query).first() is not None:
                return False
        return not violations(self.store)

    def _unended(self) -> list[str]:
        lost = [job_id for job_id in self.accepted if job_id not in self.ended]
        done = sum(state == JobState.COMPLETED for state in self.ended.values())
        self.hits["jobs_completed"] += done
        return [f"accepted jobs never ended: {lost}"] if lost else []

    # --- making -----------------------------------------------------------------------------------------

    def _caller(self, number: int) -> Caller:
        account = accounts.ensure_account(self.hall, f"a{number}", TIERS[number], balance_mc=1_000_000)
        return accounts.caller_of(self.hall, accounts.create_key(self.hall, account).text)

    def _worker(self, number: int) -> Worker:
        labels = {"memory": "64"} if number == 0 else {}
        return Worker(f"w{number}", POOLS[number % len(POOLS)], 1 + number % 2, labels)

    def _card(self, worker: Worker) -> work.WorkerCard:
        return work.WorkerCard(
            name=worker.name,
            pool=worker.pool,
            host="host",
            pid=worker.life,
            queue=worker.name,
            slots={"cpu": worker.slots},
            kinds=[kind.announced for kind in registry().values()],
            labels=worker.labels,
        )


@dataclass
class _WorldClock:
    world: World

    def now(self) -> float:
        return self.world.now + self.world.skew


_STORES: list[FaultyStore] = []


def _fresh_store() -> FaultyStore:
    """One `:memory:` store, wiped: cheaper than making the schema again."""
    if not _STORES:
        store = FaultyStore("sqlite:///:memory:")
        with store.write() as connection:
            metadata.create_all(connection)
        _STORES.append(store)
    store = _STORES[0]
    store.around_commit = lambda _point: None
    with store.write() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return store


def _grown(chance: random.Random) -> list[TaskSpec]:
    """Two tasks and one that joins them; now and then for a particular worker only."""
    requires = {"memory": "64"} if chance.random() < 0.2 else {}
    pool = POOLS[0] if requires else chance.choice(POOLS)
    parts = [TaskSpec(name=f"part-{n}", step="probe", pool=pool, requires=requires) for n in range(2)]
    return [*parts, TaskSpec(name="join", step="probe", pool="cpu-render", needs=("part-0", "part-1"))]
