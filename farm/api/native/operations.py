"""What runs the farm: its schedulers and its providers. For operators."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from farm.api.auth import require_operator
from farm.api.desk import AtDesk, SignedIn
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.routing import farm_router
from farm.doors import providers, schedulers

router = farm_router("/farm/v1", "operators")


class SchedulerInfo(BaseModel):
    """A scheduler process that is here. `led_since` is null for one that stands by."""

    name: str
    host: str
    pid: int
    led_since: float | None


class SchedulerList(BaseModel):
    """The one that leads first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[SchedulerInfo]
    next_cursor: str | None


class OfferInfo(BaseModel):
    """A model that a provider offers for a capability."""

    capability: str
    model: str


class BreakerInfo(BaseModel):
    """The circuit breaker of one model in one phase. `until` ends a rest or a pause that was asked for."""

    model: str
    phase: str = Field(description="submission or completion")
    state: str = Field(description="closed, open or half_open")
    until: float | None
    because: str


class ProviderInfo(BaseModel):
    """A provider of the configs. A model without a breaker has not been asked lately."""

    name: str
    pool: str
    resource: str
    remote: bool
    max_running: int | None
    running: int = Field(description="Attempts it runs now.")
    offers: list[OfferInfo]
    breakers: list[BreakerInfo]


class ProviderList(BaseModel):
    """Providers by name. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[ProviderInfo]
    next_cursor: str | None


@router.get("/schedulers")
def list_schedulers(
    desk: AtDesk, caller: SignedIn, limit: Limit = 100, cursor: Cursor = None
) -> SchedulerList:
    """The scheduler processes that are here, and which of them leads. Needs an operator's key."""
    require_operator(caller, "see the schedulers")
    found = schedulers.list_schedulers(desk.hall)
    page, following = page_of(found, lambda scheduler: scheduler.name, limit, cursor)
    data = [SchedulerInfo.model_validate(asdict(scheduler)) for scheduler in page]
    return SchedulerList(data=data, next_cursor=following)


@router.get("/providers")
def list_providers(desk: AtDesk, caller: SignedIn, limit: Limit = 100, cursor: Cursor = None) -> ProviderList:
    """Every provider, what it offers and runs, and which of its models rest. Needs an operator's key."""
    require_operator(caller, "see the providers")
    page, following = page_of(
        providers.list_providers(desk.hall), lambda provider: provider.name, limit, cursor
    )
    return ProviderList(data=[_info(provider) for provider in page], next_cursor=following)


def _info(found: providers.ProviderView) -> ProviderInfo:
    return ProviderInfo(
        name=found.name,
        pool=found.pool,
        resource=found.resource,
        remote=found.remote,
        max_running=found.max_running,
        running=found.running,
        offers=[OfferInfo(capability=capability, model=model) for capability, model in found.offers],
        breakers=[BreakerInfo.model_validate(asdict(breaker)) for breaker in found.breakers],
    )
