"""Two deliverers of webhooks beside the schedulers: they fan out, claim, send and record, and die in between.

The code is the product's; only its waiting is done in virtual time.
"""

import math
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farm.net.http import Reply
from farm.store.engine import StoreAway
from schedulers.webhooks.claims import Claim
from schedulers.webhooks.deliverer import Deliverer
from tests.simulation.memory import Crash

if TYPE_CHECKING:
    from tests.simulation.world import World

_NEXT_DUE = """
    SELECT min(at) FROM (
        SELECT min(due_at) AS at FROM deliveries WHERE state = 'pending'
        UNION ALL SELECT min(due_at) FROM outbox WHERE state = 'pending')
"""


@dataclass
class Process:
    """One deliverer's process. `life` counts its restarts: what an earlier life was sending is lost."""

    deliverer: Deliverer
    life: int = 0
    away_until: float = 0.0


class Deliverers:
    """Both of them, and who holds which attempt."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._processes = [Process(self._new()) for _ in range(2)]
        self._planned_at = math.inf
        self._held: dict[int, tuple[int, float]] = {}  # by delivery: the try, and until when it is held

    def plan(self) -> None:
        """Have somebody look when the next event or attempt is due."""
        ((due_at,),) = self._world.store.peek(_NEXT_DUE)
        if due_at is None:
            return
        delay = max(0.0, due_at - self._world.farm_now) + 0.001 + self._world.up_to(0.5)
        at = self._world.now + delay
        if at < self._planned_at:
            self._planned_at = at
            self._world.at(delay, self._look, at)

    def _look(self, planned_at: float) -> None:
        if planned_at != self._planned_at:
            return
        world = self._world
        self._planned_at = math.inf
        here = [process for process in self._processes if process.away_until <= world.now]
        world.random.shuffle(here)
        both = world.chance("two_deliverers_at_once", 0.1)
        for process in here if both else here[:1]:
            self._have_a_look(process)
        if here:
            self.plan()
        else:
            back_at = min(process.away_until for process in self._processes)
            self._planned_at = back_at + 0.001
            world.at(self._planned_at - world.now, self._look, self._planned_at)

    def _have_a_look(self, process: Process) -> None:
        """Fan out and claim, then send what was claimed."""
        world = self._world
        try:
            with world.store.hooked(lambda point: self._around("claim_events", point)):
                claims = process.deliverer._claim(world.hall.catalog.webhooks.at_once)
        except StoreAway:
            process.away_until = world.now + 1.0
            return
        except Crash:
            self._die(process)
            return
        for claim in claims:
            self._check(claim)
            process.deliverer._busy[claim.row.account_id] += 1
        if claims and world.chance("deliverer_freezes_before_it_sends", 0.02):
            process.away_until = world.now + world.up_to(90)
            world.at(process.away_until - world.now, self._send, process, process.life, claims)
        else:
            self._send(process, process.life, claims)

    def _send(self, process: Process, life: int, claims: list[Claim]) -> None:
        world = self._world
        for claim in claims:
            if process.life != life:
                return
            answer = _driven(process.deliverer._send(claim))
            world.at(world.receivers.delay_s, self._record, process, life, claim, answer)
            if world.chance("deliverer_dies_after_it_sent", 0.02):
                self._die(process)
            elif world.chance("deliverer_freezes_past_its_lease", 0.01):
                process.away_until = world.now + 60 + world.up_to(30)

    def _record(self, process: Process, life: int, claim: Claim, answer: Reply | str) -> None:
        world = self._world
        if process.life != life:
            return
        if process.away_until > world.now:
            world.at(process.away_until - world.now, self._record, process, life, claim, answer)
            return
        process.deliverer._busy[claim.row.account_id] -= 1
        try:
            with world.store.hooked(lambda point: self._around("record_delivery", point)):
                process.deliverer._record(claim, answer)
        except StoreAway:
            pass  # logged; the lease ends
        except Crash:
            self._die(process)
        self.plan()

    def _check(self, claim: Claim) -> None:
        """An attempt is made again only when whoever made it before has let its lease pass."""
        world, row = self._world, claim.row
        number, until = self._held.get(row.id, (0, 0.0))
        if row.tries + 1 == number and world.farm_now < until:
            world.wrong(f"delivery {row.public_id} was claimed while another held it")
        self._held[row.id] = (row.tries + 1, world.farm_now + world.hall.catalog.webhooks.lease_s)

    def _around(self, what: str, point: str) -> None:
        if self._world.chance(f"{what}_crash_{point}", 0.02):
            raise Crash
        if self._world.chance(f"{what}_break_{point}", 0.02):
            raise StoreAway("the connection broke")

    def _die(self, process: Process) -> None:
        process.deliverer = self._new()
        process.life += 1
        process.away_until = self._world.now + 1 + self._world.up_to(10)

    def _new(self) -> Deliverer:
        return Deliverer(self._world.hall, self._world.receivers, lambda _artifact: None)


def _driven(sending: Coroutine[Any, Any, Reply | str]) -> Reply | str:
    """The answer of a send that never really waits."""
    try:
        sending.send(None)
    except StopIteration as done:
        answer: Reply | str = done.value
        return answer
    raise RuntimeError("The receivers answer at once; their delay comes afterwards.")
