"""Accounts and API keys: make them, recognise a caller."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from farm.account import Account, Caller
from farm.doors.hall import Hall
from farm.errors import BadRequest, NotFound, NotSignedIn
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
    created_at: float
    revoked_at: float | None


_CALLER = select(
    api_keys.c.id.label("key_id"),
    api_keys.c.prefix,
    api_keys.c.mac,
    api_keys.c.is_operator,
    api_keys.c.revoked_at,
    accounts.c.id,
    accounts.c.public_id,
    accounts.c.name,
    accounts.c.tier,
    accounts.c.balance_mc,
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
        return _account(row)


def create_key(hall: Hall, account: Account, *, name: str = "", is_operator: bool = False) -> NewKey:
    """Make a key for the account. Its text is shown once, here."""
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
                created_at=hall.clock.now(),
            )
        )
    return key


def caller_of(hall: Hall, text: str) -> Caller:
    """Who holds this key. Raises NotSignedIn; a miss costs the same time as a hit."""
    mac = hall.secrets.mac(text)
    with hall.store.read() as connection:
        row = connection.execute(_CALLER.where(api_keys.c.prefix == key_prefix(text))).one_or_none()
    known = row.mac if row is not None else hall.secrets.mac("no such key")
    if not hall.secrets.equal(known, mac) or row is None or row.revoked_at is not None:
        raise NotSignedIn("This API key is not known, or it was revoked.")
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
        return [
            KeyView(r.id, r.prefix, r.name, r.account, r.tier, r.is_operator, r.created_at, r.revoked_at)
            for r in connection.execute(query)
        ]


def revoke_key(hall: Hall, prefix: str) -> None:
    """Refuse this key from now on. Raises NotFound."""
    with hall.store.write() as connection:
        done = connection.execute(
            update(api_keys)
            .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=hall.clock.now())
        )
        if done.rowcount == 0:
            raise NotFound(f"There is no live key {prefix!r}.", param="prefix")


def read_account(connection: Connection, account_id: int) -> Account:
    """The account of that id."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def _account(row: AnyRow) -> Account:
    return Account(row.id, row.public_id, row.name, row.tier, row.balance_mc)
