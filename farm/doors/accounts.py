"""Accounts and API keys: make them, recognise a caller."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from farm.account import Account, Caller
from farm.doors import audit
from farm.doors.hall import Hall
from farm.doors.key_use import note_use
from farm.doors.purse import open_ledger
from farm.errors import BadRequest, NotFound, NotSignedIn
from farm.money import month_of
from farm.secrets import NewKey, key_prefix
from farm.store.rows import AnyRow
from farm.store.schema import accounts, api_keys


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it may be listed: never its text."""

    id: int
    prefix: str
    name: str
    account: str
    tier: str
    is_operator: bool
    budget_mc: int | None
    spent_mc: int
    created_at: float
    revoked_at: float | None


_CALLER = select(
    api_keys.c.id.label("key_id"),
    api_keys.c.prefix,
    api_keys.c.mac,
    api_keys.c.is_operator,
    api_keys.c.revoked_at,
    api_keys.c.last_used_at,
    accounts.c.id,
    accounts.c.public_id,
    accounts.c.name,
    accounts.c.tier,
    accounts.c.balance_mc,
    accounts.c.max_running,
).join_from(api_keys, accounts)


def ensure_account(hall: Hall, name: str, tier: str, *, balance_mc: int | None = None) -> Account:
    """The account of that name, made when missing. An existing one keeps its tier and balance."""
    if not name.strip():
        raise BadRequest("An account needs a name.", param="account")
    hall.catalog.tier(tier)
    with hall.store.write() as connection:
        row = connection.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
        if row is None:
            values = {
                "public_id": hall.ids.public("acct"),
                "name": name,
                "tier": tier,
                "balance_mc": balance_mc,
                "created_at": hall.clock.now(),
            }
            row = connection.execute(insert(accounts).values(values).returning(accounts)).one()
            if balance_mc is not None:
                open_ledger(connection, row, hall.clock.now())
        return _account(row)


def create_key(
    hall: Hall,
    account: Account,
    *,
    name: str = "",
    is_operator: bool = False,
    budget_mc: int | None = None,
    who: str = "system",
) -> NewKey:
    """Make a key for the account. Its text is shown once, here. `who` makes it, for the audit log."""
    key = hall.secrets.new_key()
    with hall.store.write() as connection:
        connection.execute(
            insert(api_keys).values(
                account_id=account.id,
                name=name,
                prefix=key.prefix,
                mac=key.mac,
                sealed=key.sealed,
                is_operator=is_operator,
                budget_mc=budget_mc,
                created_at=hall.clock.now(),
            )
        )
        detail = {"account": account.name, "name": name, "operator": is_operator}
        audit.note(connection, hall, who, "key.create", key.prefix, detail)
    return key


def caller_of(hall: Hall, text: str) -> Caller:
    """Who holds this key. Raises NotSignedIn; a miss costs the same time as a hit."""
    mac = hall.secrets.mac(text)
    with hall.store.read() as connection:
        row = connection.execute(_CALLER.where(api_keys.c.prefix == key_prefix(text))).one_or_none()
    known = row.mac if row is not None else hall.secrets.mac("no such key")
    if not hall.secrets.equal(known, mac) or row is None or row.revoked_at is not None:
        raise NotSignedIn("This API key is not known, or it was revoked.")
    note_use(hall, row.key_id, row.last_used_at)
    return Caller(_account(row), row.key_id, row.prefix, row.is_operator)


def list_keys(hall: Hall, account_name: str | None = None) -> list[KeyView]:
    """All keys, or one account's, oldest first."""
    query = (
        select(api_keys, accounts.c.name.label("account"), accounts.c.tier)
        .join_from(api_keys, accounts)
        .order_by(api_keys.c.id)
    )
    if account_name is not None:
        query = query.where(accounts.c.name == account_name)
    with hall.store.read() as connection:
        return [_key(row, month_of(hall.clock.now())) for row in connection.execute(query)]


def revoke_key(hall: Hall, prefix: str, *, who: str = "system") -> None:
    """Refuse this key from now on. Raises NotFound."""
    with hall.store.write() as connection:
        done = connection.execute(
            update(api_keys)
            .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=hall.clock.now())
        )
        if done.rowcount == 0:
            raise NotFound(f"There is no live key {prefix!r}.", param="prefix")
        audit.note(connection, hall, who, "key.revoke", prefix)


def read_account(connection: Connection, account_id: int) -> Account:
    """The account of that id."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def _account(row: AnyRow) -> Account:
    return Account(row.id, row.public_id, row.name, row.tier, row.balance_mc, row.max_running)


def _key(row: AnyRow, month: str) -> KeyView:
    return KeyView(
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        account=row.account,
        tier=row.tier,
        is_operator=row.is_operator,
        budget_mc=row.budget_mc,
        spent_mc=row.spent_mc if row.spent_month == month else 0,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
