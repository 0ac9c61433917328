"""Looks at money and moves none: what a job would cost, what an account has, where its credits went."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from farm.account import Caller
from farm.catalog import Catalog
from farm.doors.hall import Hall
from farm.doors.purse import JOB_REFERENCE, PROMO_REFERENCE, allowance_mc, held_mc
from farm.errors import NotFound
from farm.job import JobSpec
from farm.kinds import Params, kind_named
from farm.money import PriceLine, month_of
from farm.store.rows import AnyRow
from farm.store.schema import accounts, api_keys, jobs, ledger


@dataclass(frozen=True, slots=True)
class Quote:
    """What a job would hold at submit. `lines` sum to it. `affordable`: by balance and budget, now."""

    kind: str
    price_mc: int
    lines: Sequence[PriceLine]
    affordable: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """A key's monthly budget, and what its jobs of this month hold or were charged."""

    budget_mc: int
    spent_mc: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's money. `balance_mc` is what it may still hold; None: it is not metered.

    `spent_mc` was charged in `month` (UTC); `allowance_mc` is what every month gives.
    """

    account: str
    tier: str
    balance_mc: int | None
    held_mc: int
    spent_mc: int
    allowance_mc: int
    month: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the balance, in milli-credits; `job_id` for hold, settle and release."""

    id: int
    entry: str
    amount_mc: int
    job_id: str | None
    reference: str | None
    created_at: float


def price_lines(params: Params, catalog: Catalog) -> Sequence[PriceLine]:
    """What a price is made of; its one line is `job` where the kind does not say."""
    kind = kind_named(params.kind)
    if kind.breakdown is None:
        return [PriceLine("job", kind.price_mc(params, catalog))]
    return kind.breakdown(params, catalog)


def quote(hall: Hall, caller: Caller, spec: JobSpec) -> Quote:
    """Price a job without submitting it. Raises BadRequest where its plan cannot be made."""
    kind = kind_named(spec.params.kind)
    kind.plan(spec.params)
    price_mc = kind.price_mc(spec.params, hall.catalog)
    with hall.store.read() as connection:
        balance_mc = _account(connection, caller.account.id).balance_mc
        limit = _budget(connection, caller.key_id, month_of(hall.clock.now()))
    fits = limit is None or price_mc == 0 or limit.spent_mc + price_mc <= limit.budget_mc
    affordable = fits and (balance_mc is None or price_mc <= balance_mc)
    return Quote(kind.name, price_mc, price_lines(spec.params, hall.catalog), affordable)


def standing(hall: Hall, account_id: int) -> Standing:
    """How an account stands."""
    month = month_of(hall.clock.now())
    with hall.store.read() as connection:
        row = _account(connection, account_id)
        held = held_mc(connection, account_id)
    return Standing(
        account=row.public_id,
        tier=row.tier,
        balance_mc=row.balance_mc,
        held_mc=held,
        spent_mc=row.spent_mc if row.spent_month == month else 0,
        allowance_mc=allowance_mc(hall, row.tier, row.allowance_mc),
        month=month,
    )


def budget(hall: Hall, key_id: int) -> Budget | None:
    """A key's budget this month, if it has one."""
    with hall.store.read() as connection:
        return _budget(connection, key_id, month_of(hall.clock.now()))


def history(hall: Hall, account_id: int, *, before_id: int | None = None, limit: int = 50) -> list[Entry]:
    """The account's ledger, newest first. `before_id` continues after the last one of a page."""
    query = (
        select(ledger, jobs.c.id.label("job_id"))
        .select_from(ledger)
        .join(jobs, jobs.c.seq == ledger.c.job_seq, isouter=True)
        .where(ledger.c.account_id == account_id)
        .order_by(ledger.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(ledger.c.id < before_id)
    with hall.store.read() as connection:
        return [
            Entry(row.id, row.entry, row.amount_mc, _job_id(row), _said(row.reference), row.created_at)
            for row in connection.execute(query)
        ]


def _job_id(row: AnyRow) -> str | None:
    """The job of a ledger entry, which outlives it."""
    if row.job_id is None and row.reference is not None and row.reference.startswith(JOB_REFERENCE):
        return str(row.reference.removeprefix(JOB_REFERENCE))
    found: str | None = row.job_id
    return found


def _said(reference: str | None) -> str | None:
    """A reference as its giver wrote it: `topup:acct_…:invoice 7` is `invoice 7`, `promo:CODE:…` the code."""
    if reference is not None and reference.startswith(PROMO_REFERENCE):
        return reference.split(":", 2)[1]
    if reference is None or not reference.startswith("topup:"):
        return None
    return reference.split(":", 2)[2]


def _account(connection: Connection, account_id: int) -> AnyRow:
    row = connection.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such account.", param="account")
    return row


def _budget(connection: Connection, key_id: int, month: str) -> Budget | None:
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one()
    if row.budget_mc is None:
        return None
    return Budget(row.budget_mc, row.spent_mc if row.spent_month == month else 0)
