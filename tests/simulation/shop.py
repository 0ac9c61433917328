"""Providers that misbehave, and their books: what was bought under which key, and what became of it.

A worker's side is here too: it submits or resumes, notes what was accepted, polls, and reports. Nothing that
may still come to something may be bought again, wherever.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from farm.account import Caller
from farm.catalog import Catalog
from farm.doors import purchases, submit
from farm.doors.work import Claimed, Report
from farm.errors import FailureClass
from farm.job import Failure, JobSpec
from farm.offers import ModelRoute, Offer, Provider, Resource
from farm.states import Outcome
from tasks.provider_probe import ProviderProbe

if TYPE_CHECKING:
    from tests.simulation.floor import Worker
    from tests.simulation.world import World

POOL, OWN = "gpu-generate", "own"
PRICES_MC = {("alpha", "big"): 300, ("beta", "big"): 200, (OWN, "small"): 100}
_LIMIT = 2  # of alpha, at once
_DEAREST = """
    SELECT j.id, j.charged_mc, a.provider, a.model FROM jobs j
    JOIN attempts a ON a.job_seq = j.seq AND a.outcome = 'succeeded' AND a.provider IS NOT NULL
"""
_MOVED = """
    SELECT b.id FROM attempts a JOIN attempts b ON b.task_id = a.task_id AND b.id > a.id
    WHERE a.provider IS NOT NULL AND a.failure_class IN ('policy', 'invalid_input')
"""
_PROBES = """
    SELECT provider, model FROM attempts
    WHERE state <> 'settled' AND json_extract(decision, '$.probes')
    GROUP BY provider, model HAVING count(DISTINCT task_id) > 1
"""
_OVERFULL = """
    SELECT count(*) FROM attempts WHERE state IN ('published', 'running') AND provider = 'alpha'
"""
_ASKED = """
    SELECT id, provider, model FROM attempts
    WHERE id > ? AND provider IS NOT NULL AND NOT json_extract(decision, '$.resumes')
