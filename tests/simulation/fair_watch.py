"""Watches every turn for lanes that starve, and the rush's pool for shares that do not hold.

An account that could be served waits no longer than its tier's ageing rule allows: every eighth turn goes to
the account unserved for longest, so one that began to wait when n accounts of its tier did is served within n
such turns. A round hands out several turns at once, so its size comes on top.

While two tiers both have work that waits, the service they got differs, divided by their weights, by no more
than start-time fair queueing allows: about one task of each, for each slot (tasks under way are charged by
estimates) and turn of a round, and what a tier that used less before may catch up. Accounts of a tier
likewise, but instead for the turns that ageing gives away.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from tests.simulation import rush

if TYPE_CHECKING:
    from tests.simulation.world import World

Line = tuple[str, str]

_WAITING = """
    SELECT l.pool, l.resource, l.tier, l.account_id, max(l.open) FROM lanes l
    JOIN sorts s ON s.id = l.sort_id AND s.affinity IS NULL AND s.requires = '{"kind": "probe@1"}'
    WHERE l.open OR l.busy > 0 GROUP BY l.pool, l.resource, l.tier, l.account_id
"""
_STARTED = """
    SELECT a.id, a.pool, a.resource, l.tier, l.account_id, a.estimated_s
    FROM attempts a JOIN lanes l ON l.id = a.lane_id WHERE a.id > ? ORDER BY a.id
"""
_SETTLED = "SELECT id, estimated_s, started_at, ended_at FROM attempts WHERE state = 'settled' AND id IN "
_SLACK_S = 1e-6
_ANY = 10**9


@dataclass(slots=True)
class _Wait:
    """An account that waits: how many of its tier's turns went to others, and the most that may."""

    passed: int
    behind: int
    most: int = 0


@dataclass(slots=True)
class _Service:
    """Seconds of service that somebody got, as charged, and the longest single charge."""

    seconds: float = 0.0
    longest: float = 0.0
    turns: int = 0


@dataclass(slots=True)
class _Window:
    """Since when two have been waiting together, and what each had got by then."""

    first: float
    second: float
    turns: int


