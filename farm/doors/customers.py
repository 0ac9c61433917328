"""The operator's look at accounts, and what only an operator changes of them: tier and limit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select, update

from farm.doors import audit
from farm.doors.hall import Hall
from farm.doors.purse import allowance_mc
from farm.errors import BadRequest, NotFound
from farm.money import month_of
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import accounts, api_keys, lanes, tiers
from farm.store.turn import take_turn


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as an operator sees it. Money in milli-credits; `balance_mc` None: not metered.

    `max_running` is its own limit where it has one, else its tier's.
    """

    id: int
    public_id: str
    name: str
    tier: str
    max_running: int
    balance_mc: int | None
    spent_mc: int
    allowance_mc: int
    keys: int
    created_at: float
    own_limit: int | None


_KEYS = (
    select(func.count())
    .where(api_keys.c.account_id == accounts.c.id, api_keys.c.revoked_at.is_(None))
    .scalar_subquery()
)


def list_accounts(hall: Hall) -> Sequence[AccountView]:
    """Every account, by name."""
    with hall.store.read() as connection:
        rows = connection.execute(select(accounts, _KEYS.label("keys")).order_by(accounts.c.name)).all()
    return [_view(hall, row) for row in rows]


def find_account(hall: Hall, name: str) -> AccountView:
    """The account of that name or public id. Raises NotFound."""
    with hall.store.read() as connection:
        row = connection.execute(
            select(accounts, _KEYS.label("keys"))
            .where((accounts.c.name == name) | (accounts.c.public_id == name))
            .order_by(accounts.c.name != name)
        ).first()
    if row is None:
        raise NotFound(f"There is no account {name!r}.", param="account")
    return _view(hall, row)


def set_tier(hall: Hall, account: AccountView, tier: str, *, who: str = "system") -> None:
    """Move an account to another tier, with all that waits: share, cap and priority change at once.

    The new tier's allowance is granted at once where this month had none.
    """
    cap = account.own_limit or hall.catalog.tier(tier).max_running
    with hall.store.write() as connection:
        take_turn(connection)
        connection.execute(
            update(accounts).where(accounts.c.id == account.id).values(tier=tier, allowance_month="")
        )
        _move_lanes(connection, account.id, tier, cap)
        audit.note(connection, hall, who, "account.set_tier", account.name, {"tier": tier})
    hall.bell.ring()


def set_limit(hall: Hall, account: AccountView, limit: int | None, *, who: str = "system") -> None:
    """Let so many tasks of the account run at once in each pool; None: as many as its tier says.

    What runs goes on. Raises BadRequest.
    """
    if limit is not None and limit < 1:
        raise BadRequest("An account's limit is at least 1.", param="max_running")
    cap = limit or hall.catalog.tier(account.tier).max_running
    with hall.store.write() as connection:
        take_turn(connection)
        connection.execute(update(accounts).where(accounts.c.id == account.id).values(max_running=limit))
        connection.execute(
            update(lanes)
            .where(lanes.c.account_id == account.id)
            .values(cap=cap, open=and_(lanes.c.ready > 0, lanes.c.busy < cap))
        )
        audit.note(connection, hall, who, "account.set_limit", account.name, {"max_running": limit})
    hall.bell.ring()


def _move_lanes(connection: Connection, account_id: int, tier: str, cap: int) -> None:
    """Lanes join the new tier where its served ones are: virtual time is kept per tier."""
    mine = connection.execute(
        select(lanes.c.pool, lanes.c.resource).where(lanes.c.account_id == account_id, lanes.c.tier != tier)
    ).all()
    if not mine:
        return
    connection.execute(
        insert_ignore(connection, tiers),
        [
            {"pool": row.pool, "resource": row.resource, "tier": tier, "vtime": 0.0, "lane_vtime": 0.0}
            for row in mine
        ],
    )
    joins_at = (
        select(tiers.c.lane_vtime)
        .where(tiers.c.pool == lanes.c.pool, tiers.c.resource == lanes.c.resource, tiers.c.tier == tier)
        .scalar_subquery()
    )
    connection.execute(
        update(lanes)
        .where(lanes.c.account_id == account_id, lanes.c.tier != tier)
        .values(tier=tier, cap=cap, vtime=joins_at, open=and_(lanes.c.ready > 0, lanes.c.busy < cap))
    )


def _view(hall: Hall, row: AnyRow) -> AccountView:
    return AccountView(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        tier=row.tier,
        max_running=row.max_running or hall.catalog.tier(row.tier).max_running,
        balance_mc=row.balance_mc,
        spent_mc=row.spent_mc if row.spent_month == month_of(hall.clock.now()) else 0,
        allowance_mc=allowance_mc(hall, row.tier, row.allowance_mc),
        keys=row.keys,
        created_at=row.created_at,
        own_limit=row.max_running,
    )
