"""Decides where a task may go: to its pool's queue, to one worker's own, or nowhere now. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from farm.rules.running import Scheduling
from schedulers.capacity import Line, LineCapacity, Worker


class Nowhere(Enum):
    """Why a task cannot be published now."""

    NOBODY = auto()  # no online worker can run it
    BUSY = auto()  # every worker that can run it has its hands full
    RESERVED = auto()  # what is free is kept for interactive work
    FULL = auto()  # the line takes no more; whoever comes next must wait as well


@dataclass(frozen=True, slots=True)
class Wish:
    """What a task asks of a place. `affinity` is a model it likes to find warm.

    `brief`: it may hold a slot that is kept for interactive work. `waited_s`: since it could have run, and
    `warm_wait_s` how long it may for a warm worker's sake.
    """

    requires: Mapping[str, str]
    estimated_s: float
    affinity: str | None = None
    brief: bool = False
    waited_s: float = math.inf
    warm_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A place for a task. `worker`: the only one that hears of it, if any. `cold`: it must load the model."""

    queue: str
    worker: Worker | None = None
    cold: bool = False


class Placing:
    """One line being filled: what it still takes, as tasks are placed in fair order.

    Beyond the free slots it takes a look-ahead, bounded by time. The first task that does not fit there ends
    it: were shorter ones let past, a stream of them would keep every slot from ever being free for it.
    `reserved` slots are kept from tasks that are not brief.
    """

    def __init__(self, room: LineCapacity, line: Line, rules: Scheduling, reserved: int = 0) -> None:
        self._room = room
        self._pool, self._resource = line
        self._allowed_s = rules.look_ahead_s * room.slots
        self._free = room.free
        self._ahead_s = 0.0 if self._free else room.published_s
        self._ahead = 0
        if room.published_s <= self._allowed_s:
            self._ahead = rules.look_ahead_max * room.slots - max(0, room.live - room.slots)
        self._reserved = reserved
        self._long = room.slots - reserved - room.long
        self._able: dict[tuple[tuple[str, str], ...], Sequence[Worker]] = {}
        self._has_models = any(worker.models for worker in room.workers)

    @property
    def free(self) -> int:
        """Slots that nothing runs in and nothing is on its way to."""
        return self._free

    @property
    def wanted(self) -> int:
        """How many more tasks it takes at most."""
        return max(0, self._free + self._ahead)

    def likely(self, typical_s: float) -> int:
        """How many more it will take, if they are estimated to take so long each."""
        ahead = math.ceil(max(0.0, self._allowed_s - self._ahead_s) / typical_s)
        return min(self.wanted, max(0, self._free) + ahead)

    def look(self, wish: Wish) -> Spot | Nowhere:
        """Where it would go now; or why nowhere."""
        able = self.able(wish.requires)
        if not able:
            return Nowhere.NOBODY
        if self.is_ahead and (self._ahead <= 0 or self._ahead_s + wish.estimated_s > self._allowed_s):
            return Nowhere.FULL
        if self._reserved and not wish.brief and self._long <= 0:
            return Nowhere.RESERVED
        return self._spot(able, wish) or Nowhere.BUSY

    def take(self, spot: Spot, wish: Wish) -> None:
        """It goes there."""
        if spot.worker is not None:
            self._room.taken[spot.worker.name] = self._room.taken.get(spot.worker.name, 0) + 1
        if not wish.brief:
            self._long -= 1
        if self.is_ahead:
            self._ahead -= 1
            self._ahead_s += wish.estimated_s
        else:
            self._free -= 1

    def able(self, requires: Mapping[str, str]) -> Sequence[Worker]:
        """The workers that can run it."""
        key = tuple(sorted(requires.items()))
        if key not in self._able:
            self._able[key] = [worker for worker in self._room.workers if worker.can_run(requires)]
        return self._able[key]

    @property
    def is_ahead(self) -> bool:
        """Whether what goes next waits there for a slot to become free."""
        return self._free <= 0

    def _spot(self, able: Sequence[Worker], wish: Wish) -> Spot | None:
        """The pool's queue when any worker may take it, else the best able one with a free slot.

        Rather than drive another model out, it waits a while for a worker that has its own.
        """
        affinity = wish.affinity
        picky = affinity is not None and self._has_models
        if not picky and self._room.shared and len(able) == len(self._room.workers):
            return Spot(self._pool)
        hands = [worker for worker in able if self._room.free_of(worker, self._resource) > 0]
        if not hands:
            return None
        warm = [worker for worker in hands if affinity in worker.models]
        if picky and not warm and wish.waited_s < wish.warm_wait_s and _is_warm(able, affinity):
            hands = [worker for worker in hands if not worker.models]
            if not hands:
                return None
        best = max(warm or hands, key=self._preference)
        return Spot(best.queue, best, cold=picky and not warm)

    def _preference(self, worker: Worker) -> tuple[int, int, str]:
        """Most free slots, then the fewest models that another one would drive out."""
        return self._room.free_of(worker, self._resource), -len(worker.models), worker.name


def _is_warm(workers: Sequence[Worker], affinity: str | None) -> bool:
    return any(affinity in worker.models for worker in workers)
