"""Who is killed and started again, and when: all of it from a seed, so that a storm can be had again."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.house import House, now

VICTIMS = ("worker", "engine", "scheduler", "api", "valkey", "postgresql")
_GAP_S = (1.0, 4.0)
_DOWN_S = (0.2, 4.0)
_AGAIN_S = 1.0
_STARTING_S = 10.0  # how long a part may take until it serves


@dataclass(frozen=True, slots=True)
class Blow:
    """`at_s` after the storm began. `which` picks one of a kind; `down_s` later it is started again."""

    at_s: float
    victim: str
    which: int
    down_s: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One that was done, by the clock of tests.chaos.house.now."""

    victim: str
    what: str
    at: float


def blows(seed: int, count: int) -> Sequence[Blow]:
    """`count` of them; every kind comes as often as any other, in an order of its own."""
    dice = random.Random(f"blows {seed}")
    order = [VICTIMS[number % len(VICTIMS)] for number in range(count)]
    dice.shuffle(order)
    at_s, made = 0.0, []
    for victim in order:
        at_s += dice.uniform(*_GAP_S)
        made.append(Blow(at_s, victim, dice.randrange(100), dice.uniform(*_DOWN_S)))
    return made


@dataclass
class Monkey:
    """Deals out the blows, one after the other, in the thread that calls it. Several may lie there at once.

    `gave_up` tells of parts that ended though nobody struck them and nothing that they need was away;
    `outages` are PostgreSQL's, from and until.
    """

    house: House
    plan: Sequence[Blow]
    kills: list[Kill] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    outages: list[list[float]] = field(default_factory=list)
    _down: dict[str, float] = field(default_factory=dict)
    _starting: threading.Thread | None = None
    _began: float = 0.0

    def rage(self) -> Iterator[None]:
        """Until the last blow has fallen and all is up again; yields while there is nothing to do."""
        self._began = now()
        for blow in self.plan:
            while now() < self._began + blow.at_s or not self._targets(blow.victim):
                self._keep_up()
                yield
            self._strike(blow)
        while self._down or self._is_starting():
            self._keep_up()
            yield
        self._keep_up()

    def _keep_up(self) -> None:
        """Start again what has lain long enough, and, as a supervisor does, what gave up while it started."""
        self._restart(now())
        for part in self.house.parts.values():
            if not part.runs and part.name not in self._down:
                if not any(begin - _STARTING_S < part.started_at < end for begin, end in self.outages):
                    self.gave_up.append(f"{part.name} ended by itself; see {part.log}")
                self._down[part.name] = now() + _AGAIN_S

    def counts(self) -> Counter[str]:
        return Counter(kill.victim for kill in self.kills)

    def _strike(self, blow: Blow) -> None:
        targets = self._targets(blow.victim)
        what = targets[blow.which % len(targets)]
        print(f"{now() - self._began:6.1f} s  {blow.victim}: {what}, for {blow.down_s:.1f} s", flush=True)
        if blow.victim == "engine":
            os.kill(self.house.parts[what].engines()[0], signal.SIGKILL)
        elif blow.victim == "valkey":
            assert self.house.valkey.pid is not None
            os.kill(self.house.valkey.pid, signal.SIGKILL)
        elif blow.victim == "postgresql":
            assert self.house.postgres is not None
            self.outages.append([now(), float("inf")])
            self.house.postgres.stop("immediate")
        else:
            self.house.parts[what].kill()
        self.kills.append(Kill(blow.victim, what, now()))
        if blow.victim != "engine":  # its worker starts another
            self._down[what] = now() + blow.down_s

    def _targets(self, victim: str) -> list[str]:
        """Who may be hit now: what serves. An engine is named by its worker, and comes with its first job."""
        if victim == "postgresql":
            return [] if victim in self._down or self._is_starting() else [victim]
        if victim == "valkey":
            return [] if victim in self._down else [victim]
        if victim == "engine":
            return [part.name for part in self.house.named("worker") if part.engines()]
        return [part.name for part in self.house.named(victim) if part.serves()]

    def _is_starting(self) -> bool:
        return self._starting is not None and self._starting.is_alive()

    def _start_postgresql(self) -> None:
        """In a thread, for it may take long to recover."""
        assert self.house.postgres is not None
        self.house.postgres.start()
        self.outages[-1][1] = now()

    def _restart(self, until: float) -> None:
        for what in [what for what, at in self._down.items() if at <= until]:
            del self._down[what]
            if what == "valkey":
                self.house.valkey.restart()
            elif what == "postgresql":
                self._starting = threading.Thread(target=self._start_postgresql)
                self._starting.start()
            else:
                self.house.parts[what].start()
