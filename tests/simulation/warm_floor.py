"""A floor of workers in which models are warm, in virtual time, on the real doors, scheduler and store.

Eight workers, twelve models that are asked for by Zipf's law, two of which fit a worker; what is loaded is
kept or let go by the engine's own rule. Against it the plain way: first come first served, by any free one.
"""

import heapq
import itertools
import random
from bisect import bisect
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from farm.broker.message import Message
from farm.doors import work
from farm.kinds import registry
from farm.states import Outcome
from tasks.probe import Probe
from tests.farm import Farm
from workers.gpu_generate.diffusing.residents import Residents

FIT = 2  # models in a worker
RUN_S, LOAD_S = 20.0, 6.0
BUSY = 0.8  # of all workers' time, loading left out


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is simulated; what comes in the first `warm_up` jobs is not counted."""

    workers: int
    models: int
    jobs: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Asked:
    at: float
    model: str
    run_s: float


def asked(setting: Setting, seed: int) -> list[Asked]:
    """Jobs that come at random, each for a model of its own popularity."""
    chance = random.Random(seed)
    shares = [*itertools.accumulate(1 / rank for rank in range(1, setting.models + 1))]
    at, jobs = 0.0, []
    for _ in range(setting.jobs):
        at += chance.expovariate(BUSY * setting.workers / RUN_S)
        model = f"model-{bisect(shares, chance.random() * shares[-1])}"
        jobs.append(Asked(at, model, chance.uniform(0.5, 1.5) * RUN_S))
    return jobs


class Engine(Protocol):
    """What one worker holds."""

    @property
    def models(self) -> tuple[str, ...]: ...

    @property
    def loads(self) -> int: ...

    def run(self, job: Asked, now: float) -> float:
        """When it is done. A load takes its declared time."""
        ...


class PlainEngine:
    """It keeps and lets go as the engine `diffusers` does, and holds nothing."""

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


def first_come_first_served(setting: Setting, jobs: list[Asked], engines: Sequence[Engine]) -> Told:
    """Whichever worker is free takes whoever has waited longest."""
    chance, told = random.Random(1), Told()
    free, busy, waiting = list(range(setting.workers)), list[tuple[float, int]](), deque[Asked]()
    before = 0
    for job in [*jobs, None]:
        while busy and (job is None or busy[0][0] <= job.at):
            now, number = heapq.heappop(busy)
            free.append(number)
            _serve(now, waiting, free, busy, engines, chance, told)
        if job is not None:
            waiting.append(job)
            _serve(job.at, waiting, free, busy, engines, chance, told)
            if job is jobs[setting.warm_up]:
                before = sum(engine.loads for engine in engines)
                told.waits.clear()
    told.loads = sum(engine.loads for engine in engines) - before
    return told


def _serve(
    now: float,
    waiting: deque[Asked],
    free: list[int],
    busy: list[tuple[float, int]],
    engines: Sequence[Engine],
    chance: random.Random,
    told: Told,
) -> None:
    while waiting and free:
        number = free.pop(chance.randrange(len(free)))
        job = waiting.popleft()
        told.waits.append(now - job.at)
        heapq.heappush(busy, (engines[number].run(job, now), number))


@dataclass
class Floor:
    """The farm's workers, which announce what is warm in them."""

    farm: Farm
    engines: Mapping[str, Engine]
    told: Told = field(default_factory=Told)
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

    def run(self, setting: Setting, jobs: list[Asked]) -> Told:
        before = 0
        for number, job in enumerate([*jobs, None]):
            while self.running and (job is None or self.running[0][0] <= job.at):
                self._end()
            if job is not None:
                self._go_to(job.at)
                probe = Probe(pool="gpu-generate", model=job.model, estimated_s=RUN_S)
                self.jobs[self.farm.submit(self.callers[number % len(self.callers)], probe)] = job
                self._turn()
            if number == setting.warm_up:
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
