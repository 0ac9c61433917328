"""Who is killed and started again, and when: all of it from a seed, so that a storm can be had again."""

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.house import House, now

VICTIMS = ("worker", "engine", "scheduler", "api", "valkey", "postgresql")
_GAP_S = (1.0, 4.0)
_DOWN_S = (0.2, 4.0)


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
    """Deals out the blows, one after the other, in the thread that calls it. What is down may be several."""

    house: House
    plan: Sequence[Blow]
    kills: list[Kill] = field(default_factory=list)
    _down: dict[str, float] = field(default_factory=dict)
    _began: float = 0.0

    def rage(self) -> Iterator[None]:
        """Until the last blow has fallen and all is up again; yields while there is nothing to do."""
        self._began = now()
        for blow in self.plan:
            while now() < self._began + blow.at_s or not self._targets(blow.victim):
                self._restart(now())
                yield
            self._strike(blow)
        while self._down:
            self._restart(now())
            yield

    def counts(self) -> Counter[str]:
        return Counter(kill.victim for kill in self.kills)

    def _strike(self, blow: Blow) -> None:
        targets = self._targets(blow.victim)
        what = targets[blow.which % len(targets)]
        if what in self._down:  # it lies there already: up with it first
            self._restart(float("inf"), what)
        print(f"{now() - self._began:6.1f} s  {blow.victim}: {what}, for {blow.down_s:.1f} s", flush=True)
        if blow.victim == "engine":
            os.kill(self.house.parts[what].engines()[0], signal.SIGKILL)
        elif blow.victim == "valkey":
            assert self.house.valkey.pid is not None
            os.kill(self.house.valkey.pid, signal.SIGKILL)
        elif blow.victim == "postgresql":
            assert self.house.postgres is not None
            self.house.postgres.stop("immediate")
        else:
            self.house.parts[what].kill()
        self.kills.append(Kill(blow.victim, what, now()))
        if blow.victim != "engine":  # its worker starts another
            self._down[what] = now() + blow.down_s

    def _targets(self, victim: str) -> list[str]:
        """Who may be hit now. An engine is named by its worker: it has one only once a job has come."""
        if victim in ("valkey", "postgresql"):
            return [victim]
        if victim == "engine":
            return [part.name for part in self.house.named("worker") if part.engines()]
        return [part.name for part in self.house.named(victim)]

    def _restart(self, until: float, only: str | None = None) -> None:
        due = [what for what, at in self._down.items() if at <= until and only in (None, what)]
        for what in due:
            del self._down[what]
            if what == "valkey":
                self.house.valkey.restart()
            elif what == "postgresql":
                assert self.house.postgres is not None
                self.house.postgres.start()
            else:
                self.house.parts[what].start()
