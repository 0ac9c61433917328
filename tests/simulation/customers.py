"""The customers: they submit, ask again when they heard nothing, cancel, and are in a hurry."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from farm.account import Caller
from farm.doors import accounts, idempotency, jobs, submit
from farm.doors.hall import Hall
from farm.doors.idempotency import Answer, Call
from farm.errors import CallInProgress, Conflict
from farm.job import JobSpec
from farm.store.engine import StoreAway
from tasks.probe import Probe
from tests.simulation.batch_life import BatchLife
from tests.simulation.memory import Crash

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
TIERS = ("free", "pro", "enterprise", "free")
POOLS = ("cpu-render", "asr-align")
_CRASHES = {"cancel": 0.1, "priority": 0.15, "endpoint": 0.08}


class Customers:
    """Four accounts, and what they ask for."""

    def __init__(self, world: "World", callers: list[Caller]) -> None:
        self._world = world
        self.callers = callers
        self._operator = replace(callers[0], is_operator=True)
        self._keyed: list[str] = []
        self.waiting = 0  # for an answer
        self.accepted: list[str] = []
        self.batches: list[BatchLife] = []
        for number in range(world.random.randrange(5, 10)):
            world.at(world.up_to(25), self._submit, number)
        if world.random.random() < 0.5:
            world.at(world.up_to(8), self._start_batch)

    def problems(self) -> list[str]:
        """Jobs that were accepted and never ended, or made twice; rows of batches lost or doubled."""
        ended = {name for (name,) in self._world.store.peek("SELECT id FROM jobs WHERE ended_at IS NOT NULL")}
        lost = [job_id for job_id in self.accepted if job_id not in ended]
        twice = [key for key in self._keyed if self._made_under(key) > 1]
        return [
            *([f"accepted jobs never ended: {lost}"] if lost else []),
            *(f"the call {key!r} was made twice" for key in twice),
            *(problem for batch in self.batches for problem in batch.problems()),
        ]

    # --- jobs -------------------------------------------------------------------------------------------

    def _submit(self, number: int) -> None:
        world = self._world
        caller = self.callers[number % len(self.callers)]
        spec = self._spec(number)
        if world.random.random() < 0.4:
            key = f"order-{number}"
            self._keyed.append(key)
            self.waiting += 1
            self._submit_once(caller, replace(spec, reference=key), key)
            return
        done = self.calling("submit", lambda: submit.submit(world.hall, caller, spec))
        if done is not None:  # else the caller does not know; the store does
            self._accepted(done.job_id)

    def _submit_once(self, caller: Caller, spec: JobSpec, key: str) -> None:
        """Under an Idempotency-Key, again and again until there is an answer."""
        world = self._world
        try:
            answer = self.calling("submit", lambda: self._call(caller, spec, key))
        except CallInProgress:
            answer = None
        if answer is None:
            world.hits["submit_again"] += 1
            world.at(5 + world.up_to(30), self._submit_once, caller, spec, key)
        else:
            self.waiting -= 1
            self._accepted(answer.body)

    def _call(self, caller: Caller, spec: JobSpec, key: str) -> Answer:
        """What the API does with a call that has a key."""
        hall = self._world.hall
        ticket = idempotency.reserve(hall, Call(caller.key_id, key, "the body"))
        if isinstance(ticket, Answer):
            return ticket
        answer = Answer(202, submit.submit(hall, caller, spec, ticket).job_id)
        idempotency.keep_answer(hall, ticket, answer)
        return answer

    def _accepted(self, job_id: str) -> None:
        world = self._world
        world.note("accepted", job_id)
        self.accepted.append(job_id)
        chance = world.random.random()
        if chance < 0.12:
            world.at(world.up_to(20), self._cancel, job_id)
        elif chance < 0.25:
            world.at(world.up_to(20), self._hurry, job_id)

    def _spec(self, number: int) -> JobSpec:
        world, chance = self._world, self._world.random
        params = Probe(
            pool=POOLS[number % len(POOLS)],
            price_mc=100 + number,
            estimated_s=chance.choice((0.01, 1.0, 5.0)),
            echo="grows" if chance.random() < 0.25 else None,
        )
        return JobSpec(
            params=params,
            start_after=world.farm_now + 5 if chance.random() < 0.1 else None,
            deadline=world.farm_now + 5 + world.up_to(20) if chance.random() < 0.08 else None,
            webhook_url=f"https://example.com/job/{number}" if chance.random() < 0.4 else None,
        )

    def _hurry(self, job_id: str) -> None:
        with suppress(Conflict):  # it has ended
            priority = self._world.random.randrange(10)
            self.calling(
                "priority",
                lambda: jobs.set_priority(self._world.hall, self._operator, job_id, priority),
            )

    def _cancel(self, job_id: str) -> None:
        self._world.hit("job_cancelled")
        self.calling("cancel", lambda: jobs.cancel(self._world.hall, None, job_id))

    def _made_under(self, key: str) -> int:
        ((number,),) = self._world.store.peek("SELECT count(*) FROM jobs WHERE reference = ?", (key,))
        return int(number)

    # --- batches ----------------------------------------------------------------------------------------

    def _start_batch(self) -> None:
        self.batches.append(BatchLife(self._world, self._world.random.choice(self.callers)))

    def calling(self, what: str, call: Callable[[], T]) -> T | None:
        """A call to an API process that may die around its commits; then None: nobody knows."""

        def around(point: str) -> None:
            if self._world.chance(f"{what}_crash_{point}", _CRASHES.get(what, 0.04)):
                raise Crash

        with self._world.store.hooked(around), suppress(Crash, StoreAway):
            return call()
        return None


def new_callers(hall: Hall, tiers: Iterable[str]) -> list[Caller]:
    """Metered accounts with one key each."""
    found = []
    for number, tier in enumerate(tiers):
        account = accounts.ensure_account(hall, f"a{number}", tier, balance_mc=1_000_000)
        found.append(accounts.caller_of(hall, accounts.create_key(hall, account).text))
    return found
