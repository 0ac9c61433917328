"""Account, and the identity behind a call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A customer. `balance_mc` is what it may still hold, in milli-credits; None = not metered.

    `max_running` is how many of its tasks may run at once in one pool; None = as its tier says.
    """

    id: int
    public_id: str
    name: str
    tier: str
    balance_mc: int | None
    max_running: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: an account, through one of its keys."""

    account: Account
    key_id: int
    key_prefix: str
    is_operator: bool = False
