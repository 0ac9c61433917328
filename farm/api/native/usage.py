"""What an account's keys did and spent; and codes that give credits."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from farm.api.desk import AtDesk, SignedIn
from farm.api.native.wire import Asked
from farm.api.routing import farm_router, rated
from farm.doors import audit, promos
from farm.doors import usage as door
from farm.errors import BadRequest
from farm.money import credits, month_start

router = farm_router("/farm/v1", "money")
Moment = Annotated[float | None, Query(ge=0, le=1e11, description="Unix seconds.")]


class KindUsageView(BaseModel):
    """Jobs of one kind."""

    kind: str
    jobs: int
    credits: float


class ModelUsageView(BaseModel):
    """Calls that a model served. `failovers`: of them, those that were moved from one provider to another."""

    model: str
    calls: int
    failovers: int


class KeyUsageView(BaseModel):
    """What one key did. `credits` was charged, `held` is what its open jobs hold."""

    key: str | None
    name: str
    jobs: int
    completed: int
    failed: int
    credits: float
    held: float
    failovers: int
    kinds: list[KindUsageView]
    models: list[ModelUsageView]

    @classmethod
    def of(cls, found: door.KeyUsage) -> "KeyUsageView":
        return cls(
            key=found.prefix,
            name=found.name,
            jobs=found.jobs,
            completed=found.completed,
            failed=found.failed,
            credits=credits(found.charged_mc),
            held=credits(found.held_mc),
            failovers=found.failovers,
            kinds=[
                KindUsageView(kind=name, jobs=one.jobs, credits=credits(one.charged_mc))
                for name, one in sorted(found.kinds.items())
            ],
            models=[
                ModelUsageView(model=name, calls=one.calls, failovers=one.failovers)
                for name, one in sorted(found.models.items())
            ],
        )


class UsageView(BaseModel):
    """Jobs that were submitted in that time, by key, the dearest first."""

    since: float
    until: float
    keys: list[KeyUsageView]


class PromoRequest(Asked):
    """A code, whatever its case."""

    code: str = Field(min_length=1, max_length=64, examples=["GEMINI2026"])


class PromoView(BaseModel):
    """What it gave."""

    code: str
    credits: float
    balance: float


@router.get("/usage")
def show_usage(desk: AtDesk, caller: SignedIn, since: Moment = None, until: Moment = None) -> UsageView:
    """Analytics by key: jobs, spend, models and failovers; of this month (UTC) unless it says otherwise."""
    now = desk.hall.clock.now()
    begin, end = month_start(now) if since is None else since, now if until is None else until
    if end < begin:
        raise BadRequest("until lies before since.", param="until")
    found = door.usage(desk.hall, caller.account.id, begin, end)
    return UsageView(since=begin, until=end, keys=[KeyUsageView.of(key) for key in found])


@router.post("/credits/promos", status_code=201, openapi_extra=rated("promos"))
def redeem_promo(body: PromoRequest, desk: AtDesk, caller: SignedIn) -> PromoView:
    """Redeem a code, once for each account."""
    done = promos.redeem(desk.hall, caller, body.code, who=audit.who_calls(caller))
    return PromoView(code=done.code, credits=credits(done.amount_mc), balance=credits(done.balance_mc))
