"""The workers: they announce, take messages, claim, beat and finish; they die, freeze and come back.

Now and then one takes several attempts at once: they wait for each other, and ends are recorded together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from farm.broker.message import Message
from farm.doors import work, workers
from farm.errors import FailureClass
from farm.job import Failure
from farm.kinds import CachedOutput, TaskSpec, registry
from farm.states import Outcome, WorkerState
from farm.store.engine import StoreAway
from tests.simulation.memory import Crash

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
BEAT_S = 3.0
SEEN_S = 6.5
_LONGEST_WAIT_S = 2.0
_TOGETHER_S = 0.5  # milliseconds in truth, but seldom two would end in those
_CRASHES = {"announce": 0.03, "beat": 0.03, "accepted": 0.06, "dropped": 0.25}
FAILURES = (
    FailureClass.TRANSIENT,
    FailureClass.CRASH,
    FailureClass.INVALID_INPUT,
    FailureClass.TIMEOUT,
    FailureClass.CAPACITY,
)


@dataclass
class Worker:
    """A worker as the world sees it. `life` counts its restarts: events of an earlier life are void.

    A `steady` one neither dies nor freezes.
    """

    name: str
    pool: str
    slots: int
    labels: Mapping[str, str] = field(default_factory=dict)
    resource: str = "cpu"
    steady: bool = False
    life: int = 0
    alive: bool = True
    frozen_until: float = 0.0
    wanted: WorkerState = WorkerState.ONLINE
    busy: int = 0


@dataclass
class Hand:
    """What one slot has taken: the first runs, the others wait. `stopped` are those to be cancelled."""

    waiting: list[work.Claimed]
    stopped: set[int] = field(default_factory=set)


class Floor:
    """All workers."""

    def __init__(self, world: "World", workers: list[Worker]) -> None:
        self._world = world
        self._claimed: set[int] = set()
        self._running: set[int] = set()
        self._hands: dict[int, Hand] = {}
        self._began_at: dict[int, float] = {}
        self._ended: dict[tuple[str, int], list[work.Ended]] = {}
        self.workers = workers
        for worker in workers:
            self._announce(worker, worker.life)
        world.at(world.up_to(40), self._drain, world.random.choice(workers))

    def pump(self) -> None:
        """Free slots take what waits."""
        for worker in self.workers:
            while self._awake(worker) and worker.busy < worker.slots:
                pools = (worker.pool,) if worker.wanted is WorkerState.ONLINE else ()
                message = self._world.broker.take((worker.name, *pools))
                if message is None:
                    break
                worker.busy += 1
                self._start(worker, [message, *self._more(worker, pools)])

    def _more(self, worker: Worker, pools: Sequence[str]) -> Iterator[Message]:
        """What travels together with a message."""
        while self._world.random.random() < 0.5:
            message = self._world.broker.take((worker.name, *pools))
            if message is None:
                return
            yield message

    def revive(self) -> None:
        """Somebody looks at the drained and quarantined ones at last."""
        for worker in workers.list_workers(self._world.hall):
            if worker.kept_out is WorkerState.QUARANTINED:
                self._world.hits["worker_quarantined"] += 1
            self._resume(worker.name)

    # --- lives ------------------------------------------------------------------------------------------

    def _awake(self, worker: Worker) -> bool:
        return worker.alive and self._world.now >= worker.frozen_until

    def _announce(self, worker: Worker, life: int) -> None:
        if worker.life != life:
            return
        self._world.note(worker.name, "announces itself")
        worker.alive, worker.busy = True, 0
        wanted = self.door(worker, "announce", lambda: work.announce(self._world.hall, _card(worker)))
        worker.wanted = wanted or WorkerState.ONLINE
        self._world.at(SEEN_S, self._seen, worker, worker.life)
        self.pump()

    def _seen(self, worker: Worker, life: int) -> None:
        if worker.life != life or self._world.closed:
            return
        if self._awake(worker):
            wanted = self.door(worker, "seen", partial(work.seen, self._world.hall, worker.name))
            if wanted is WorkerState.OFFLINE:
                announce = partial(work.announce, self._world.hall, _card(worker), restarted=False)
                wanted = self.door(worker, "announce", announce)
            worker.wanted = wanted or WorkerState.ONLINE
        self._world.at(SEEN_S, self._seen, worker, life)

    def _die(self, worker: Worker) -> None:
        self._world.note(worker.name, "dies")
        worker.alive = False
        worker.life += 1
        self._world.at(1 + self._world.up_to(25), self._revive, worker, worker.life)

    def _revive(self, worker: Worker, life: int) -> None:
        if worker.life == life:
            self._world.hit("worker_revived")
            self._announce(worker, life)

    def _drain(self, worker: Worker) -> None:
        if self._world.store.peek("SELECT 1 FROM workers WHERE name = ?", (worker.name,)):
            self._world.hit("worker_drained")
            drain = partial(workers.drain, self._world.hall, "ops", worker.name)
            self._world.customers.calling("operate", drain)
            self._world.at(5 + self._world.up_to(15), self._resume, worker.name)

    def _resume(self, name: str) -> None:
        resume = partial(workers.resume, self._world.hall, "ops", name)
        self._world.customers.calling("operate", resume)

    # --- work -------------------------------------------------------------------------------------------

    def _start(self, worker: Worker, messages: Sequence[Message]) -> None:
        world, life = self._world, worker.life
        named = [*dict.fromkeys((message.attempt_id, message.token) for message in messages)]
        taken = self.door(worker, "claim", lambda: work.claim_all(world.hall, named, worker.name))
        if not taken:
            world.at(0.01, self._free, worker, life)
            return
        hand = Hand(taken)
        for claimed in taken:
            world.note(worker.name, "claims", claimed.attempt_id, claimed.job_id, claimed.task_name)
            if claimed.attempt_id in self._claimed:
                world.wrong(f"attempt {claimed.attempt_id} was started twice")
            self._claimed.add(claimed.attempt_id)
            self._running.add(claimed.attempt_id)
            self._hands[claimed.attempt_id] = hand
        if not worker.steady:
            if world.chance("worker_dies", 0.03):
                self._die(worker)
                return
            self._maybe_freeze(worker)
        for claimed in taken:
            self.later(BEAT_S, worker, claimed, partial(self._beat, worker, claimed))
        for claimed in taken[1:]:
            self.later(_LONGEST_WAIT_S, worker, claimed, partial(self._put_back, worker, claimed))
        self._next(worker, hand)

    def _next(self, worker: Worker, hand: Hand) -> None:
        """Begin with what waits, or be free."""
        world = self._world
        if not hand.waiting:
            self._free(worker, worker.life)
            return
        claimed = hand.waiting.pop(0)
        self._began_at[claimed.attempt_id] = world.farm_now
        if claimed.attempt_id in hand.stopped:
            stop = partial(self.end, worker, claimed, work.Report(Outcome.CANCELLED))
            self.later(0.0, worker, claimed, stop)
        elif claimed.provider is None:
            self.later(
                world.seconds_of(claimed), worker, claimed, partial(self._end_as_may_be, worker, claimed)
            )
        else:
            world.shop.serve(worker, claimed)

    def _put_back(self, worker: Worker, claimed: work.Claimed) -> None:
        """Return what waited too long."""
        hand = self._hands[claimed.attempt_id]
        if claimed in hand.waiting:
            hand.waiting.remove(claimed)
            self._running.discard(claimed.attempt_id)
            self._world.hits["put_back"] += 1
            put_back = partial(work.put_back, self._world.hall, claimed.attempt_id, claimed.token)
            self.door(worker, "finish", put_back)

    def later(self, delay: float, worker: Worker, claimed: work.Claimed, call: Callable[[], None]) -> None:
        """Let this worker go on with what it has claimed, once it is awake; not if it died or ended it."""
        self._world.at(delay, self._go_on, worker, worker.life, claimed.attempt_id, call)

    def _go_on(self, worker: Worker, life: int, attempt_id: int, call: Callable[[], None]) -> None:
        if worker.life != life or attempt_id not in self._running:
            return
        if self._awake(worker):
            call()
        else:
            frozen_s = max(0.0, worker.frozen_until - self._world.now)
            self._world.at(frozen_s, self._go_on, worker, life, attempt_id, call)

    def _maybe_freeze(self, worker: Worker) -> None:
        lease_s = self._world.hall.catalog.scheduling.lease_s
        if self._world.chance("worker_freezes", 0.02):
            worker.frozen_until = self._world.now + self._world.up_to(lease_s)
        elif self._world.chance("worker_freezes_past_its_lease", 0.02):
            worker.frozen_until = self._world.now + lease_s + self._world.up_to(20)

    def _beat(self, worker: Worker, claimed: work.Claimed) -> None:
        world = self._world
        beat = partial(work.beat, world.hall, claimed.attempt_id, claimed.token, 0.5, "half")
        told = self.door(worker, "beat", beat)
        if told is None:
            return
        hand = self._hands[claimed.attempt_id]
        if told.cancel and claimed in hand.waiting:
            hand.stopped.add(claimed.attempt_id)
        elif told.cancel:
            stop = partial(self.end, worker, claimed, work.Report(Outcome.CANCELLED))
            self.later(world.up_to(1), worker, claimed, stop)
        elif told.ours:
            self.later(BEAT_S, worker, claimed, partial(self._beat, worker, claimed))

    def _end_as_may_be(self, worker: Worker, claimed: work.Claimed) -> None:
        self.end(worker, claimed, self._report(claimed))

    def end(self, worker: Worker, claimed: work.Claimed, report: work.Report) -> None:
        """Report how it ended, and take what comes next."""
        world, life = self._world, worker.life
        self._running.discard(claimed.attempt_id)
        world.note(worker.name, "finishes", claimed.attempt_id, report.outcome, report.failure or "")
        began_at = self._began_at[claimed.attempt_id]
        ended = work.Ended(claimed.attempt_id, claimed.token, report, world.farm_now, began_at)
        gathered = self._ended.setdefault((worker.name, life), [])
        gathered.append(ended)
        if world.random.random() < 0.7:
            self._record(worker, life)
        else:
            world.at(_TOGETHER_S, self._record, worker, life)
        if worker.life == life:
            self._next(worker, self._hands[claimed.attempt_id])

    def _record(self, worker: Worker, life: int) -> None:
        """Record what has ended since."""
        world = self._world
        ended = self._ended.pop((worker.name, life), [])
        if worker.life != life or not ended:
            return
        world.hits["ends_together"] += len(ended) > 1
        ours = [self._is_ours(each) for each in ended]
        recorded = self.door(worker, "finish", lambda: work.finish_all(world.hall, ended)) or []
        for each, was_ours, done in zip(ended, ours, recorded, strict=False):
            if done and not was_ours:
                world.wrong(f"attempt {each.attempt_id} was finished without a lease")

    def _is_ours(self, ended: work.Ended) -> bool:
        query = "SELECT 1 FROM attempts WHERE id = ? AND token = ? AND state = 'running'"
        return bool(self._world.store.peek(query, (ended.attempt_id, ended.token)))

    def _free(self, worker: Worker, life: int) -> None:
        if worker.life == life:
            worker.busy = max(0, worker.busy - 1)
            self.pump()

    def _report(self, claimed: work.Claimed) -> work.Report:
        world = self._world
        if world.chance("task_fails", 0.12):
            failure = world.random.choice(FAILURES)
            return work.Report(Outcome.FAILED, Failure(failure, failure, "as planned"))
        if world.chance("given_back", 0.04):
            return work.Report(Outcome.RETURNED)
        if claimed.task_name == "probe" and claimed.params["echo"] == "grows":
            world.hits["job_grows"] += 1
            return work.Report(Outcome.SUCCEEDED, tasks=self._grown())
        if claimed.task_name == "join" and len(claimed.inputs) != 2:
            world.wrong(f"attempt {claimed.attempt_id} joins {len(claimed.inputs)} files")
        return work.Report(Outcome.SUCCEEDED, outputs=_made(claimed))

    def _grown(self) -> list[TaskSpec]:
        """Two tasks and one that joins what they make; now and then for a particular worker only.

        An account that has their files already need not make them again.
        """
        chance = self._world.random
        first = next(worker for worker in self.workers if worker.labels)
        requires = dict(first.labels) if chance.random() < 0.3 else {}
        pool = first.pool if requires else chance.choice(("cpu-render", "asr-align"))
        parts = [_part(n, pool, requires) for n in range(2)]
        join = TaskSpec(name="join", step="probe", pool="cpu-render", needs=("part-0", "part-1"))
        return [*parts, join]

    def door(self, worker: Worker, name: str, call: Callable[[], T]) -> T | None:
        """A worker's call: its connection may break, then it insists; or its process dies, then None."""

        def around(point: str) -> None:
            if self._world.chance(f"door_break_{point}", 0.02):
                raise StoreAway("the connection broke")
            if not worker.steady and self._world.chance(f"{name}_crash_{point}", _CRASHES.get(name, 0.01)):
                raise Crash

        try:
            with self._world.store.hooked(around):
                return call()
        except StoreAway:  # a door that does not insist, as the broken ones
            return None
        except Crash:
            self._die(worker)
            return None


def _part(number: int, pool: str, requires: dict[str, str]) -> TaskSpec:
    """A task with a file that later jobs of the account may take."""
    key = f"{pool}-{number}"
    made = CachedOutput(key=key, name="part", file_name="part.bin", content_type="application/octet-stream")
    return TaskSpec(
        name=f"part-{number}",
        step="probe",
        pool=pool,
        requires=requires,
        params={"key": key},
        cached=made,
    )


def _made(claimed: work.Claimed) -> list[work.StoredOutput]:
    """The file of such a task."""
    key = claimed.params.get("key")
    if key is None:
        return []
    blob = f"{claimed.blob_prefix}/part"
    return [
        work.StoredOutput("part", blob, "part.bin", "application/octet-stream", 1, "0" * 64, {}, True, key)
    ]


def _card(worker: Worker) -> work.WorkerCard:
    return work.WorkerCard(
        name=worker.name,
        pool=worker.pool,
        host="host",
        pid=worker.life,
        queue=worker.name,
        slots={worker.resource: worker.slots},
        kinds=[kind.announced for kind in registry().values()],
        labels=worker.labels,
    )
