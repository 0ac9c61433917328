"""What moves an account's balance besides its jobs' ends: opening, hold, top-up and monthly allowance.

Every change of a balance and its ledger entry are one transaction, the account's row first: so the balance of
a metered account is always the sum of its ledger's amounts, and two changes at once wait instead of locking
each other out.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from farm.account import Account
from farm.doors import audit
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.errors import BadRequest, Conflict, InsufficientCredits, NotFound
from farm.money import credits_text, milli, month_of
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import accounts, jobs, ledger

_GRANTS_AT_ONCE = 200
PROMO_REFERENCE = "promo:"
JOB_REFERENCE = "job:"  # what the entries of a job that was pruned keep of it
LONGEST_REFERENCE = 100


@dataclass(frozen=True, slots=True)
class TopUp:
    """Credits that were added. `is_new` is false when this reference had added them before."""

    reference: str
    amount_mc: int
    balance_mc: int
    is_new: bool


def hold(hall: Hall, connection: Connection, account: Account, amount_mc: int, now: float) -> None:
    """Take the credits of a job from the account. Raises InsufficientCredits.

    An allowance that the scheduler has not granted yet is granted first, when only that is missing.
    """
    if account.balance_mc is None or amount_mc == 0 or _take(connection, account.id, amount_mc):
        return
    granted = grant_allowances(hall, connection, now, account_id=account.id)
    if not granted or not _take(connection, account.id, amount_mc):
        left = connection.scalar(select(accounts.c.balance_mc).where(accounts.c.id == account.id)) or 0
        raise InsufficientCredits(
            f"This needs {credits_text(amount_mc)} credits, and the account has {credits_text(left)} left."
        )


def open_ledger(connection: Connection, account: AnyRow, now: float) -> None:
    """Note where a metered account's balance comes from, as far as its ledger does not tell."""
    known = connection.scalar(
        select(func.coalesce(func.sum(ledger.c.amount_mc), 0)).where(ledger.c.account_id == account.id)
    )
    connection.execute(
        insert(ledger).values(
            account_id=account.id,
            reference=f"opening:{account.public_id}",
            entry="opening",
            amount_mc=account.balance_mc - int(known or 0),
            created_at=now,
        )
    )


def top_up(
    hall: Hall,
    public_id: str,
    amount_mc: int,
    reference: str | None = None,
    *,
    once: Ticket | None = None,
    who: str = "system",
) -> TopUp:
    """Add credits that were bought, once per `reference` (of a payment, say) and account, or per ticket.

    Raises NotFound, Conflict `not_metered`, and Conflict `reference_used` when it stands for another amount.
    """
    _check_top_up(amount_mc, reference)
    with hall.store.write() as connection:
        if reference is None:
            reference = already_made(connection, once) or hall.ids.public("topup")
            note_made(connection, once, reference)
        account = _metered(connection, public_id)
        name = f"topup:{public_id}:{reference}"
        is_new = _enter(connection, account.id, name, "topup", amount_mc, hall.clock.now())
        if not is_new:
            _require_same(connection, name, amount_mc)
        balance = _add(connection, account.id, amount_mc if is_new else 0)
        if is_new:
            detail = {"milli_credits": amount_mc, "reference": reference}
            audit.note(connection, hall, who, "account.topup", account.name, detail)
    return TopUp(reference, amount_mc, balance, is_new)


def gift(hall: Hall, public_id: str, name: str, amount_mc: int, *, who: str) -> int:
    """Add credits that were given under a name, once. Returns the balance.

    Raises NotFound, Conflict `not_metered`, and Conflict `promo_used`.
    """
    with hall.store.write() as connection:
        account = _metered(connection, public_id)
        reference = f"{PROMO_REFERENCE}{name}:{public_id}"
        if not _enter(connection, account.id, reference, "promo", amount_mc, hall.clock.now()):
            raise Conflict("This account has had that code's credits.", param="code", code="promo_used")
        audit.note(
            connection, hall, who, "account.promo", account.name, {"milli_credits": amount_mc, "code": name}
        )
        return _add(connection, account.id, amount_mc)


def meter(hall: Hall, public_id: str, balance_mc: int, *, who: str = "system") -> None:
    """Let an account that was not metered pay from now on, with this balance.

    What its open jobs hold is taken from it, for their ends give it back. Raises NotFound, Conflict.
    """
    with hall.store.write() as connection:
        account = _locked(connection, public_id)
        if account.balance_mc is not None:
            raise Conflict("The account is metered already; top it up.", code="already_metered")
        rest = balance_mc - held_mc(connection, account.id)
        if rest < 0:
            raise Conflict("The account's open jobs hold more than that.", code="insufficient_credits")
        row = connection.execute(
            update(accounts).where(accounts.c.id == account.id).values(balance_mc=rest).returning(accounts)
        ).one()
        open_ledger(connection, row, hall.clock.now())
        audit.note(connection, hall, who, "account.meter", account.name, {"milli_credits": balance_mc})


