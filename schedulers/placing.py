"""Decides where a task may go: to its pool's queue, to one worker's own, or nowhere now. Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from farm.catalog import Scheduling
from schedulers.capacity import Line, LineCapacity, Worker


class Nowhere(Enum):
    """Why a task cannot be published now."""

    NOBODY = auto()  # no online worker can run it
    BUSY = auto()  # every worker that can run it has its hands full
    FULL = auto()  # the line takes no more; whoever comes next must wait as well


class Placing:
    """One line being filled: what it still takes, as tasks are placed in fair order.

    Beyond the free slots it takes a look-ahead, bounded by time. The first task that does not fit there ends
    it: were shorter ones let past, a stream of them would keep every slot from ever being free for it.
    """

    def __init__(self, room: LineCapacity, line: Line, rules: Scheduling) -> None:
        self._room = room
        self._pool, self._resource = line
        self._allowed_s = rules.look_ahead_s * room.slots
        self._free = room.free
        self._ahead_s = 0.0 if self._free else room.published_s
        self._ahead = 0
        if room.published_s <= self._allowed_s:
            self._ahead = rules.look_ahead_max * room.slots - max(0, room.live - room.slots)
        self._able: dict[tuple[tuple[str, str], ...], Sequence[Worker]] = {}

    @property
    def free(self) -> int:
        """Slots that nothing runs in and nothing is on its way to."""
        return self._free

    @property
    def wanted(self) -> int:
        """How many more tasks it takes at most."""
        return max(0, self._free + self._ahead)

    def place(self, requires: Mapping[str, str], estimated_s: float) -> str | Nowhere:
        """The queue for a task of `estimated_s`, which is counted as placed; or why there is none."""
        able = self._able_for(requires)
        if not able:
            return Nowhere.NOBODY
        is_ahead = self._free <= 0
        if is_ahead and (self._ahead <= 0 or self._ahead_s + estimated_s > self._allowed_s):
            return Nowhere.FULL
        queue = self._queue(able)
        if queue is None:
            return Nowhere.BUSY
        if is_ahead:
            self._ahead -= 1
            self._ahead_s += estimated_s
        else:
            self._free -= 1
        return queue

    def _able_for(self, requires: Mapping[str, str]) -> Sequence[Worker]:
        key = tuple(sorted(requires.items()))
        if key not in self._able:
            self._able[key] = [worker for worker in self._room.workers if worker.can_run(requires)]
        return self._able[key]

    def _queue(self, able: Sequence[Worker]) -> str | None:
        """The pool's queue when any worker may take it, else that of the able one with most free slots."""
        if len(able) == len(self._room.workers):
            return self._pool
        best = max(able, key=lambda worker: (self._room.free_of(worker, self._resource), worker.name))
        if self._room.free_of(best, self._resource) <= 0:
            return None
        self._room.taken[best.name] = self._room.taken.get(best.name, 0) + 1
        return best.queue
