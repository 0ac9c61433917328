"""Money is integer milli-credits, a thousand to the credit; surfaces render it as they promise."""

from decimal import ROUND_HALF_UP, Decimal

MILLI = 1000


def milli(credits: Decimal | int | str) -> int:
    """Credits to milli-credits, rounded half up. Takes no float: prices are exact."""
    return int((Decimal(credits) * MILLI).quantize(Decimal(1), ROUND_HALF_UP))


def credits(amount_mc: int) -> float:
    """Milli-credits as the number a JSON answer carries."""
    return amount_mc / MILLI
