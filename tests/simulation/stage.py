"""Virtual time: one heap of events, one seed, and the chances that things go wrong. Knows no farm."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.simulation.faults import FAULTS

START = 1_000_000.0
QUIET_S = 45.0  # faults stop here; what follows must bring everything to its end


class Stage:
    """What happens when. `skew` is what the farm's clock is off by; events go by the true time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = START
        self.skew = 0.0
        self.hits: Counter[str] = Counter()
        self.problems: list[str] = []
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._events = 0
        self._trace: list[tuple[float, tuple[object, ...]]] = []

    @property
    def calm(self) -> bool:
        return self.now >= START + QUIET_S

    @property
    def farm_now(self) -> float:
        """What the farm's clock shows."""
        return self.now + self.skew

    def at(self, delay: float, event: Callable[..., None], *arguments: Any) -> None:
        """Let something happen later."""
        self._events += 1
        heapq.heappush(self._heap, (self.now + delay, self._events, event, arguments))

    def next_event(self, before: float) -> bool:
        """Let the next thing happen, unless it comes after `before` or there is none. False then."""
        if not self._heap or self._heap[0][0] > before:
            return False
        at, _, event, arguments = heapq.heappop(self._heap)
        self.now = max(self.now, at)
        event(*arguments)
        return True

    def live_until(self, time: float) -> None:
        """Let everything happen that happens until then."""
        while self.next_event(time):
            pass
        self.now = time

    def up_to(self, most: float) -> float:
        """A random time."""
        return self.random.random() * most

    def chance(self, fault: str, probability: float) -> bool:
        """Whether this fault happens here. Never once it is calm."""
        if self.calm or self.random.random() >= probability:
            return False
        self.hit(fault)
        return True

    def hit(self, fault: str) -> None:
        """Count a fault."""
        if fault not in FAULTS:
            raise KeyError(f"{fault!r} is not in the table of faults.")
        self.hits[fault] += 1
        self.note("!", fault)

    def note(self, *what: object) -> None:
        """A line of the trace."""
        self._trace.append((self.now - START, what))

    def wrong(self, what: str) -> None:
        """A promise is broken."""
        self.problems.append(what)
        self.note("WRONG", what)

    @property
    def trace(self) -> list[str]:
        """All that happened, a line each."""
        return [f"{at:9.3f} {' '.join(map(str, what))}" for at, what in self._trace]