"""
_OPEN = "SELECT provider, model, max(until) FROM breakers WHERE state = 'open' GROUP BY provider, model"


@dataclass
class Purchase:
    """What a provider has accepted. `is_over`: it failed or was called off, or what it brought is useless."""

    ref: str
    task: tuple[str, str]
    fate: str
    is_over: bool = False


class Shop:
    """All providers, and the workers' calls to them."""

    def __init__(self, world: "World", callers: list[Caller]) -> None:
        self._world = world
        self._books: dict[str, Purchase] = {}
        self._by_ref: dict[str, Purchase] = {}
        self._away: str | None = None
        self._open = bool(callers)
        self._last = 0
        self._resting: dict[tuple[str, str], float] = {}
        for caller in callers:
            world.at(world.up_to(20), self._order, caller)
        world.at(world.up_to(20), self._go_away)

    def look(self) -> None:
        """After a turn: a provider that rests is left alone, but for one task that tries it."""
        world, peek = self._world, self._world.store.peek
        if not self._open:
            return
        for attempt_id, provider, model in peek(_ASKED, (self._last,)):
            self._last = attempt_id
            if self._resting.get((provider, model), 0.0) > world.farm_now:
                world.wrong(f"attempt {attempt_id} goes to {provider}, which rests")
        for provider, model in peek(_PROBES):
            world.wrong(f"two tasks try {model} of {provider} at once")
        ((running,),) = peek(_OVERFULL)
        if running > _LIMIT:
            world.wrong(f"alpha runs {running} tasks, and may run {_LIMIT}")
        opened = {(provider, model): until for provider, model, until in peek(_OPEN)}
        for key in opened.keys() - self._resting.keys():
            world.hits["breaker_opened"] += 1
            world.note("the breaker of", *key, "opens")
        self._resting = opened

    def problems(self) -> list[str]:
        """Refusals that were tried elsewhere, and jobs that cost more than who served them."""
        peek = self._world.store.peek
        return [
            *(f"attempt {number} was made after a refusal" for (number,) in peek(_MOVED)),
            *(
                f"job {job_id} cost {charged_mc}, though {provider} served it"
                for job_id, charged_mc, provider, model in peek(_DEAREST)
                if charged_mc > PRICES_MC[provider, model]
            ),
        ]

    # --- a worker's side --------------------------------------------------------------------------------

    def serve(self, worker: "Worker", claimed: Claimed) -> None:
        """Resume what was bought, or find it, or buy."""
        purchase: Purchase | Failure | None = None
        if claimed.provider == OWN:
            self._may_begin(OWN, (claimed.job_id, claimed.task_name))
            self._report(worker, claimed, self._engine(), self._world.up_to(3))
            return
        if claimed.provider_ref is not None:
            self._world.hits["purchase_resumed"] += 1
            purchase = self._by_ref[claimed.provider_ref]
        elif claimed.in_doubt:
            purchase = self._books.get(str(claimed.idempotency_key))
            self._world.hits["purchase_found"] += purchase is not None
        purchase = purchase or self._buy(claimed)
        if isinstance(purchase, Failure):
            self._report(worker, claimed, Report(Outcome.FAILED, purchase), 0.1 + self._world.up_to(1))
        elif claimed.provider_ref is not None or self._note(worker, "accepted", claimed, purchase.ref):
            self._later(worker, claimed, partial(self._poll, worker, claimed, purchase), self._world.up_to(4))

    def _poll(self, worker: "Worker", claimed: Claimed, purchase: Purchase) -> None:
        match purchase.fate:
            case "done":
                self._report(worker, claimed, Report(Outcome.SUCCEEDED))
            case "corrupt":
                purchase.is_over = True
                self._fail(worker, claimed, FailureClass.CORRUPT_OUTPUT)
            case "fails":
                purchase.is_over = True
                if self._note(worker, "dropped", claimed):
                    self._fail(worker, claimed, FailureClass.TRANSIENT)
            case "hangs":
                purchase.fate = "done"  # some time later, unless it is called off
                if self._world.random.random() < 0.5:
                    self._fail(worker, claimed, FailureClass.TIMEOUT)
                    return
                purchase.fate, purchase.is_over = "fails", True
                if self._note(worker, "dropped", claimed):
                    self._fail(worker, claimed, FailureClass.TIMEOUT)

    def _note(self, worker: "Worker", what: str, claimed: Claimed, *ref: str) -> bool:
        """Note something of the purchase. False when the worker died over it, or is too late."""
        door = partial(getattr(purchases, what), self._world.hall, claimed.attempt_id, claimed.token, *ref)
        life = worker.life
        if self._world.floor.door(worker, what, door):
            return True
        if worker.life == life:
            self._report(worker, claimed, Report(Outcome.CANCELLED))
        return False

    def _fail(self, worker: "Worker", claimed: Claimed, failure: FailureClass) -> None:
        self._report(worker, claimed, Report(Outcome.FAILED, Failure(failure, failure, "as planned")))

    def _report(self, worker: "Worker", claimed: Claimed, report: Report, delay: float = 0.0) -> None:
        self._later(worker, claimed, partial(self._world.floor.end, worker, claimed, report), delay)

    def _later(self, worker: "Worker", claimed: Claimed, call: partial[None], delay: float) -> None:
        self._world.floor.later(delay, worker, claimed, call)

    # --- the providers' side ----------------------------------------------------------------------------

    def _buy(self, claimed: Claimed) -> Purchase | Failure:
        """Ask for it. A key that is known gets what it bought before."""
        key, provider = str(claimed.idempotency_key), str(claimed.provider)
        known = self._books.get(key)
        if known is not None:
            return known
        refused = self._refusal(provider)
        if refused is not None:
            return refused
        self._sell(key, provider, claimed)
        if self._world.chance("provider_answer_lost", 0.08):
            return Failure(FailureClass.AMBIGUOUS, "network", "The connection broke before an answer came.")
        return self._books[key]

    def _sell(self, key: str, provider: str, claimed: Claimed) -> None:
        task = claimed.job_id, claimed.task_name
        self._may_begin(provider, task)
        made = Purchase(f"{provider}-{len(self._books)}", task, self._fate())
        self._world.note(provider, "sells", made.ref, "for", *task)
        self._books[key] = self._by_ref[made.ref] = made

    def _may_begin(self, provider: str, task: tuple[str, str]) -> None:
        again = [other.ref for other in self._books.values() if other.task == task and not other.is_over]
        if again:
            self._world.wrong(f"{task} begins at {provider}, though {again} may come")

    def _engine(self) -> Report:
        """What our own engine brings."""
        if self._world.chance("own_engine_fails", 0.4):
            return Report(Outcome.FAILED, Failure(FailureClass.CRASH, "crash", "as planned"))
        return Report(Outcome.SUCCEEDED)

    def _refusal(self, provider: str) -> Failure | None:
        world = self._world
        if provider == self._away and not world.calm:
            return Failure(FailureClass.TRANSIENT, "connection", "Nobody answered.")
        if world.chance("provider_request_lost", 0.05):
            return Failure(FailureClass.AMBIGUOUS, "network", "The connection broke before an answer came.")
        for fault, failure, likely in _REFUSALS:
            if world.chance(fault, likely):
                pause_s = world.up_to(20) if failure is FailureClass.CAPACITY else None
                return Failure(failure, failure, "as planned", pause_s)
        return None

    def _fate(self) -> str:
        for fault, fate in _FATES:
            if self._world.chance(fault, 0.07):
                return fate
        return "done"

    def _go_away(self) -> None:
        self._world.hit("provider_away")
        self._away = self._world.random.choice(("alpha", "beta"))
        self._world.at(5 + self._world.up_to(20), self._come_back)

    def _come_back(self) -> None:
        self._away = None

    # --- customers --------------------------------------------------------------------------------------

    def _order(self, caller: Caller) -> None:
        hall = self._world.hall
        specs = [JobSpec(params=ProviderProbe(prompt=number)) for number in range(2)]
        self._world.customers.calling("submit", lambda: submit.submit_all(hall, caller, specs))


_REFUSALS = (
    ("provider_fails", FailureClass.TRANSIENT, 0.1),
    ("provider_busy", FailureClass.CAPACITY, 0.08),
    ("provider_says_policy", FailureClass.POLICY, 0.04),
    ("provider_knows_no_key", FailureClass.PROVIDER_AUTH, 0.03),
)
_FATES = (
    ("provider_fails_later", "fails"),
    ("provider_never_finishes", "hangs"),
    ("provider_output_corrupt", "corrupt"),
)


def stocked(catalog: Catalog) -> Catalog:
    """The catalog with three providers: two remote ones of one model, and our own of a smaller one."""
    book = catalog.providers
    remote = Provider(pool=POOL, resource=Resource.IO, remote=True)
    offers = [
        Offer(provider=name, price=f"0.{mc // 100}", estimated_s=3.0) for (name, _), mc in PRICES_MC.items()
    ]
    models = {
        "big": ModelRoute(offers=tuple(offers[:2]), fallbacks=("small",)),
        "small": ModelRoute(offers=tuple(offers[2:])),
    }
    providers = {
        "alpha": remote.model_copy(update={"max_running": _LIMIT}),
        "beta": remote,
        OWN: Provider(pool=POOL, resource=Resource.DEVICE),
    }
    return catalog.model_copy(
        update={"providers": book.model_copy(update={"providers": providers, "routes": {"probe": models}})}
    )
