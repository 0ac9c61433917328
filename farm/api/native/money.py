"""What things cost, what the account has, where its credits went; and top-ups, for operators."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field, JsonValue

from farm.api.auth import may_operate
from farm.api.desk import AtDesk, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.native.jobs import asked_params
from farm.api.native.wire import Asked
from farm.api.routing import farm_router, submits
from farm.doors import audit, money, purse
from farm.errors import BadRequest, NotAllowed
from farm.job import JobSpec
from farm.money import MILLI, MOST_CREDITS, credits

router = farm_router("/farm/v1", "money")


class QuoteRequest(Asked):
    """A job as POST /farm/v1/jobs would take it."""

    kind: str = Field(examples=["media-render"], max_length=64)
    params: dict[str, JsonValue]


class PriceLineView(BaseModel):
    """One part of a price."""

    name: str
    credits: float
    milli_credits: int


class QuoteView(BaseModel):
    """What the job would hold, which is the most it can cost. `affordable`: by balance and budget, now."""

    kind: str
    credits: float
    milli_credits: int
    breakdown: list[PriceLineView]
    affordable: bool


class BudgetView(BaseModel):
    """The key's monthly budget, and what its jobs of this month hold or were charged."""

    credits: float
    spent: float


class CreditsView(BaseModel):
    """The account's credits. `balance` is what it may still spend, null when it is not metered.

    `held` is set aside for jobs that have not ended; `spent` was charged in `month` (UTC), and every month
    gives `monthly_allowance`.
    """

    account: str
    tier: str
    balance: float | None
    held: float
    spent: float
    month: str = Field(examples=["2026-11"])
    monthly_allowance: float
    budget: BudgetView | None


class EntryView(BaseModel):
    """One change of the balance. A job's `hold` is followed by one `settle` or one `release`."""

    id: int
    entry: str = Field(description="hold, settle, release, opening, topup, allowance or promo")
    credits: float
    milli_credits: int
    job_id: str | None
    reference: str | None
    created_at: float


class EntryPage(BaseModel):
    """Entries, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[EntryView]
    next_cursor: str | None


class TopUpRequest(Asked):
    """`reference` (a payment's id, say) adds its credits once, however often it is sent."""

    credits: float = Field(gt=0, le=MOST_CREDITS, description="With three decimals at most.")
    reference: str | None = Field(default=None, min_length=1, max_length=purse.LONGEST_REFERENCE)


class TopUpView(BaseModel):
    """What was added. `added` is false when this reference had added it before."""

    reference: str
    credits: float
    balance: float
    added: bool


@router.post("/quotes")
def create_quote(body: QuoteRequest, desk: AtDesk, caller: SignedIn) -> QuoteView:
    """Price a job without submitting it."""
    spec = JobSpec(params=asked_params(desk, body.kind, body.params, caller))
    found = money.quote(desk.hall, caller, spec)
    return QuoteView(
        kind=found.kind,
        credits=credits(found.price_mc),
        milli_credits=found.price_mc,
        breakdown=[
            PriceLineView(name=line.name, credits=credits(line.amount_mc), milli_credits=line.amount_mc)
            for line in found.lines
        ],
        affordable=found.affordable,
    )


@router.get("/credits")
def show_credits(desk: AtDesk, caller: SignedIn) -> CreditsView:
    """What the account has, and what its key may spend."""
    found = money.standing(desk.hall, caller.account.id)
    limit = money.budget(desk.hall, caller.key_id)
    return CreditsView(
        account=found.account,
        tier=found.tier,
        balance=None if found.balance_mc is None else credits(found.balance_mc),
        held=credits(found.held_mc),
        spent=credits(found.spent_mc),
        month=found.month,
        monthly_allowance=credits(found.allowance_mc),
        budget=limit and BudgetView(credits=credits(limit.budget_mc), spent=credits(limit.spent_mc)),
    )


@router.get("/credits/history")
def show_history(
    desk: AtDesk,
    caller: SignedIn,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before.")
    ] = None,
) -> EntryPage:
    """The account's ledger, newest first."""
    before = int(cursor) if cursor else None
    found = money.history(desk.hall, caller.account.id, before_id=before, limit=limit + 1)
    page = found[:limit]
    return EntryPage(
        data=[_entry(entry) for entry in page],
        next_cursor=str(page[-1].id) if len(found) > limit else None,
    )


@router.post("/accounts/{account_id}/topups", status_code=201, openapi_extra=submits("native"))
def create_top_up(
    account_id: Annotated[str, Path(max_length=64, examples=["acct_0123456789abcdefghjkmn"])],
    body: TopUpRequest,
    desk: AtDesk,
    caller: SignedIn,
    once: MadeOnce,
) -> TopUpView:
    """Add credits that were bought. Needs an operator's key, or the local account's."""
    if not may_operate(caller):
        raise NotAllowed("Only an operator's key may top accounts up.")
    amount_mc = whole_mc(body.credits)
    who = audit.who_calls(caller)
    done = purse.top_up(desk.hall, account_id, amount_mc, body.reference, once=once, who=who)
    return TopUpView(
        reference=done.reference,
        credits=credits(done.amount_mc),
        balance=credits(done.balance_mc),
        added=done.is_new,
    )


def whole_mc(amount: float, param: str = "credits") -> int:
    """Credits as JSON carries them, as exact milli-credits. Raises BadRequest below a thousandth."""
    amount_mc = round(amount * MILLI)
    if amount_mc / MILLI != amount:
        raise BadRequest(f"{param} has three decimals at most.", param=param)
    return amount_mc


def _entry(entry: money.Entry) -> EntryView:
    return EntryView(
        id=entry.id,
        entry=entry.entry,
        credits=credits(entry.amount_mc),
        milli_credits=entry.amount_mc,
        job_id=entry.job_id,
        reference=entry.reference,
        created_at=entry.created_at,
    )
