"""Decides what follows a failed attempt at a provider. Pure: no clock, no store, no broker.

One table says for each class of failure whether the same provider is asked again, whether another may be,
and what it tells of the provider. Nothing that may have been bought is ever bought elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from farm.breaker import Verdict
from farm.choices import Choice, Skipped
from farm.errors import FailureClass
from farm.offers import FailoverRules
from farm.providers import Candidate
from farm.rules.running import RetryRule
from schedulers.failover.choosing import View, first_free
from schedulers.retry import GiveUp, Retry

# A broken connection of which no performer said what it means: it may have carried the purchase before.
_BROKEN = "network"
CONNECTION_CODES = frozenset({_BROKEN, "connection"})


@dataclass(frozen=True, slots=True)
class Follows:
    """What follows a class of failure.

    `same` is how often the same provider is asked again at once; `other` whether another may be. `is_free`:
    not the provider's doing, or no new call, so it costs neither the task nor the account one.
    """

    same: int
    other: bool
    verdict: Verdict
    is_free: bool = False
    is_final: bool = False


_FINAL = Follows(0, False, Verdict.NEUTRAL, is_final=True)
TABLE: Mapping[FailureClass, Follows] = {
    FailureClass.TRANSIENT: Follows(1, True, Verdict.FAILED),
    FailureClass.CAPACITY: Follows(0, True, Verdict.BUSY),
    FailureClass.OOM: Follows(1, True, Verdict.NEUTRAL),
    FailureClass.TIMEOUT: Follows(0, True, Verdict.FAILED),
    FailureClass.NO_PROGRESS: Follows(0, True, Verdict.FAILED),
    FailureClass.AMBIGUOUS: Follows(0, True, Verdict.FAILED, is_free=True),
    FailureClass.PROVIDER_AUTH: Follows(0, True, Verdict.REFUSED),
    FailureClass.UNSUPPORTED: Follows(0, True, Verdict.NEUTRAL),
    FailureClass.CORRUPT_OUTPUT: Follows(1, True, Verdict.FAILED),
    FailureClass.INTERNAL: Follows(1, True, Verdict.FAILED),
    FailureClass.CRASH: Follows(1, True, Verdict.NEUTRAL),
    FailureClass.LOST: Follows(9, False, Verdict.NEUTRAL, is_free=True),
    FailureClass.DISK_FULL: Follows(9, False, Verdict.NEUTRAL, is_free=True),
    FailureClass.INVALID_INPUT: _FINAL,
    FailureClass.POLICY: _FINAL,
    FailureClass.DEPENDENCY: _FINAL,
}
# Said by a provider that was reached, or by one that never was: nothing was bought.
_NOTHING_BOUGHT = frozenset(
    {
        FailureClass.TRANSIENT,
        FailureClass.CAPACITY,
        FailureClass.PROVIDER_AUTH,
        FailureClass.UNSUPPORTED,
        FailureClass.INVALID_INPUT,
        FailureClass.POLICY,
        FailureClass.DEPENDENCY,
    }
)
# After these a purchase is over: what it brought is of no use, or will never be handed out.
_SPENT = frozenset(
    {
        FailureClass.CORRUPT_OUTPUT,
        FailureClass.PROVIDER_AUTH,
        FailureClass.UNSUPPORTED,
        FailureClass.INVALID_INPUT,
        FailureClass.POLICY,
        FailureClass.DEPENDENCY,
    }
)


class Because(StrEnum):
    """Why a task was given up, for its reader."""

    FINAL = "another attempt would fail the same way"
    ATTEMPTS = "its attempts are used up"
    BUDGET = "the account's share of retries is used up"
    DOUBT = "the provider may have done the work, so that nobody else may be asked"
    NOBODY = "no other provider may be asked"
    DEADLINE = "the pause that the provider asked for ends after the deadline"


@dataclass(frozen=True, slots=True)
class Failover:
    """Ask another candidate, for `why`."""

    to: Candidate
    why: str
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt of the task that failed or was lost."""

    provider: str
    model: str
    failure: FailureClass


@dataclass(frozen=True, slots=True)
class Case:
    """A failed attempt and what is known about its task.

    `choice` is where the attempt was, already carried past it (see `carried`); `tried` are all failed
    attempts of the task, this one included; `views` are ordered. `may_retry`: the account's budget allows it.
    `left_s` is the time to the deadline.
    """

    failure: FailureClass
    choice: Choice
    tried: Sequence[Tried]
    views: Sequence[View]
    may_retry: bool = True
    retry_after_s: float | None = None
    left_s: float | None = None
    rounds: int = 1

    @property
    def here(self) -> int:
        """How often the task failed in this way with this candidate."""
        return sum((t.provider, t.model, t.failure) == (*self.choice.key, self.failure) for t in self.tried)

    @property
    def calls(self) -> int:
        """Failed attempts that count against the task."""
        return sum(not TABLE[t.failure].is_free for t in self.tried)

    @property
    def is_reachable(self) -> bool:
        """Whether the candidate's own breaker lets another call through."""
        return any(view.key == self.choice.key and view.gate.is_open for view in self.views)


