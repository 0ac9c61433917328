"""Accounts and API keys: for operators. Keys that may operate the farm are made on its own host only."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from farm.api.auth import OWNER_TIER, require_operator
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.native.money import BudgetView, whole_mc
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.wire import Asked
from farm.api.routing import farm_router
from farm.doors import accounts, audit, budgets, customers, purse
from farm.errors import BadRequest, NotAllowed, NotFound
from farm.money import MOST_CREDITS, credits

router = farm_router("/farm/v1", "operators")
AccountId = Annotated[str, Path(max_length=200, examples=["acct_0123456789abcdefghjkmn"])]
Prefix = Annotated[str, Path(max_length=64, examples=["farm_live_0a1b2c3d"])]
Tier = Annotated[str, Field(max_length=32, examples=["pro"])]
Credits = Annotated[float, Field(ge=0, le=MOST_CREDITS, description="With three decimals at most.")]


class AccountRequest(Asked):
    """A new account. Without `credits` it is not metered."""

    name: str = Field(min_length=1, max_length=200)
    tier: Tier = "free"
    credits: Credits | None = None


class AccountChange(Asked):
    """What is to change; whatever is not named stays.

    `monthly_allowance` null is what the tier gives, `max_running` null as many tasks at once as it lets run.
    """

    tier: Tier | None = None
    max_running: int | None = Field(default=None, ge=1, le=100_000, description="Tasks at once in each pool.")
    monthly_allowance: Credits | None = None


class CustomerView(BaseModel):
    """An account. `balance` is null when it is not metered; `spent` was charged this month (UTC)."""

    id: str
    name: str
    tier: str
    max_running: int = Field(description="Tasks at once in each pool: its own limit, or its tier's.")
    balance: float | None
    spent: float
    monthly_allowance: float
    keys: int = Field(description="That are not revoked.")
    created_at: float

    @classmethod
    def of(cls, found: customers.AccountView) -> "CustomerView":
        return cls(
            id=found.public_id,
            name=found.name,
            tier=found.tier,
            max_running=found.max_running,
            balance=None if found.balance_mc is None else credits(found.balance_mc),
            spent=credits(found.spent_mc),
            monthly_allowance=credits(found.allowance_mc),
            keys=found.keys,
            created_at=found.created_at,
        )


class CustomerPage(BaseModel):
    """Accounts by name. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[CustomerView]
    next_cursor: str | None


class KeyRequest(Asked):
    """A new key. `monthly_budget` is what it may spend in a calendar month (UTC)."""

    name: str = Field(default="", max_length=200, description="What the key is for.")
    monthly_budget: Credits | None = None


class KeyChange(Asked):
    """Null lifts the budget."""

    monthly_budget: Credits | None


class ApiKeyView(BaseModel):
    """An API key, never its text."""

    prefix: str
    name: str
    account: str
    is_operator: bool
    budget: BudgetView | None
    created_at: float
    revoked_at: float | None

    @classmethod
    def of(cls, key: accounts.KeyView) -> "ApiKeyView":
        limit, spent = key.budget_mc, credits(key.spent_mc)
        return cls(
            prefix=key.prefix,
            name=key.name,
            account=key.account,
            is_operator=key.is_operator,
            budget=None if limit is None else BudgetView(credits=credits(limit), spent=spent),
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )


