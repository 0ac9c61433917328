"""An account's own API keys: list them, make one, revoke one. Operators' keys are theirs alone to handle."""

from dataclasses import dataclass

from sqlalchemy import false, or_, select, update

from farm.account import Caller
from farm.doors import audit
from farm.doors.accounts import create_key
from farm.doors.hall import Hall
from farm.errors import Conflict, NotAllowed, NotFound
from farm.secrets import NewKey
from farm.store.rows import AnyRow
from farm.store.schema import api_keys


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key as its account may see it. Times are Unix seconds; `last_used_at` is true to the minute."""

    id: int
    prefix: str
    name: str
    created_at: float
    last_used_at: float | None
    is_active: bool


def list_own_keys(hall: Hall, account_id: int) -> list[OwnKey]:
    """All that the account ever had, oldest first."""
    query = select(api_keys).where(api_keys.c.account_id == account_id).order_by(api_keys.c.id)
    with hall.store.read() as connection:
        return [_key(row) for row in connection.execute(query)]


def create_own_key(hall: Hall, caller: Caller, name: str, most: int) -> tuple[NewKey, OwnKey]:
    """A key with the caller's own rights; its text is shown once, here.

    Raises Conflict beyond `most`, and NotAllowed for a key with a budget: another would be a way around it.
    """
    _require_no_budget(hall, caller.key_id)
    active = [key for key in list_own_keys(hall, caller.account.id) if key.is_active]
    if len(active) >= most:
        raise Conflict(f"An account may have {most} keys; revoke one first.", param="name")
    new = create_key(
        hall, caller.account, name=name, is_operator=caller.is_operator, who=audit.who_calls(caller)
    )
    return new, next(key for key in list_own_keys(hall, caller.account.id) if key.prefix == new.prefix)


def revoke_own_key(hall: Hall, caller: Caller, key_id: int) -> None:
    """Refuse it from now on. Raises NotFound, also for another account's and for an operator's key."""
    mine = api_keys.c.account_id == caller.account.id
    known = api_keys.c.id == key_id if key_id.bit_length() < 64 else false()
    allowed = or_(api_keys.c.is_operator.is_(False), api_keys.c.is_operator.is_(caller.is_operator))
    with hall.store.write() as connection:
        gone = (
            update(api_keys)
            .where(known, mine, allowed, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=hall.clock.now())
        )
        row = connection.execute(gone.returning(api_keys.c.prefix)).one_or_none()
        if row is None:
            raise NotFound("You have no such key, or it was revoked before.", param="id")
        audit.note(connection, hall, audit.who_calls(caller), "key.revoke", row.prefix)


def _require_no_budget(hall: Hall, key_id: int) -> None:
    with hall.store.read() as connection:
        budget_mc = connection.scalar(select(api_keys.c.budget_mc).where(api_keys.c.id == key_id))
    if budget_mc is not None:
        raise NotAllowed("This key has a budget of its own; make keys with one that has none.")


def _key(row: AnyRow) -> OwnKey:
    return OwnKey(
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        is_active=row.revoked_at is None,
    )
