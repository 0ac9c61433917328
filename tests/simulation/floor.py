"""The workers: they announce, take messages, claim, beat and finish; they die, freeze and come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from farm.doors import work, workers
from farm.errors import FailureClass
from farm.job import Failure
from farm.kinds import TaskSpec, registry
from farm.states import Outcome, WorkerState
from farm.store.engine import StoreAway
from tests.simulation.memory import Crash

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
BEAT_S = 3.0
SEEN_S = 6.5
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


class Floor:
    """All workers."""

    def __init__(self, world: "World", workers: list[Worker]) -> None:
        self._world = world
        self._claimed: set[int] = set()
        self._running: set[int] = set()
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
                self._start(worker, message.attempt_id, message.token)

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

    def _start(self, worker: Worker, attempt_id: int, token: int) -> None:
        world, life = self._world, worker.life
        claimed = self.door(worker, "claim", lambda: work.claim(world.hall, attempt_id, token, worker.name))
        if claimed is None:
            world.at(0.01, self._free, worker, life)
            return
        world.note(worker.name, "claims", attempt_id, claimed.job_id, claimed.task_name)
        if attempt_id in self._claimed:
            world.wrong(f"attempt {attempt_id} was started twice")
        self._claimed.add(attempt_id)
        self._running.add(attempt_id)
        if not worker.steady:
            if world.chance("worker_dies", 0.03):
                self._die(worker)
                return
            self._maybe_freeze(worker)
        self.later(BEAT_S, worker, claimed, partial(self._beat, worker, claimed))
        if claimed.provider is None:
            self.later(
                world.seconds_of(claimed), worker, claimed, partial(self._end_as_may_be, worker, claimed)
            )
        else:
            world.shop.serve(worker, claimed)

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
        if told.cancel:
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
        ours = self._is_ours(claimed)
        world.note(worker.name, "finishes", claimed.attempt_id, report.outcome, report.failure or "")
        finish = partial(work.finish, world.hall, claimed.attempt_id, claimed.token, report)
        if self.door(worker, "finish", finish) and not ours:
            world.wrong(f"attempt {claimed.attempt_id} was finished without a lease")
        self._free(worker, life)

    def _is_ours(self, claimed: work.Claimed) -> bool:
        query = "SELECT 1 FROM attempts WHERE id = ? AND token = ? AND state = 'running'"
        return bool(self._world.store.peek(query, (claimed.attempt_id, claimed.token)))

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
        return work.Report(Outcome.SUCCEEDED)

    def _grown(self) -> list[TaskSpec]:
        """Two tasks and one that joins them; now and then for a particular worker only."""
        chance = self._world.random
        first = next(worker for worker in self.workers if worker.labels)
        requires = dict(first.labels) if chance.random() < 0.3 else {}
        pool = first.pool if requires else chance.choice(("cpu-render", "asr-align"))
        parts = [TaskSpec(name=f"part-{n}", step="probe", pool=pool, requires=requires) for n in range(2)]
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