def set_allowance(hall: Hall, public_id: str, amount_mc: int | None, *, who: str = "system") -> None:
    """What the account is given each month; None is what its tier gives. Raises NotFound, BadRequest.

    A month that had none gets it at once; one that has been granted keeps what it got.
    """
    if amount_mc is not None and amount_mc < 0:
        raise BadRequest("An allowance is 0 or more.", param="credits")
    with hall.store.write() as connection:
        account = _locked(connection, public_id)
        connection.execute(
            update(accounts)
            .where(accounts.c.id == account.id)
            .values(allowance_mc=amount_mc, allowance_month="")
        )
        detail = {"milli_credits": amount_mc}
        audit.note(connection, hall, who, "account.set_allowance", account.name, detail)
    hall.bell.ring()


def grant_allowances(hall: Hall, connection: Connection, now: float, *, account_id: int | None = None) -> int:
    """Give this month's allowance to metered accounts that have not had it. Returns how many got one."""
    month = month_of(now)
    due = (
        select(accounts.c.id, accounts.c.public_id, accounts.c.tier, accounts.c.allowance_mc)
        .where(accounts.c.balance_mc.is_not(None), accounts.c.allowance_month < month)
        .order_by(accounts.c.allowance_month)  # as its index is: by id every account would be read
        .limit(_GRANTS_AT_ONCE)
    )
    if account_id is not None:
        due = due.where(accounts.c.id == account_id)
    return sum(_grant(hall, connection, row, month, now) for row in connection.execute(due).all())


def allowance_mc(hall: Hall, tier: str, own_mc: int | None) -> int:
    """What an account is given each month: its own allowance, or its tier's."""
    if own_mc is not None:
        return own_mc
    found = hall.catalog.tiers.get(tier)
    return milli(found.monthly_credits) if found is not None else 0


def held_mc(connection: Connection, account_id: int) -> int:
    """What the account's open jobs hold."""
    query = select(func.coalesce(func.sum(jobs.c.held_mc), 0)).where(
        jobs.c.account_id == account_id, jobs.c.ended_at.is_(None)
    )
    return int(connection.scalar(query) or 0)


def _grant(hall: Hall, connection: Connection, row: AnyRow, month: str, now: float) -> bool:
    """One account's allowance. Its row is taken first, so that two who grant take turns."""
    mine = connection.execute(
        update(accounts)
        .where(accounts.c.id == row.id, accounts.c.allowance_month < month)
        .values(allowance_month=month)
    )
    amount_mc = allowance_mc(hall, row.tier, row.allowance_mc)
    if mine.rowcount == 0 or amount_mc == 0:
        return False
    reference = f"allowance:{month}:{row.public_id}"
    if not _enter(connection, row.id, reference, "allowance", amount_mc, now):
        return False  # granted before its amount was changed
    _add(connection, row.id, amount_mc)
    return True


def _take(connection: Connection, account_id: int, amount_mc: int) -> bool:
    held = connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id, accounts.c.balance_mc >= amount_mc)
        .values(balance_mc=accounts.c.balance_mc - amount_mc)
    )
    return held.rowcount == 1


def _add(connection: Connection, account_id: int, amount_mc: int) -> int:
    """Change a metered account's balance. Returns the new one."""
    balance_mc: int = connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(balance_mc=accounts.c.balance_mc + amount_mc)
        .returning(accounts.c.balance_mc)
    ).scalar_one()
    return balance_mc


def _enter(
    connection: Connection, account_id: int, reference: str, entry: str, amount_mc: int, now: float
) -> bool:
    """Write a ledger entry of its own reference. False when there is one already."""
    row = {
        "account_id": account_id,
        "reference": reference,
        "entry": entry,
        "amount_mc": amount_mc,
        "created_at": now,
    }
    written = insert_ignore(connection, ledger).values(row).returning(ledger.c.id)
    return connection.scalar(written) is not None


def _require_same(connection: Connection, reference: str, amount_mc: int) -> None:
    before = connection.scalar(select(ledger.c.amount_mc).where(ledger.c.reference == reference))
    if before != amount_mc:
        raise Conflict(
            f"This reference has added {credits_text(before or 0)} credits before.",
            param="reference",
            code="reference_used",
        )


def _check_top_up(amount_mc: int, reference: str | None) -> None:
    if amount_mc <= 0:
        raise BadRequest("A top-up is more than 0 credits.", param="credits")
    if reference is not None and not 0 < len(reference) <= LONGEST_REFERENCE:
        raise BadRequest(f"A reference has 1 to {LONGEST_REFERENCE} characters.", param="reference")


def _metered(connection: Connection, public_id: str) -> AnyRow:
    account = _locked(connection, public_id)
    if account.balance_mc is None:
        raise Conflict("The account is not metered: it pays nothing.", code="not_metered")
    return account


def _locked(connection: Connection, public_id: str) -> AnyRow:
    row = connection.execute(
        select(accounts).where(accounts.c.public_id == public_id).with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no account {public_id!r}.", param="account")
    return row
