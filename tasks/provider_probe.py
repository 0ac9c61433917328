"""The kind `provider-probe`: one call to a provider, whichever the farm finds; for tests and operators."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from pydantic import Field, JsonValue

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.providers import AUTO

STEP = "call"


class ProviderProbe(Params):
    """What to ask for. The provider behaves as it likes; see tests/providers.py for one that misbehaves."""

    kind: ClassVar[str] = "provider-probe"

    capability: str = "probe"
    model: str = AUTO
    failover: bool = True
    units: int = Field(default=1, ge=1, description="How many of what the offers price")
    prompt: JsonValue = None
    soft_s: float = Field(default=600.0, gt=0)
    hard_s: float = Field(default=660.0, gt=0)

    @property
    def route(self) -> Route:
        return Route(
            capability=self.capability, model=self.model, failover=self.failover, units=Decimal(self.units)
        )


def _plan(params: ProviderProbe) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name="call",
            step=STEP,
            params=params.model_dump(mode="json"),
            route=params.route,
            soft_s=params.soft_s,
            hard_s=params.hard_s,
        ),
    )


def _price_mc(params: ProviderProbe, catalog: Catalog) -> int:
    return catalog.providers.candidates(params.route)[0].price_mc


KIND = Kind(
    name=ProviderProbe.kind,
    version=1,
    params=ProviderProbe,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.provider_probe:perform"},
    summary="Call a provider of the configs, with failover.",
    for_operators=True,
)
