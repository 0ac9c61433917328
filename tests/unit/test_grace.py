"""When leases may be judged."""

import pytest

from farm.catalog import read_catalog
from farm.settings import Settings
from schedulers.grace import Grace

RULES = read_catalog(Settings()).scheduling
LONG_S = RULES.lease_s
NOW = 1_000_000.0


@pytest.fixture
def grace() -> Grace:
    return Grace(RULES)


def test_turns_that_come_in_good_time_judge_at_once(grace: Grace) -> None:
    for number in range(100):
        grace.turn(float(number), NOW + number)
        assert grace.is_over(NOW + number)


def test_after_a_standstill_the_workers_have_a_lease_to_come_back(grace: Grace) -> None:
    grace.turn(0.0, NOW)
    grace.turn(LONG_S, NOW + LONG_S)
    assert not grace.is_over(NOW + LONG_S)
    assert not grace.is_over(NOW + LONG_S + RULES.lease_s - 0.1)
    assert grace.is_over(NOW + LONG_S + RULES.lease_s)


def test_turns_that_are_always_slow_judge_all_the_same(grace: Grace) -> None:
    judged = 0
    for number in range(100):
        grace.turn(number * LONG_S, NOW + number * LONG_S)
        judged += grace.is_over(NOW + number * LONG_S)
    assert judged >= 15


def test_a_standstill_during_a_grace_is_one_of_its_own(grace: Grace) -> None:
    """A turn that was late under load just before made the scheduler judge right after a standstill."""
    grace.turn(0.0, NOW)
    grace.turn(LONG_S, NOW + LONG_S)
    grace.turn(5 * LONG_S, NOW + 5 * LONG_S)
    assert not grace.is_over(NOW + 5 * LONG_S)


def test_a_clock_set_back_does_not_hold_it_for_long(grace: Grace) -> None:
    grace.give(NOW)
    assert not grace.is_over(NOW + 1)
    assert grace.is_over(NOW - 3600)
