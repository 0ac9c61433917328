"""Decides what follows a failed attempt. Pure: no clock, no store, no broker."""

from collections.abc import Mapping
from dataclasses import dataclass

from farm.errors import FailureClass
from farm.rules.running import RetryRule

_STRICTEST = RetryRule(max_attempts=1, backoff_s=0.0, backoff_max_s=0.0)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `pause_s`."""

    pause_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The task has failed for good, `because`."""

    because: str = ""


def after_failure(
    failure: FailureClass, attempts: int, rules: Mapping[str, RetryRule], rounds: int = 1
) -> Retry | GiveUp:
    """What follows the `attempts`-th attempt's failure. A class without a rule is never tried again.

    `rounds` is how often over the attempts of its rule are given; what fails the same way again gets none.
    """
    rule = rules.get(failure.value, _STRICTEST)
    if rule.max_attempts == 1 or attempts >= rule.max_attempts * rounds:
        return GiveUp()
    return Retry(min(rule.backoff_max_s, rule.backoff_s * 2.0 ** (attempts - 1)))
