"""What it saves to send tasks where their model is warm: in virtual time, on the real doors, scheduler and store.

Eight workers, twelve models that are asked for by Zipf's law, two of which fit a worker; what is loaded is kept
or let go by the engine's own rule. Against it the plain way: first come first served, by any worker that is free.
"""

import heapq
import itertools
import random
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from farm.broker.message import Message
from farm.doors import work
from farm.kinds import registry
from farm.states import Outcome
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tests.farm import Farm
from workers.gpu_generate.diffusing.residents import Residents

pytestmark = pytest.mark.slow

WORKERS, MODELS, FIT = 8, 12, 2
RUN_S, LOAD_S = 20.0, 6.0
LOAD = 0.8  # of all workers' time, loading left out
JOBS, WARM_UP = 600, 100
SHARES = [*itertools.accumulate(1 / rank for rank in range(1, MODELS + 1))]


@dataclass(frozen=True, slots=True)
class Asked:
    at: float
    model: str
    run_s: float


def asked(seed: int) -> list[Asked]:
    """Jobs that come at random, each for a model of its own popularity."""
    chance = random.Random(seed)
    at, jobs = 0.0, []
    for _ in range(JOBS):
        at += chance.expovariate(LOAD * WORKERS / RUN_S)
        model = f"model-{bisect(SHARES, chance.random() * SHARES[-1])}"
        jobs.append(Asked(at, model, chance.uniform(0.5, 1.5) * RUN_S))
    return jobs


class Engine:
    """What one worker holds. A load takes its declared time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._held: Residents[str] = Residents(
            room=lambda taken: FIT - taken,
            tidy=lambda: None,
            size_of=lambda _model: 1,
            clock=lambda: self._now,
        )

    @property
    def models(self) -> tuple[str, ...]:
        return self._held.names

    @property
    def loads(self) -> int:
        return self._held.loads

    def run(self, job: Asked, now: float) -> float:
        """When it is done."""
        self._now = now

        def load() -> str:
            self._now += LOAD_S
            return job.model

        with self._held.used(job.model, (job.model,), load, 1):
            return self._now + job.run_s


@dataclass
class Told:
    """How long jobs waited, and how often a model was loaded, once all was under way."""

    waits: list[float] = field(default_factory=list)
    loads: int = 0

    @property
    def p99(self) -> float:
        return sorted(self.waits)[int(0.99 * len(self.waits))]


def first_come_first_served(jobs: list[Asked], seed: int) -> Told:
    """Whichever worker is free takes whoever has waited longest."""
    chance, told = random.Random(seed), Told()
    engines = [Engine() for _ in range(WORKERS)]
    free, busy, waiting = list(range(WORKERS)), list[tuple[float, int]](), deque[Asked]()
    before = 0
    for job in [*jobs, None]:
        while busy and (job is None or busy[0][0] <= job.at):
            now, number = heapq.heappop(busy)
            free.append(number)
            _serve(now, waiting, free, busy, engines, chance, told)
        if job is not None:
            waiting.append(job)
            _serve(job.at, waiting, free, busy, engines, chance, told)
            if job is jobs[WARM_UP]:
                before = sum(engine.loads for engine in engines)
                told.waits.clear()
    told.loads = sum(engine.loads for engine in engines) - before
    return told


def _serve(
    now: float,
    waiting: deque[Asked],
    free: list[int],
    busy: list[tuple[float, int]],
    engines: list[Engine],
    chance: random.Random,
    told: Told,
) -> None:
    while waiting and free:
        number = free.pop(chance.randrange(len(free)))
        job = waiting.popleft()
        told.waits.append(now - job.at)
        heapq.heappush(busy, (engines[number].run(job, now), number))


@pytest.fixture
def farm() -> Iterator[Farm]:
    """With no slot kept for interactive work: the plain way keeps none either."""
    made = Farm("sqlite:///:memory:")
    catalog = made.hall.catalog
    pool = catalog.pools["gpu-generate"].model_copy(update={"interactive_slots": 0})
    catalog = catalog.model_copy(update={"pools": {**catalog.pools, "gpu-generate": pool}})
    made.hall = replace(made.hall, catalog=catalog)
    made.scheduler = Scheduler(made.hall, made.post)
    yield made
    made.close()


@dataclass
class Floor:
    """The farm's workers, which announce what is warm in them."""

    farm: Farm
    told: Told = field(default_factory=Told)
    engines: dict[str, Engine] = field(default_factory=lambda: {f"w{n}": Engine() for n in range(WORKERS)})
    running: list[tuple[float, int, work.Claimed, str]] = field(default_factory=list)
    jobs: dict[str, Asked] = field(default_factory=dict)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.start = self.farm.clock.at
        self.callers = [self.farm.caller(f"account-{number}", "enterprise") for number in range(6)]
        kinds = [kind.announced for kind in registry().values()]
        for name in self.engines:
            card = work.WorkerCard(
                name=name,
                pool="gpu-generate",
                host="h",
                pid=1,
                queue=name,
                slots={"cpu": 1},
                kinds=kinds,
                labels={},
            )
            work.announce(self.farm.hall, card)

    def run(self, jobs: list[Asked]) -> Told:
        before = 0
        for number, job in enumerate([*jobs, None]):
            while self.running and (job is None or self.running[0][0] <= job.at):
                self._end()
            if job is not None:
                self._go_to(job.at)
                probe = Probe(pool="gpu-generate", model=job.model, estimated_s=RUN_S)
                self.jobs[self.farm.submit(self.callers[number % len(self.callers)], probe)] = job
                self._turn()
            if number == WARM_UP:
                before = self._loads()
                self.told.waits.clear()
        self.told.loads = self._loads() - before
        return self.told

    def _loads(self) -> int:
        return sum(engine.loads for engine in self.engines.values())

    def _go_to(self, at: float) -> None:
        self.farm.clock.at = self.start + at
        for name, engine in self.engines.items():
            work.seen(self.farm.hall, name, engine.models)

    def _end(self) -> None:
        at, _, claimed, _ = heapq.heappop(self.running)
        self._go_to(at)
        work.finish(self.farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
        self._turn()

    def _turn(self) -> None:
        for _, _, claimed, _ in self.running:
            work.beat(self.farm.hall, claimed.attempt_id, claimed.token, 0.5, "")
        self.farm.tick()
        for message in self.farm.post.take():
            self._take(message)

    def _take(self, message: Message) -> None:
        free = [name for name in self.engines if all(name != other for *_, other in self.running)]
        name = message.queue if message.queue in self.engines else free[0]
        assert name in free
        claimed = self.farm.claim(message, name)
        assert claimed is not None
        now = self.farm.clock.at - self.start
        job = self.jobs[claimed.job_id]
        self.told.waits.append(now - job.at)
        done = self.engines[name].run(job, now)
        heapq.heappush(self.running, (done, next(self._order), claimed, name))


def test_warm_models_are_loaded_a_third_as_often_and_nobody_waits_longer_for_it(farm: Farm) -> None:
    jobs = asked(7)
    plain = first_come_first_served(jobs, 7)
    warm = Floor(farm).run(jobs)
    print(f"loads {plain.loads} -> {warm.loads}, p99 wait {plain.p99:.1f} s -> {warm.p99:.1f} s")
    assert min(len(plain.waits), len(warm.waits)) >= JOBS - WARM_UP
    assert warm.loads * 3 <= plain.loads
    assert warm.p99 <= 1.2 * plain.p99