@dataclass(slots=True)
class FairWatch:
    """Looks after each turn of a scheduler. Reads only; decides by its own account of the service."""

    world: "World"
    _last: int = 0
    _waits: dict[tuple[Line, str, int], _Wait] = field(default_factory=dict)
    _under_way: dict[int, tuple[str, int]] = field(default_factory=dict)
    _tiers: dict[str, _Service] = field(default_factory=lambda: defaultdict(_Service))
    _accounts: dict[int, _Service] = field(default_factory=lambda: defaultdict(_Service))
    _windows: dict[tuple[object, object], _Window] = field(default_factory=dict)
    _round: int = 1

    def look(self) -> None:
        """After a turn."""
        started = self.world.store.peek(_STARTED, (self._last,))
        waiting = self.world.store.peek(_WAITING)
        if started:
            self._last = started[-1][0]
        turns = Counter(((pool, resource), tier) for _, pool, resource, tier, _, _ in started)
        served = {((row[1], row[2]), row[3], row[4]) for row in started}
        self._starving(turns, served, waiting)
        self._charge(started)
        self._shares([row for row in waiting if row[0] == rush.POOL and row[4]])

    def forget(self) -> None:
        """A scheduler began anew: turns are counted in its memory."""
        for wait in self._waits.values():
            wait.passed = 0

    def clock_stepped(self) -> None:
        """Who waits already may now have to wait behind others who come later, but earlier by the clock."""
        for wait in self._waits.values():
            wait.behind = _ANY

    # --- no lane starves --------------------------------------------------------------------------------

    def _starving(
        self,
        turns: Mapping[tuple[Line, str], int],
        served: set[tuple[Line, str, int]],
        waiting: list[tuple[str, str, str, int, int]],
    ) -> None:
        now = {((row[0], row[1]), row[2], row[3]) for row in waiting if row[4]}
        there = Counter(((row[0], row[1]), row[2]) for row in waiting)
        for key in self._waits.keys() - (now - served):
            del self._waits[key]
        for key in now - served:
            line, tier, account = key
            wait = self._waits.get(key)
            if wait is None:
                self._waits[key] = _Wait(0, there[line, tier])
                continue
            wait.passed += turns.get((line, tier), 0)
            wait.most = max(wait.most, turns.get((line, tier), 0))
            every = self.world.hall.catalog.scheduling.ageing_every
            if wait.passed > wait.behind * (every + wait.most):
                wait.passed = 0
                self.world.wrong(f"account {account} ({tier}) starves in {line[0]}")

    # --- shares hold ------------------------------------------------------------------------------------

    def _charge(self, started: list[tuple[int, str, str, str, int, float]]) -> None:
        """Estimates when tasks start, what they really took when they are settled; as the farm charges."""
        count = 0
        for attempt_id, pool, _, tier, account, estimated_s in started:
            if pool == rush.POOL:
                count += 1
                self._under_way[attempt_id] = tier, account
                self._add(tier, account, estimated_s, estimated_s, 1)
        self._round = max(self._round, count)
        for attempt_id, estimated_s, began, ended in self._settled():
            tier, account = self._under_way.pop(attempt_id)
            really = 0.0 if began is None or ended is None else max(0.0, ended - began)
            self._add(tier, account, really - estimated_s, really, 0)

    def _settled(self) -> Iterator[tuple[int, float, float | None, float | None]]:
        if self._under_way:
            yield from self.world.store.peek(f"{_SETTLED} ({','.join(map(str, self._under_way))})")

    def _add(self, tier: str, account: int, change: float, whole: float, turns: int) -> None:
        for service in (self._tiers[tier], self._accounts[account]):
            service.seconds += change
            service.longest = max(service.longest, whole)
            service.turns += turns

    def _shares(self, waiting: list[tuple[str, str, str, int, int]]) -> None:
        by_tier: dict[str, list[int]] = {}
        for _, _, tier, account, _ in waiting:
            by_tier.setdefault(tier, []).append(account)
        pairs = set[tuple[object, object]]()
        for first, second in combinations(sorted(by_tier), 2):
            pairs.add((first, second))
            self._compare_tiers(first, second)
        for accounts in by_tier.values():
            for one, other in combinations(sorted(accounts), 2):
                pairs.add((one, other))
                self._compare_accounts(one, other)
        for pair in self._windows.keys() - pairs:
            del self._windows[pair]

    def _compare_tiers(self, first: str, second: str) -> None:
        rules, tiers = self.world.hall.catalog.scheduling, self.world.hall.catalog.tiers
        services = self._tiers[first], self._tiers[second]
        weights = tiers[first].weight, tiers[second].weight
        caught_up = sum(
            min(rules.burst_turns * service.longest, rules.burst_s) / weight
            for service, weight in zip(services, weights, strict=True)
        )
        self._compare((first, second), services, weights, lambda _turns: caught_up)

    def _compare_accounts(self, one: int, other: int) -> None:
        every = self.world.hall.catalog.scheduling.ageing_every
        services = self._accounts[one], self._accounts[other]
        longest = max(service.longest for service in services)
        self._compare((one, other), services, (1.0, 1.0), lambda turns: (turns / every + 1) * longest)

    def _compare(
        self,
        pair: tuple[object, object],
        services: tuple[_Service, _Service],
        weights: tuple[float, float],
        slack: Callable[[int], float],
    ) -> None:
        """Both wait: since they do, neither may have got much more than the other, weighed.

        `slack` tells what more they may differ by, after so many turns.
        """
        first, second = services
        turns = first.turns + second.turns
        window = self._windows.setdefault(pair, _Window(first.seconds, second.seconds, turns))
        ahead = (first.seconds - window.first) / weights[0] - (second.seconds - window.second) / weights[1]
        one_each = first.longest / weights[0] + second.longest / weights[1]
        if abs(ahead) > one_each * (2 + self._round) + slack(turns - window.turns) + _SLACK_S:
            self._windows[pair] = _Window(first.seconds, second.seconds, turns)
            self.world.wrong(f"shares of {pair[0]} and {pair[1]} differ by {ahead:.2f} s")
