"""Fairness, measured in virtual time on the real doors, scheduler and store."""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from farm.account import Caller
from farm.broker.message import Message
from farm.doors import work
from farm.states import Outcome
from tasks.probe import Probe
from tests.farm import Farm

pytestmark = pytest.mark.slow

WEIGHTS = {"free": 1, "starter": 2, "creator": 4, "pro": 8, "studio": 16, "enterprise": 32}


class Floor:
    """One worker whose slots are always taken as soon as they open. `seconds_of` says how long a job runs."""

    def __init__(self, farm: Farm, slots: int, seconds_of: Callable[[work.Claimed], float]) -> None:
        self.farm = farm
        self.slots = slots
        self.seconds_of = seconds_of
        self.running: list[tuple[float, int, work.Claimed]] = []
        self.waiting: list[Message] = []
        self.started: list[str] = []
        self.seconds: Counter[str] = Counter()
        self._order = itertools.count()
        farm.worker(slots=slots)

    def turn(self) -> None:
        """Fill the free slots, then let the next job end."""
        self._fill()
        if self.running:
            at, _, claimed = heapq.heappop(self.running)
            self.farm.clock.at = max(self.farm.clock.at, at)
            work.seen(self.farm.hall, "w1")
            work.finish(self.farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
        self._fill()

    def _fill(self) -> None:
        self.farm.tick()
        self.waiting += self.farm.post.take()
        self.waiting.sort(key=lambda message: message.order)
        while self.waiting and len(self.running) < self.slots:
            claimed = self.farm.claim(self.waiting.pop(0))
            if claimed is None:
                continue
            seconds = self.seconds_of(claimed)
            tag = str(claimed.params["echo"])
            self.started.append(tag)
            self.seconds[tag] += seconds  # type: ignore[assignment]  # a Counter of seconds
            for _at, _, other in self.running:  # whoever runs long beats meanwhile
                work.beat(self.farm.hall, other.attempt_id, other.token, 0.5, "")
            heapq.heappush(self.running, (self.farm.clock.at + seconds, next(self._order), claimed))


@pytest.fixture
def farm() -> Iterator[Farm]:
    made = Farm("sqlite:///:memory:")
    yield made
    made.close()


def job(tag: str, estimated_s: float) -> Probe:
    return Probe(echo=tag, estimated_s=estimated_s)


def test_one_job_of_b_starts_within_two_turns_of_a_thousand_of_a(farm: Farm) -> None:
    floor = Floor(farm, 2, lambda _c: 1.0)
    ada, bob = farm.caller("ada"), farm.caller("bob")
    for _ in range(1000):
        farm.submit(ada, job("ada", 1.0))
    for _ in range(5):
        floor.turn()
    before = len(floor.started)
    farm.submit(bob, job("bob", 1.0))
    for _ in range(4):
        floor.turn()
    assert "bob" in floor.started[before : before + 2]


def test_a_late_high_job_is_next_when_a_slot_frees(farm: Farm) -> None:
    """Two busy slots, eight low jobs waiting, then one high job."""
    floor = Floor(farm, 2, lambda _c: 5.0)
    low, high = farm.caller("low", "free"), farm.caller("high", "enterprise")
    others = [farm.caller(f"low{n}", "free") for n in range(4)]
    for caller in (low, *others, low, *others):
        farm.submit(caller, job("low", 5.0))
    floor._fill()
    assert floor.started == ["low", "low"]
    farm.submit(high, job("high", 5.0))
    floor.turn()
    assert floor.started[2] == "high"


@pytest.mark.parametrize("guess", [1.0, 2.0, 0.5])
def test_a_saturated_hour_gives_each_tier_its_share(farm: Farm, guess: float) -> None:
    """Within one percent of the whole, also when every estimate is wrong by a factor of two."""
    chance = random.Random(5)
    floor = Floor(farm, 8, lambda _c: chance.uniform(4, 16))
    callers = {tier: [farm.caller(f"{tier}{n}", tier) for n in range(2)] for tier in WEIGHTS}
    waiting = {tier: 0 for tier in WEIGHTS}
    end = farm.clock.at + 3600

    def refill() -> None:
        for tier, accounts in callers.items():
            started = sum(1 for tag in floor.started if tag == tier)
            while waiting[tier] - started < 24:
                farm.submit(accounts[waiting[tier] % 2], job(tier, 10.0 * guess))
                waiting[tier] += 1

    while farm.clock.at < end:
        refill()
        floor.turn()
    total, weights = sum(floor.seconds.values()), sum(WEIGHTS.values())
    for tier, weight in WEIGHTS.items():
        assert floor.seconds[tier] / total == pytest.approx(weight / weights, abs=0.01), tier


def test_newcomers_never_starve_an_older_accounts_second_job(farm: Farm) -> None:
    floor = Floor(farm, 1, lambda _c: 1.0)
    old = farm.caller("old", "free")
    farm.submit(old, job("old-1", 1.0))
    farm.submit(old, job("old-2", 1.0))
    for number in range(120):
        newcomer: Caller = farm.caller(f"new{number}", "free")
        farm.submit(newcomer, job("new", 1.0))
        floor.turn()
        if "old-2" in floor.started:
            break
    assert floor.started.index("old-2") <= 20
