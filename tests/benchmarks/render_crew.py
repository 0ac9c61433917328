"""Some warm engine processes that make a film together, as workers do; each has a thread that drives it.

Several crews make films at once in turns of some seconds, the engines of all others stopped: a machine whose
speed changes from minute to minute is then as fast for each of them.
"""

import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from farm.kinds import TaskSpec, kind_named
from tests.processes import stat_of
from tests.segment_rig import Rig
from workers.context import Done
from workers.engine import Engine, Limits
from workers.processors import share
from workers.stop_sign import StopSign
from workers.wire import Perform

_LIMITS = Limits(soft_s=36_000, hard_s=36_000, grace_s=5)
_KEPT = 2
_TURN_S = 10
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Made:
    """A film, the files of its segments, and what each task of it took."""

    film: Path
    segments: Sequence[Path]
    costs: Mapping[str, Cost]
    wall_s: float

    @property
    def cpu_s(self) -> float:
        return sum(cost.cpu_s for cost in self.costs.values())

    @property
    def duration_s(self) -> float:
        with av.open(str(self.film)) as container:
            return (container.duration or 0) / av.time_base

    def cost_of(self, name: str) -> Cost:
        return self.costs[name]


class Hand:
    """One of so many engines and its thread."""

    def __init__(self, name: str, engines: int) -> None:
        self._engine = Engine(share(engines))
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def perform(self, task: TaskSpec, rig: Rig, clock: Callable[[], float]) -> tuple[Done, Cost]:
        """Perform a task of a film. In this hand's own thread; `clock` tells seconds."""
        performer = kind_named("media-render").steps[task.step]
        workdir = (rig.folder / task.name).resolve()
        order = Perform(performer=performer, task=rig.input_of(task), workdir=workdir)
        started_s, before_s = clock(), self._cpu_s()
        with StopSign() as sign:
            result = self._engine.run(order, _LIMITS, sign, lambda _fraction, _stage: None)
        if result.done is None:
            raise RuntimeError(f"{task.name}: {result.failure}")
        return result.done, Cost(self._cpu_s() - before_s, clock() - started_s)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the engine, if it runs."""
        if self._engine.pid is not None:
            os.kill(self._engine.pid, number)

    def close(self) -> None:
        self.thread.submit(self._engine.close).result()
        self.thread.shutdown()

    def _cpu_s(self) -> float:
        """Of the engine's process so far, all its threads included."""
        if self._engine.pid is None:
            return 0.0
        return sum(int(ticks) for ticks in stat_of(self._engine.pid)[11:13]) * _TICK_S


@dataclass
class Crew:
    """So many hands, as a worker of so many slots has them. Films are made one after the other, each in a
    folder of its own below `folder`."""

    size: int
    folder: Path
    films: int = 0
    hands: list[Hand] = field(default_factory=list)
    stopped: tuple[float, float | None] = (0.0, None)  # seconds so far, and since when

    def __enter__(self) -> Self:
        self.hands = [Hand(f"hand-{number}", self.size) for number in range(self.size)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand in self.hands:
            hand.close()

    def warm_up(self, first: TaskSpec, files: Mapping[str, Path]) -> None:
        """Have each hand make a film by itself, so that all is loaded."""
        for hand in self.hands:
            self._make(first, files, [hand])

    def make(self, first: TaskSpec, files: Mapping[str, Path]) -> Made:
        """Have them make a film. The last two films stay."""
        return self._make(first, files, self.hands)

    def stop(self) -> None:
        """Stop all engines, and the clock of this crew."""
        for hand in self.hands:
            hand.tell(signal.SIGSTOP)
        self.stopped = (self._stopped_s(), time.monotonic())

    def go_on(self) -> None:
        self.stopped = (self._stopped_s(), None)
        for hand in self.hands:
            hand.tell(signal.SIGCONT)

    def clock(self) -> float:
        """Seconds, of which those do not count in which the engines were stopped."""
        return time.monotonic() - self._stopped_s()

    def _stopped_s(self) -> float:
        before_s, since = self.stopped
        return before_s if since is None else before_s + time.monotonic() - since

    def _make(self, first: TaskSpec, files: Mapping[str, Path], hands: Sequence[Hand]) -> Made:
        self.films += 1
        rig = Rig(self.folder / str(self.films), {name: path.resolve() for name, path in files.items()})
        shutil.rmtree(self.folder / str(self.films - _KEPT), ignore_errors=True)
        costs: dict[str, Cost] = {}
        started_s = self.clock()
        waiting, last = [first], first
        while waiting:
            ready = [task for task in waiting if rig.done.keys() >= {*task.needs}]
            waiting = [task for task in waiting if task not in ready]
            _all_of(ready, rig, hands, costs, self.clock)
            last = ready[-1]
            for task in ready:
                waiting += rig.done[task.name].tasks
        wall_s = self.clock() - started_s
        made = [
            done.outputs[0].path for name, done in sorted(rig.done.items()) if name.startswith("segment-")
        ]
        return Made(rig.done[last.name].outputs[0].path, made, costs, wall_s)


def make_in_turns(crews: Sequence[Crew], firsts: Sequence[TaskSpec], files: Mapping[str, Path]) -> list[Made]:
    """Have each of them make a film, one for some seconds and then the next."""
    for crew in crews:
        crew.stop()
    with ThreadPoolExecutor(len(crews), thread_name_prefix="crew") as pool:
        films = [pool.submit(crew.make, first, files) for crew, first in zip(crews, firsts, strict=True)]
        try:
            while not all(film.done() for film in films):
                for crew, film in zip(crews, films, strict=True):
                    crew.go_on()
                    wait([film], timeout=_TURN_S)
                    crew.stop()
        finally:
            for crew in crews:
                crew.go_on()
    return [film.result() for film in films]


def _all_of(
    ready: Sequence[TaskSpec],
    rig: Rig,
    hands: Sequence[Hand],
    costs: dict[str, Cost],
    clock: Callable[[], float],
) -> None:
    """Perform these, each by whoever is free first."""
    tasks: queue.SimpleQueue[TaskSpec] = queue.SimpleQueue()
    lock = threading.Lock()
    for task in ready:
        tasks.put(task)

    def work(hand: Hand) -> None:
        while True:
            try:
                task = tasks.get_nowait()
            except queue.Empty:
                return
            done, cost = hand.perform(task, rig, clock)
            with lock:
                rig.done[task.name], costs[task.name] = done, cost

    for working in [hand.thread.submit(work, hand) for hand in hands]:
        working.result()
