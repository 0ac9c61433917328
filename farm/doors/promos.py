"""Redeems the codes of configs/prices.toml: credits for an account, once for each code."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from farm.account import Caller
from farm.doors import purse
from farm.doors.hall import Hall
from farm.errors import NotAllowed, NotFound
from farm.money import milli
from farm.store.schema import api_keys

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code gave, and what the account has now."""

    code: str
    amount_mc: int
    balance_mc: int


def redeem(hall: Hall, caller: Caller, code: str, *, who: str = "system") -> Redeemed:
    """Give the account the code's credits.

    Raises NotFound `promo_unknown`; NotAllowed `promo_over` after its last day or for a key that is too old;
    Conflict `promo_used` and `not_metered`.
    """
    name = code.strip().upper()
    promo = hall.catalog.promos.get(name)
    if promo is None or not promo.credits:
        raise NotFound("There is no such code.", param="code", code="promo_unknown")
    now = hall.clock.now()
    if promo.until is not None and datetime.fromtimestamp(now, UTC).date() > promo.until:
        raise NotAllowed("This code has had its time.", param="code", code="promo_over")
    if promo.new_key_days is not None and now - _made_at(hall, caller) > promo.new_key_days * _DAY_S:
        raise NotAllowed(
            f"This code is for keys of at most {promo.new_key_days:g} days.", param="code", code="promo_over"
        )
    amount_mc = milli(promo.credits)
    balance_mc = purse.gift(hall, caller.account.public_id, name, amount_mc, who=who)
    return Redeemed(name, amount_mc, balance_mc)


def _made_at(hall: Hall, caller: Caller) -> float:
    with hall.store.read() as connection:
        query = select(api_keys.c.created_at).where(api_keys.c.id == caller.key_id)
        return float(connection.execute(query).scalar_one())
