"""Who is next: weighted fair queueing over tiers, and over the accounts inside a tier. Pure.

Virtual time is service received divided by weight; whoever has the least goes next (start-time fair
queueing). Plain, it starves an account's second job under a stream of new accounts (facts measured: 1 of
5 started in 1,700 s), so every `ageing_every`-th turn of a tier goes to its lane unserved for longest.

Plain, it also makes a tier that uses 80 % of its share wait as any queue does that is busy 80 % of the time
(p99 10 to 13 of its turns, with estimates wrong by a factor of two). So a tier that fell behind the line's
virtual time, its `floor`, keeps a little of that: what it may catch up at once.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

AGED = float("-inf")
_NEWS = 0.2  # of a tier's latest tasks in what is typical for it


@dataclass(frozen=True, slots=True)
class TierTurn:
    """A tier's weight and virtual time within one pool and resource.

    It joins no further behind `floor` than `burst`, both in virtual time. `typical_s` is what its tasks are
    estimated at; 0: nothing is known.
    """

    name: str
    weight: float
    vtime: float
    floor: float = 0.0
    burst: float = 0.0
    typical_s: float = 0.0

    @property
    def start(self) -> float:
        """Its virtual time if it is served now."""
        return max(self.vtime, self.floor - self.burst)

    def key(self, start: float, *, is_last: bool = False) -> tuple[float, float, str]:
        """Those that may catch up go first, the heaviest before the others; then by virtual time.

        So does one with a last single task that is no more than a turn ahead of where it belongs: else a
        light tier that catches up would hold it up, however heavy it is.
        """
        may = self.floor + self.typical_s / self.weight if is_last else self.floor
        if start < may or (is_last and start == may):
            return (float("-inf"), -self.weight, self.name)
        return (start, -self.weight, self.name)


class LaneTurn(NamedTuple):
    """A lane that could start `room` more tasks and has `ready` of them.

    One with `vtime` AGED goes first; it is given a single turn.
    """

    id: int
    tier: str
    vtime: float
    room: int
    ready: int

    @property
    def turns(self) -> int:
        return min(self.room, self.ready, 1) if self.vtime == AGED else min(self.room, self.ready)


def choose(tiers: Mapping[str, TierTurn], lanes: Sequence[LaneTurn], count: int) -> list[int]:
    """Give at most `count` turns: lane ids in the order of their turns, a lane once per turn.

    A turn costs a tier what is typical for it; the caller charges estimated seconds afterwards.
    """
    waiting: dict[str, list[tuple[float, int, int]]] = {}
    for lane in lanes:
        if lane.turns > 0:
            waiting.setdefault(lane.tier, []).append((lane.vtime, lane.id, lane.turns))
    for queue in waiting.values():
        heapq.heapify(queue)
    left = {name: sum(turns for _, _, turns in queue) for name, queue in waiting.items()}
    order = [
        (tiers[name].key(tiers[name].start, is_last=count == 1), tiers[name].start, name)
        for name, count in left.items()
    ]
    heapq.heapify(order)
    chosen: list[int] = []
    while len(chosen) < count and order:
        _, start, name = heapq.heappop(order)
        chosen.append(_serve(waiting[name]))
        if waiting[name]:
            after = start + (tiers[name].typical_s or 1.0) / tiers[name].weight
            heapq.heappush(order, (tiers[name].key(after), after, name))
    return chosen


def _serve(queue: list[tuple[float, int, int]]) -> int:
    """Take one turn of the lane with the least virtual time; it goes behind its equals."""
    vtime, lane_id, turns = heapq.heappop(queue)
    if turns > 1:
        heapq.heappush(queue, (vtime + 1.0, lane_id, turns - 1))
    return lane_id


def charge(tiers: Mapping[str, TierTurn], served: Mapping[str, Sequence[float]]) -> dict[str, TierTurn]:
    """Every tier after these were served tasks of so many seconds each. The floor rises to the least one."""
    if not served:
        return {}
    floor = max([min(tiers[name].start for name in served), *(tier.floor for tier in tiers.values())])
    return {name: replace(_charged(tier, served.get(name, ())), floor=floor) for name, tier in tiers.items()}


def _charged(tier: TierTurn, seconds: Sequence[float]) -> TierTurn:
    if not seconds:
        return tier
    mean_s = sum(seconds) / len(seconds)
    typical_s = tier.typical_s + _NEWS * (mean_s - tier.typical_s) if tier.typical_s else mean_s
    return replace(tier, vtime=tier.start + sum(seconds) / tier.weight, typical_s=typical_s)
