"""What follows a failure."""

import pytest

from farm.catalog import read_catalog
from farm.errors import FailureClass
from farm.settings import Settings
from schedulers.retry import GiveUp, Retry, after_failure

RULES = read_catalog(Settings()).retry


def test_the_pause_doubles_up_to_its_limit() -> None:
    pauses = [after_failure(FailureClass.CAPACITY, n, RULES) for n in range(1, 6)]
    assert pauses == [Retry(5.0), Retry(10.0), Retry(20.0), Retry(40.0), Retry(80.0)]


@pytest.mark.parametrize(
    "failure",
    [FailureClass.INVALID_INPUT, FailureClass.POLICY, FailureClass.PROVIDER_AUTH, FailureClass.DEPENDENCY],
)
def test_what_fails_the_same_way_again_is_never_tried_again(failure: FailureClass) -> None:
    assert after_failure(failure, 1, RULES) == GiveUp()


@pytest.mark.parametrize("failure", list(FailureClass))
def test_every_class_has_a_rule_and_gives_up_in_the_end(failure: FailureClass) -> None:
    assert failure.value in RULES
    assert after_failure(failure, 100, RULES) == GiveUp()


def test_c065_a_second_round_gives_the_rules_attempts_again() -> None:
    most = RULES["transient"].max_attempts
    assert after_failure(FailureClass.TRANSIENT, most, RULES) == GiveUp()
    assert isinstance(after_failure(FailureClass.TRANSIENT, most, RULES, 2), Retry)
    assert isinstance(after_failure(FailureClass.TRANSIENT, 2 * most - 1, RULES, 2), Retry)
    assert after_failure(FailureClass.TRANSIENT, 2 * most, RULES, 2) == GiveUp()
    assert after_failure(FailureClass.INVALID_INPUT, 1, RULES, 2) == GiveUp()


def test_a_class_without_a_rule_is_given_up() -> None:
    assert after_failure(FailureClass.TRANSIENT, 1, {}) == GiveUp()
