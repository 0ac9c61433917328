"""Who is next: weighted fair queueing over tiers, and over the accounts inside a tier. Pure.

Virtual time is service received divided by weight; whoever has the least goes next (start-time fair
queueing). Plain, it starves an account's second job under a stream of new accounts (facts measured: 1 of
5 started in 1,700 s), so every `ageing_every`-th turn of a tier goes to its lane unserved for longest.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AGED = float("-inf")


@dataclass(frozen=True, slots=True)
class TierTurn:
    """A tier's weight and virtual time within one pool and resource."""

    name: str
    weight: float
    vtime: float


@dataclass(frozen=True, slots=True)
class LaneTurn:
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
        return min(self.room, self.ready, 1 if self.vtime == AGED else self.ready)


def choose(tiers: Mapping[str, TierTurn], lanes: Sequence[LaneTurn], count: int) -> list[int]:
    """Give at most `count` turns: lane ids in the order of their turns, a lane once per turn.

    A turn costs one unit of virtual time here; the caller charges estimated seconds afterwards.
    """
    waiting: dict[str, list[tuple[float, int, int]]] = {}
    for lane in lanes:
        if lane.turns > 0:
            waiting.setdefault(lane.tier, []).append((lane.vtime, lane.id, lane.turns))
    for queue in waiting.values():
        heapq.heapify(queue)
    order = [(tiers[name].vtime, name) for name in waiting]
    heapq.heapify(order)
    chosen: list[int] = []
    while len(chosen) < count and order:
        vtime, name = heapq.heappop(order)
        chosen.append(_serve(waiting[name]))
        if waiting[name]:
            heapq.heappush(order, (vtime + 1.0 / tiers[name].weight, name))
    return chosen


def _serve(queue: list[tuple[float, int, int]]) -> int:
    """Take one turn of the lane with the least virtual time; it goes behind its equals."""
    vtime, lane_id, turns = heapq.heappop(queue)
    if turns > 1:
        heapq.heappush(queue, (vtime + 1.0, lane_id, turns - 1))
    return lane_id


def charge(tiers: Mapping[str, TierTurn], served: Mapping[str, float]) -> dict[str, float]:
    """Each tier's virtual time after `served` seconds. An idle tier saves nothing: it joins at the least."""
    active = [tiers[name].vtime for name in served]
    if not active:
        return {}
    base = min(active)
    after = {name: max(tier.vtime, base) for name, tier in tiers.items() if name not in served}
    return after | {
        name: tiers[name].vtime + seconds / tiers[name].weight for name, seconds in served.items()
    }
