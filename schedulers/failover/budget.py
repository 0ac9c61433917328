"""How many second attempts an account may cost, as a share of its requests. Pure.

Without it an outage multiplies the load on everything that still works.
"""

from dataclasses import dataclass

from farm.offers import FailoverRules

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """`saved` is how many retries the account may make, as of `at` (Unix seconds)."""

    saved: float
    at: float


def fresh(now: float, rules: FailoverRules) -> RetryBudget:
    """An account's first: what it may make in an hour in any case."""
    return RetryBudget(rules.retries_per_hour, now)


def requested(budget: RetryBudget, now: float, rules: FailoverRules) -> RetryBudget:
    """A request was made, which earns its share of a retry."""
    return RetryBudget(min(rules.retries_saved, _grown(budget, now, rules) + rules.retry_share), now)


def spent(budget: RetryBudget, now: float, rules: FailoverRules) -> RetryBudget | None:
    """The budget after one retry, or None when there is none left to make."""
    saved = _grown(budget, now, rules)
    return RetryBudget(saved - 1.0, now) if saved >= 1.0 else None


def _grown(budget: RetryBudget, now: float, rules: FailoverRules) -> float:
    """With time it grows back to an hour's worth, never beyond that."""
    most = max(budget.saved, rules.retries_per_hour)
    return min(most, budget.saved + max(0.0, now - budget.at) * rules.retries_per_hour / _HOUR_S)
