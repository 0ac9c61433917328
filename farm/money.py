"""Money is integer milli-credits, a thousand to the credit; surfaces render it as they promise."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

MILLI = 1000
MOST_CREDITS = 1_000_000_000  # in one entry, so that a typing error stays a typing error


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One part of a price: what for, and how much in milli-credits."""

    name: str
    amount_mc: int


def milli(credits: Decimal | int | str) -> int:
    """Credits to milli-credits, rounded half up. Takes no float: prices are exact."""
    return int((Decimal(credits) * MILLI).quantize(Decimal(1), ROUND_HALF_UP))


def credits(amount_mc: int) -> float:
    """Milli-credits as the number a JSON answer carries."""
    return amount_mc / MILLI


def month_start(unix_s: float) -> float:
    """When that month began, in Unix seconds."""
    then = datetime.fromtimestamp(unix_s, UTC)
    return datetime(then.year, then.month, 1, tzinfo=UTC).timestamp()


def month_of(unix_s: float) -> str:
    """The calendar month in UTC that budgets and allowances count by, as `2026-11`."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m")


def credits_text(amount_mc: int) -> str:
    """Milli-credits as credits for people: `1000000.5`, `2`."""
    text = f"{Decimal(amount_mc) / MILLI:.3f}"
    return text.rstrip("0").removesuffix(".")
