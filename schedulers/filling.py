"""Serves accounts on one line, turn by turn: which of an account's tasks goes where, or why none may."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from sqlalchemy import Connection

from farm.catalog import Catalog
from farm.store.rows import AnyRow
from schedulers.backlog import ANY_SORT, Turn, Waiting, waiting
from schedulers.failover.turnstile import Passage, Turnstile
from schedulers.job_limit import running
from schedulers.placing import Nowhere, Placing, Spot, Wish

_READ_AT_ONCE = 8  # accounts at least, that whose turn it is among them
_READ_AHEAD = 4  # beyond those that free slots are likely to go to


@dataclass(frozen=True, slots=True)
class Placed:
    """A task that goes to a queue. `order` is its Celery priority. `ahead`: it waits there for a slot."""

    task: AnyRow
    queue: str
    order: int
    brief: bool
    ahead: bool


@dataclass(slots=True)
class Round:
    """What became of a round of turns.

    `aside` are lanes with batches that are held back, `limited` jobs that run as many tasks as they may: what
    they have ready is to leave its lanes. `again`: others may have a turn instead of some of these.
    """

    placed: list[Placed] = field(default_factory=list)
    aside: set[tuple[int, int]] = field(default_factory=set)
    limited: set[int] = field(default_factory=set)
    again: bool = False


class Filling:
    """One line being filled, over several rounds.

    `closed` are sorts that nothing more can be done for now, `passed` accounts that had their turn in vain.
    """

    def __init__(
        self,
        connection: Connection,
        placing: Placing,
        catalog: Catalog,
        held_back: Set[int],
        jumps: Counter[str],
        turnstile: Turnstile,
        now: float,
    ) -> None:
        self.placing = placing
        self.closed: set[int] = set()
        self.passed: set[int] = set()
        self._connection = connection
        self._catalog = catalog
        self._held_back = held_back
        self._jumps = jumps
        self._turnstile = turnstile
        self._now = now
        self._running: dict[int, int] = {}
        self._turns: Mapping[int, Turn] = {}
        self._counts = Counter[int]()
        self._waiting: dict[int, Waiting] = {}
        self._room: dict[int, int] = {}
        self._done = Round()

    def round(self, turns: Mapping[int, Turn], order: Sequence[int]) -> Round:
        """Give each turn's account a place for its next task, in the order of the turns."""
        self._turns, self._counts, self._waiting = turns, Counter(order), {}
        self._room = {account: turn.fair.room for account, turn in turns.items()}
        self._done = Round()
        for account in order:
            if not self._serve(account):
                self._done.again = False
                break
        return self._done

    def _serve(self, account: int) -> bool:
        """One turn. False when the line is full."""
        sorts = {sort.id for sort in self._turns[account].lanes.values()}
        if sorts <= self.closed:  # not even looked at
            self._pass(account)
            return True
        while self._room[account] > 0 and (task := self._head(account)) is not None:
            if not self._may_start(task):
                return True
            wish = self._wish(task)
            spot = self.placing.look(wish)
            if spot is Nowhere.FULL:
                return False
            if isinstance(spot, Nowhere):
                if not self._close(account, task):
                    return True
            elif not self._let_jump(account, spot):
                self._place(account, task, spot, wish)
                return True
        self._pass(account)
        return True

    def _head(self, account: int) -> AnyRow | None:
        return self._tasks(account).head(self.closed)

    def _tasks(self, account: int) -> Waiting:
        """The account's next tasks, read with those of the next few accounts, and not before its turn."""
        if account not in self._waiting:
            following = [other for other in self._counts if other not in self._waiting and other != account]
            most = max(_READ_AT_ONCE, self.placing.free + _READ_AHEAD)
            turns = {other: self._turns[other] for other in (account, *following[: most - 1])}
            self._waiting |= waiting(self._connection, turns, self._counts)
        return self._waiting[account]

    def _may_start(self, task: AnyRow) -> bool:
        """Whether neither its batch nor its job holds it back; else it is noted to step aside."""
        if task.batch_id in self._held_back:
            self._done.aside.add((task.lane_id, task.batch_id))
        elif task.max_running is not None and self._live(task.job_seq) >= task.max_running:
            self._done.limited.add(task.job_seq)
        elif task.choice is None or (passage := self._turnstile.look(task)) is Passage.GO:
            return True
        elif passage is Passage.FULL:
            self._close(task.account_id, task)
        self._tasks(task.account_id).take(task)
        self._done.again = True
        return False

    def _live(self, job_seq: int) -> int:
        if job_seq not in self._running:
            self._running[job_seq] = running(self._connection, job_seq)
        return self._running[job_seq]

    def _wish(self, task: AnyRow) -> Wish:
        """What the task asks for. Only no longer than the look-ahead, it does not keep anybody waiting."""
        sort = self._tasks(task.account_id).sort_of(task)
        brief = sort.interactive or task.estimated_s <= self._catalog.scheduling.look_ahead_s
        waited_s = self._now - task.ready_at if task.ready_at is not None else 0.0
        warm_wait_s = self._warm_wait_s(task.affinity)
        return Wish(task.requires, task.estimated_s, task.affinity, brief, waited_s, warm_wait_s)

    def _warm_wait_s(self, affinity: str | None) -> float:
        """How long a task may wait for a worker that has its model: about what loading it takes."""
        rules = self._catalog.scheduling
        model = self._catalog.models.models.get(affinity or "")
        if model is None or model.vram_gb is None:
            return rules.warm_wait_s
        return min(rules.warm_wait_s, rules.warm_wait_s_per_gb * model.vram_gb)

    def _close(self, account: int, task: AnyRow) -> bool:
        """Leave out what is of this task's sort. False when that cannot be told of the account's others."""
        self._done.again = True
        sort = self._tasks(account).sort_of(task)
        if sort.id == ANY_SORT:
            self.passed.add(account)
            return False
        self.closed.add(sort.id)
        return True

    def _pass(self, account: int) -> None:
        self.passed.add(account)
        self._done.again = True

    def _place(self, account: int, task: AnyRow, spot: Spot, wish: Wish) -> None:
        self._tasks(account).take(task)
        ahead = self.placing.is_ahead
        self.placing.take(spot, wish)
        self._room[account] -= 1
        if task.max_running is not None:
            self._running[task.job_seq] = self._live(task.job_seq) + 1
        if spot.worker is not None and spot.cold:
            self._jumps[spot.worker.name] = 0
        if task.choice is not None:
            self._turnstile.placed(task)
        tier = self._catalog.tiers[self._turns[account].fair.tier]
        self._done.placed.append(Placed(task, spot.queue, tier.order, wish.brief, ahead))

    def _let_jump(self, account: int, spot: Spot) -> bool:
        """Whether a later task of the tier, for which the worker is warm, went there in this one's stead."""
        worker = spot.worker
        if worker is None or not spot.cold or self._jumps[worker.name] >= self._catalog.scheduling.warm_jumps:
            return False
        tier = self._turns[account].fair.tier
        for other in sorted(self._turns, key=lambda id: (self._turns[id].fair.vtime, id)):
            turn = self._turns[other]
            likes = any(sort.affinity in worker.models for sort in turn.lanes.values())
            if turn.fair.tier != tier or not likes or self._room[other] <= 0:
                continue
            task = self._tasks(other).head_for(worker.models, self.closed)
            if task is None or not self._may_start(task):
                continue
            wish = self._wish(task)
            warm = self.placing.look(wish)
            if isinstance(warm, Spot) and warm.worker is worker and not warm.cold:
                self._place(other, task, warm, wish)
                self._jumps[worker.name] += 1
                return True
        return False
