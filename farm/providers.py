"""Providers: who may serve a capability, in which order, at which price; and what a task asks for and got.

Values only. The catalog reads them from configs/providers.toml, submit takes the first candidate, and
schedulers/failover decides everything after that.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from pydantic import Field

from farm.errors import BadRequest, FarmUnavailable, ModelNotOffered
from farm.model_book import ModelBook
from farm.models import Wish
from farm.money import MILLI, milli
from farm.noun import Noun
from farm.remote_model import RemoteModel

AUTO = "auto"
_NO_MATTER_S = 1.0  # an estimate that nobody asks for


class Resource(StrEnum):
    """What a running task occupies one of."""

    CPU = "cpu"
    DEVICE = "device"
    IO = "io"


class Phase(StrEnum):
    """The two halves of a call to a provider: until it has accepted the work, and until it has done it."""

    SUBMISSION = "submission"
    COMPLETION = "completion"


class Reason(StrEnum):
    """Why a candidate was taken or was not, beside the class of a failure it answered with."""

    FIRST = "first"
    AGAIN = "again"
    CIRCUIT_OPEN = "circuit_open"
    CAPACITY = "capacity"
    LIMIT = "limit"
    NO_WORKER = "no_worker"
    UNHEALTHY = "unhealthy"
    PREFERRED = "preferred"
    REMOVED = "removed"
    TRIED = "tried"


class Provider(Noun):
    """See configs/providers.toml. `url` is where a remote one is reached; its key is never written here, only
    the name of the workers' environment variable that holds it: `key_env`. `models` are those that it calls
    otherwise than we do."""

    pool: str
    engine: str = ""
    resource: Resource = Resource.CPU
    remote: bool = False
    max_running: int | None = Field(default=None, gt=0)
    requires: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    key_env: str | None = Field(default=None, min_length=1)
    keeps_keys: bool = False
    call_s: float | None = Field(default=None, gt=0, le=280)
    models: Mapping[str, RemoteModel] = Field(default_factory=dict)


class Offer(Noun):
    """A model at a provider: its price in credits for one unit, and how long a task is expected to run."""

    provider: str
    price: Decimal = Field(ge=0)
    estimated_s: float = Field(gt=0)

    def price_mc(self, units: Decimal) -> int:
        """Milli-credits for so many units."""
        return milli(self.price * units)


class ModelRoute(Noun):
    """Who offers a model, the preferred first, and the models that may stand in for it.

    `quality` is the operator's opinion of it in points, for "auto".
    """

    offers: tuple[Offer, ...] = Field(min_length=1)
    fallbacks: tuple[str, ...] = ()
    quality: float = Field(default=50.0, ge=0, le=100)


class QualityRules(Noun):
    """See configs/providers.toml: whether "auto" may mean a better model, and by how many points."""

    enabled: bool = False
    margin: float = Field(default=10.0, ge=0)


class FailoverRules(Noun):
    """See configs/providers.toml, where each key is explained."""

    min_calls: int = Field(gt=0)
    failure_share: float = Field(gt=0, le=1)
    window_s: float = Field(gt=0)
    unreachable_in_row: int = Field(gt=0)
    rest_s: float = Field(gt=0)
    rest_max_s: float = Field(gt=0)
    jitter: float = Field(ge=0, lt=1)
    cooldown_s: float = Field(gt=0)
    cooldown_max_s: float = Field(gt=0)
    patience_s: float = Field(ge=0)
    max_attempts: int = Field(ge=1)
    retry_share: float = Field(ge=0, le=1)
    retries_per_hour: float = Field(ge=0)
    retries_saved: float = Field(ge=0)
    success_weight: float = Field(ge=0)
    speed_weight: float = Field(ge=0)
    queue_weight: float = Field(ge=0)
    learning: float = Field(gt=0, le=1)
    forget_s: float = Field(gt=0)
    least_health: float = Field(ge=0, le=1)
    no_worker_s: float = Field(ge=0)


class Route(Noun):
    """What a task asks of providers. `units` is how many of what the offers price (pictures, seconds).

    `model` is a model of the capability, or "auto" for the configs' choice. Without `failover` only the first
    candidate is ever used. With a `wish`, models of the catalog are priced by what they make of it.
    """

    capability: str
    model: str = AUTO
    failover: bool = True
    units: Decimal = Field(default=Decimal(1), gt=0)
    wish: Wish | None = None

    @property
    def name(self) -> str:
        """The same for all that have the same candidates."""
        return f"{self.capability}/{self.model}" if self.failover else f"{self.capability}/{self.model}!"


class Routing(Noun):
    """What "auto" weighed when the task first went: the best model, the configs' own, and by how many points.

    `kept` says why the configs' own was kept although another was better.
    """

    preferred: str
    legacy: str
    margin: float = 0.0
    kept: str | None = None


class Skipped(Noun):
    """A candidate that was not taken, and why: a Reason, or the class of the failure it answered with."""

    provider: str
    model: str
    reason: str


class Choice(Noun):
    """The candidate that a task goes to, and what its next attempt must know.

    `quoted_mc` is the price of the first candidate, `price_mc` of this one. `requires` is what the task asks
    of a worker, without what the provider adds. `why` and `skipped` tell how it came to this one since the
    last attempt.

    `tried` are candidates that failed. `provider_ref` is a purchase to resume; `in_doubt` that an earlier
    attempt may have bought: then only this provider may be asked. `purchase` counts what was bought and came
    to nothing.
    """

    provider: str
    model: str
    quoted_mc: int
    price_mc: int
    requires: dict[str, str] = Field(default_factory=dict)
    why: str = Reason.FIRST
    skipped: tuple[Skipped, ...] = ()
    tried: tuple[tuple[str, str], ...] = ()
    provider_ref: str | None = None
    in_doubt: bool = False
    purchase: int = 0
    routing: Routing | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.model

    @property
    def is_bound(self) -> bool:
        """Whether asking another provider could buy twice."""
        return self.in_doubt or self.provider_ref is not None

    @property
    def saved_mc(self) -> int:
        """How much cheaper it is than what was quoted."""
        return max(0, self.quoted_mc - self.price_mc)


class Then(Noun):
    """What followed an attempt: `what` is done, returned, retry, failover or give_up.

    `why` is a Reason, the class of a failure, or in words why nothing followed.
    """

    what: str
    why: str = ""
    provider: str | None = None
    model: str | None = None
    pause_s: float = 0.0
    skipped: tuple[Skipped, ...] = ()


class Decision(Noun):
    """How an attempt came to its provider, and what followed: readable for good on its row."""

    why: str
    skipped: tuple[Skipped, ...] = ()
    purchase: int = 0
    in_doubt: bool = False
    resumes: bool = False
    probes: bool = False
    routing: Routing | None = None
    then: Then | None = None


class Candidate(Noun):
    """A provider that may serve a route, with the model it would serve."""

    provider: str
    model: str
    pool: str
    resource: Resource
    requires: dict[str, str]
    remote: bool
    max_running: int | None
    price_mc: int
    estimated_s: float

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.model

    def choice(self, requires: Mapping[str, str]) -> Choice:
        """This one as a task's first choice; `requires` is the task's own."""
        return Choice(
            provider=self.provider,
            model=self.model,
            quoted_mc=self.price_mc,
            price_mc=self.price_mc,
            requires=dict(requires),
        )

    def placement(self, requires: Mapping[str, str]) -> dict[str, Any]:
        """What its provider decides about a task: fields of a TaskSpec. On a device it likes a warm model."""
        return {
            "pool": self.pool,
            "resource": self.resource,
            "requires": {**requires, **self.requires},
            "estimated_s": self.estimated_s,
            "affinity": self.model if self.resource is Resource.DEVICE else None,
        }


class ProviderBook(Noun):
    """Everything that configs/providers.toml says, and the models' own rules and prices."""

    models: ModelBook = ModelBook()
    providers: Mapping[str, Provider] = Field(default_factory=dict)
    routes: Mapping[str, Mapping[str, ModelRoute]] = Field(default_factory=dict)
    auto: Mapping[str, str] = Field(default_factory=dict)
    quality: QualityRules = QualityRules()
    failover: FailoverRules

    def check(self, pools: Collection[str]) -> None:
        """Raise FarmUnavailable naming the key that leads nowhere."""
        for name, provider in self.providers.items():
            _known(f"providers.{name}.pool", provider.pool, pools)
            for key in provider.models:
                if self.models.find(key) is None:
                    _known(f"providers.{name}.models", key, {model for _, model in self.offered_by(name)})
        for capability, models in self.routes.items():
            for model, route in models.items():
                where = f"routes.{capability}.{model}"
                for offer in route.offers:
                    _known(f"{where}.offers", offer.provider, self.providers)
                for other in route.fallbacks:
                    _known(f"{where}.fallbacks", other, models)
        for capability, model in self.auto.items():
            _known(f"auto.{capability}", model, self.routes.get(capability, {}))

    def model_of(self, route: Route) -> str:
        """The concrete model asked for. Raises BadRequest naming the field.

        Raises ModelNotOffered for a model of the catalog that nobody here offers.
        """
        models = self.routes.get(route.capability)
        if self.models.find(route.model) is not None:
            model = self.models.key_of(route.model, route.capability)
            if not models or model not in models:
                raise not_offered(route.capability, model)
            return model
        if not models:
            known = ", ".join(sorted(self.routes)) or "none"
            raise BadRequest(
                f"Nobody here serves {route.capability!r}; configs/providers.toml knows {known}.",
                param="capability",
            )
        named = self.auto_of(route.capability) if route.model == AUTO else route.model
        model = self.models.key_of(named, route.capability)
        if model not in models:
            raise BadRequest(
                f"There is no model {model!r} for {route.capability}; known: {AUTO}, {', '.join(models)}.",
                param="model",
            )
        return model

    def candidates(self, route: Route) -> list[Candidate]:
        """Who may serve the route, in the catalog's order; one alone without failover. Raises BadRequest."""
        models = self.routes.get(route.capability, {})
        first = self.model_of(route)
        names = dict.fromkeys([first, *self._fallbacks(first, route.capability)])
        units = {name: self._units(name, route, is_first=name == first) for name in names}
        found = [
            self._candidate(name, offer, amount)
            for name, amount in units.items()
            if amount is not None
            for offer in models[name].offers
        ]
        return found if route.failover else found[:1]

    def chosen(self, choice: Choice) -> list[Candidate]:
        """The candidate of an earlier choice, offered still or not; none when its provider is gone."""
        provider = self.providers.get(choice.provider)
        if provider is None:
            return []
        return [_candidate(choice.provider, provider, choice.model, choice.price_mc, _NO_MATTER_S)]

    def auto_of(self, capability: str) -> str:
        """What "auto" means for a capability that has routes."""
        return self.auto.get(capability, next(iter(self.routes[capability])))

    def qualities(self, capability: str) -> dict[str, float]:
        """The operator's opinion of each model of a capability, in points."""
        return {model: route.quality for model, route in self.routes.get(capability, {}).items()}

    def serving(self, model_id: str) -> dict[str, str]:
        """The capabilities that a model of the catalog is offered for here, with its concrete key there."""
        return {
            capability: key
            for capability, routed in self.routes.items()
            for key in routed
            if self.models.find(key) == model_id and capability in self.models.models[model_id].serves
        }

    def offered_by(self, provider: str) -> list[tuple[str, str]]:
        """That provider with each model it offers, sorted."""
        models = {
            (provider, name)
            for found in self.routes.values()
            for name, route in found.items()
            if any(offer.provider == provider for offer in route.offers)
        }
        return sorted(models)

    def _fallbacks(self, model: str, capability: str) -> Sequence[str]:
        """As providers.toml has them; where it says nothing, the catalog's that are offered here."""
        routed = self.routes[capability]
        if "fallbacks" in routed[model].model_fields_set:
            return routed[model].fallbacks
        return [name for name in self.models.stand_ins(model, capability) if name in routed]

    def _units(self, model: str, route: Route, *, is_first: bool) -> Decimal | None:
        """How many units the route asks of a model; None where it only stands in and cannot do it."""
        if route.wish is None:
            return route.units
        try:
            listed = self.models.price_mc(model, route.capability, route.wish)
        except BadRequest:
            if is_first:
                raise
            return None
        return route.units if listed is None else Decimal(listed) / MILLI

    def _candidate(self, model: str, offer: Offer, units: Decimal) -> Candidate:
        provider = self.providers[offer.provider]
        return _candidate(offer.provider, provider, model, offer.price_mc(units), offer.estimated_s)


def _candidate(name: str, provider: Provider, model: str, price_mc: int, estimated_s: float) -> Candidate:
    return Candidate(
        provider=name,
        model=model,
        pool=provider.pool,
        resource=provider.resource,
        requires=provider.requires,
        remote=provider.remote,
        max_running=provider.max_running,
        price_mc=price_mc,
        estimated_s=estimated_s,
    )


def not_offered(capability: str, model: str) -> ModelNotOffered:
    """The refusal of a model that exists and that no provider of this farm has."""
    return ModelNotOffered(
        f"No provider of this farm offers {model!r} for {capability}. Its operator can name one in"
        f" providers.toml, under routes.{capability}.{model}.",
        param="model",
    )


def _known(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise FarmUnavailable(f"providers.toml: {where} names {name!r}, which is not there.", param=where)


def purchase_key(job_id: str, task_name: str, provider: str, model: str, number: int) -> str:
    """The idempotency key of a task's `number`-th purchase there, whichever attempt makes it."""
    said = "\0".join((job_id, task_name, provider, model, str(number)))
    return f"kf_{blake2b(said.encode(), digest_size=20).hexdigest()}"
