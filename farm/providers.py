"""Who may serve what a task asks for, in which order, at which price. Values only.

The catalog reads configs/providers.toml into a ProviderBook, submit takes the first candidate, and
schedulers/failover decides everything after that.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field

from farm.choices import Choice
from farm.errors import BadRequest, FarmUnavailable, ModelNotOffered
from farm.model_book import ModelBook
from farm.models import Wish
from farm.money import MILLI
from farm.noun import Noun
from farm.offers import FailoverRules, ModelRoute, Offer, Provider, QualityRules, Resource

AUTO = "auto"
_NO_MATTER_S = 1.0  # an estimate that nobody asks for


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
        """The concrete model that does it first. Raises BadRequest naming the field.

        Of "auto" it is the first that can make what is wished; its entry in the configs where none can.
        Raises ModelNotOffered for a model of the catalog that nobody here offers.
        """
        named = self._named(route)
        if route.model != AUTO or route.wish is None:
            return named
        try:
            return next(iter(self._units(route)))
        except BadRequest:
            return named

    def models_of(self, route: Route) -> list[str]:
        """The model that the route names and those that may stand in for it, in order. Raises BadRequest."""
        first = self._named(route)
        return list(dict.fromkeys([first, *self._fallbacks(first, route.capability)]))

    def candidates(self, route: Route) -> list[Candidate]:
        """Who may serve the route, in the catalog's order; one alone without failover.

        A model that cannot make what is wished is left out. Raises BadRequest naming the field where it was
        asked for by name, and where none can.
        """
        found = [
            self._candidate(name, offer, units)
            for name, units in self._units(route).items()
            for offer in self.routes[route.capability][name].offers
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

    def _named(self, route: Route) -> str:
        """The concrete model that the route's name means. Raises BadRequest, ModelNotOffered."""
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

    def _fallbacks(self, model: str, capability: str) -> Sequence[str]:
        """As providers.toml has them; where it says nothing, the catalog's that are offered here."""
        routed = self.routes[capability]
        if "fallbacks" in routed[model].model_fields_set:
            return routed[model].fallbacks
        return [name for name in self.models.stand_ins(model, capability) if name in routed]

    def _units(self, route: Route) -> dict[str, Decimal]:
        """The models that can make what is wished, in order, with how many units each prices."""
        found: dict[str, Decimal] = {}
        refused: BadRequest | None = None
        for model in self.models_of(route):
            try:
                found[model] = self._units_at(model, route)
            except BadRequest as error:
                refused = refused or error
                if route.model != AUTO and not found:
                    raise
        if refused is not None and not found:
            raise refused
        return found

    def _units_at(self, model: str, route: Route) -> Decimal:
        """Raises BadRequest for what the model cannot make."""
        if route.wish is None:
            return route.units
        listed = self.models.price_mc(model, route.capability, route.wish)
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
