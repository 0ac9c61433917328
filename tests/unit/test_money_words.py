"""Money as people write and read it."""

from datetime import UTC, datetime

import pytest

from farm.cli.accounts import amount_mc
from farm.errors import BadRequest
from farm.money import credits_text, month_of, month_start


def test_credits_are_read_exactly() -> None:
    assert [amount_mc(text) for text in ("0", "7", "7.25", "0.001", "1e3")] == [0, 7_000, 7_250, 1, 1_000_000]


@pytest.mark.parametrize("text", ["", "x", "-1", "0.0001", "NaN", "Infinity", "1e30"])
def test_what_is_no_number_of_credits_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        amount_mc(text)


def test_credits_are_told_without_needless_zeros() -> None:
    said = [credits_text(amount) for amount in (0, 1, 2_000, 2_500, 1_000_000_500, -700)]
    assert said == ["0", "0.001", "2", "2.5", "1000000.5", "-0.7"]


def test_months_are_calendar_months_in_utc() -> None:
    last = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp()
    assert (month_of(last), month_of(last + 1)) == ("2026-11", "2026-12")
    assert month_start(last) == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