def carried(
    choice: Choice,
    failure: FailureClass | None,
    *,
    code: str = "",
    provider_ref: str | None,
    dropped: bool,
    is_remote: bool,
    has_run: bool,
) -> Choice:
    """What the next attempt must know of what this one bought, or may have. None: it was given back.

    `code` is the failure's. A `dropped` purchase failed at the provider or was called off; nothing will come
    of it.
    """
    if dropped or (failure in _SPENT and provider_ref is not None) or failure is FailureClass.CORRUPT_OUTPUT:
        return _bought(choice, purchase=choice.purchase + 1)
    if provider_ref is not None:
        return _bought(choice, provider_ref=provider_ref)
    if not is_remote or (failure in _NOTHING_BOUGHT and code != _BROKEN):
        return _bought(choice)
    return _bought(choice, in_doubt=choice.in_doubt or has_run)


def after_failure(
    case: Case, rules: FailoverRules, retry: Mapping[str, RetryRule]
) -> Retry | Failover | GiveUp:
    """What follows: the same provider, another one, or the end."""
    follows = TABLE[case.failure]
    if follows.is_final:
        return GiveUp(Because.FINAL)
    if case.choice.is_bound:
        return _again(case, retry) or GiveUp(Because.DOUBT)
    if case.calls >= rules.max_attempts * case.rounds:
        return GiveUp(Because.ATTEMPTS)
    if not (case.may_retry or follows.is_free):
        return GiveUp(Because.BUDGET)
    if case.failure is FailureClass.CAPACITY:
        return _busy(case, rules, retry)
    if case.here <= follows.same and case.is_reachable and (again := _again(case, retry)):
        return again
    return _elsewhere(case, follows) or _again(case, retry) or _later(case, follows) or GiveUp(Because.NOBODY)


def _busy(case: Case, rules: FailoverRules, retry: Mapping[str, RetryRule]) -> Retry | Failover | GiveUp:
    """Another provider of the same model at once; another model only when the pause would be long, or was
    waited for in vain."""
    pause_s = case.retry_after_s if case.retry_after_s is not None else rules.cooldown_s
    in_time = case.left_s is None or pause_s < case.left_s
    to, skipped = first_free(case.views, case.choice, model=case.choice.model)
    if to is None and (pause_s > rules.patience_s or not in_time or case.here > 1):
        to, skipped = first_free(case.views, case.choice)
    if to is not None:
        return Failover(to, case.failure, skipped)
    if not in_time:
        return GiveUp(Because.DEADLINE)
    return Retry(pause_s) if _again(case, retry) else GiveUp(Because.NOBODY)


def _again(case: Case, retry: Mapping[str, RetryRule]) -> Retry | None:
    """The same provider, unless the class's own rule (configs) has had enough of it."""
    rule = retry.get(case.failure)
    if rule is None or rule.max_attempts == 1 or case.here >= rule.max_attempts * case.rounds:
        return None
    pause_s = min(rule.backoff_max_s, rule.backoff_s * 2.0 ** (case.here - 1))
    return Retry(max(pause_s, case.retry_after_s or 0.0))


def _elsewhere(case: Case, follows: Follows) -> Failover | None:
    if not follows.other:
        return None
    dead = case.failure is FailureClass.PROVIDER_AUTH  # the key is the provider's, whatever the model
    to, skipped = first_free(case.views, case.choice, other_provider=dead)
    return Failover(to, case.failure, skipped) if to else None


def _later(case: Case, follows: Follows) -> Failover | None:
    """Nobody may be asked now: the first that has not been tried, once it has rested, or has a worker."""
    if not follows.other:
        return None
    for view in case.views:
        if view.key != case.choice.key and view.key not in case.choice.tried:
            return Failover(view.candidate, case.failure, ())
    return None


def _bought(
    choice: Choice, *, provider_ref: str | None = None, in_doubt: bool = False, purchase: int | None = None
) -> Choice:
    number = choice.purchase if purchase is None else purchase
    return choice.model_copy(
        update={"provider_ref": provider_ref, "in_doubt": in_doubt, "purchase": number, "skipped": ()}
    )