class KeyPage(BaseModel):
    """Keys, oldest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[ApiKeyView]
    next_cursor: str | None


class KeyMade(BaseModel):
    """A new key with its text, which is not shown again."""

    key: str
    details: ApiKeyView


@router.get("/accounts")
def index(desk: AtDesk, caller: SignedIn, limit: Limit = 100, cursor: Cursor = None) -> CustomerPage:
    """Every account, by name. Needs an operator's key, or the local account's, as all of this does."""
    require_operator(caller, "see the accounts")
    found = customers.list_accounts(desk.hall)
    page, following = page_of(found, lambda account: account.public_id, limit, cursor)
    return CustomerPage(data=[CustomerView.of(account) for account in page], next_cursor=following)


@router.post("/accounts", status_code=201)
def create(body: AccountRequest, desk: AtDesk, caller: SignedIn) -> CustomerView:
    """Make an account; one of that name that is there already is answered as it is."""
    require_operator(caller, "make accounts")
    _require_tier(desk, body.tier)
    balance_mc = None if body.credits is None else whole_mc(body.credits)
    made = accounts.ensure_account(desk.hall, body.name, body.tier, balance_mc=balance_mc)
    return CustomerView.of(customers.find_account(desk.hall, made.public_id))


@router.get("/accounts/{account_id}")
def show(account_id: AccountId, desk: AtDesk, caller: SignedIn) -> CustomerView:
    """One account, by its id or name."""
    require_operator(caller, "see the accounts")
    return CustomerView.of(customers.find_account(desk.hall, account_id))


@router.patch("/accounts/{account_id}")
def change(account_id: AccountId, body: AccountChange, desk: AtDesk, caller: SignedIn) -> CustomerView:
    """Change an account's tier (with all that waits), its limit, or what it is given each month."""
    require_operator(caller, "change accounts")
    account = customers.find_account(desk.hall, account_id)
    who = audit.who_calls(caller)
    if body.tier is not None:
        _require_tier(desk, body.tier)
        customers.set_tier(desk.hall, account, body.tier, who=who)
    if "max_running" in body.model_fields_set:
        account = customers.find_account(desk.hall, account.public_id)
        customers.set_limit(desk.hall, account, body.max_running, who=who)
    if "monthly_allowance" in body.model_fields_set:
        amount = body.monthly_allowance
        amount_mc = None if amount is None else whole_mc(amount, "monthly_allowance")
        purse.set_allowance(desk.hall, account.public_id, amount_mc, who=who)
    return CustomerView.of(customers.find_account(desk.hall, account.public_id))


@router.get("/accounts/{account_id}/keys")
def list_keys(
    account_id: AccountId, desk: AtDesk, caller: SignedIn, limit: Limit = 100, cursor: Cursor = None
) -> KeyPage:
    """The account's keys, oldest first, with their budgets."""
    require_operator(caller, "see the keys")
    account = customers.find_account(desk.hall, account_id)
    found = accounts.list_keys(desk.hall, account.name)
    page, following = page_of(found, lambda key: key.prefix, limit, cursor)
    return KeyPage(data=[ApiKeyView.of(key) for key in page], next_cursor=following)


@router.post("/accounts/{account_id}/keys", status_code=201)
def create_key(account_id: AccountId, body: KeyRequest, desk: AtDesk, caller: SignedIn) -> KeyMade:
    """Make a key for an account. The answer tells its text, once."""
    require_operator(caller, "make keys")
    owner = customers.find_account(desk.hall, account_id)
    if owner.tier == OWNER_TIER:
        raise NotAllowed("A key that may operate the farm is made on its own host: farm keys create.")
    budget_mc = None if body.monthly_budget is None else whole_mc(body.monthly_budget, "monthly_budget")
    made = accounts.create_key(
        desk.hall,
        accounts.ensure_account(desk.hall, owner.name, owner.tier),
        name=body.name,
        budget_mc=budget_mc,
        who=audit.who_calls(caller),
    )
    return KeyMade(key=made.text, details=_key(desk, made.prefix))


@router.patch("/keys/{prefix}")
def change_key(prefix: Prefix, body: KeyChange, desk: AtDesk, caller: SignedIn) -> ApiKeyView:
    """Limit what a key may spend in a month; its account is told at 80 and at 100 percent."""
    require_operator(caller, "set budgets")
    budget_mc = None if body.monthly_budget is None else whole_mc(body.monthly_budget, "monthly_budget")
    budgets.set_budget(desk.hall, prefix, budget_mc, who=audit.who_calls(caller))
    return _key(desk, prefix)


@router.delete("/keys/{prefix}")
def revoke_key(prefix: Prefix, desk: AtDesk, caller: SignedIn) -> ApiKeyView:
    """Refuse a key from now on."""
    require_operator(caller, "revoke keys")
    accounts.revoke_key(desk.hall, prefix, who=audit.who_calls(caller))
    return _key(desk, prefix)


def _key(desk: Desk, prefix: str) -> ApiKeyView:
    for key in accounts.list_keys(desk.hall):
        if key.prefix == prefix:
            return ApiKeyView.of(key)
    raise NotFound(f"There is no key {prefix!r}.", param="prefix")


def _require_tier(desk: Desk, tier: str) -> None:
    """Raise unless accounts may be given this tier from afar: not the one whose keys operate the farm."""
    known = [name for name in desk.hall.catalog.tiers if name != OWNER_TIER]
    if tier not in known:
        raise BadRequest(f"There is no tier {tier!r}. Known: {', '.join(known)}.", param="tier")
