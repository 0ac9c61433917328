"""The circuit breaker of one provider's model, in one phase. Pure: a value in, a value out.

Closed it lets everything through; open it rests; after its rest one probe goes through and decides. The
scheduler keeps the values in SQL (schedulers/failover/board.py), so that every scheduler sees the same; an
API process keeps its own for what it calls itself (farm/api/llm).
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b

from farm.choices import Reason
from farm.offers import FailoverRules

_PARTS = 6  # that the window is counted in


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Verdict(StrEnum):
    """What a call tells of its provider."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"  # a connection error
    BUSY = "busy"  # too many requests: it rests for a while, which is no failure
    REFUSED = "refused"  # our key or our credit there: opens at once
    NEUTRAL = "neutral"  # nothing


Calls = tuple[tuple[float, int, int], ...]


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until` ends the rest, or while closed the pause of a busy provider. Times are Unix seconds.

    `calls` counts calls and failures in parts of the window: (began, calls, failures). `trips` is how often
    it opened since it was last closed. While half open, `probe_task` is the task that tries.
    """

    state: BreakerState = BreakerState.CLOSED
    calls: Calls = ()
    unreachable: int = 0
    trips: int = 0
    until: float = 0.0
    probe_task: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a call may go through. `until` is when to ask again, `probes` that it is the one probe."""

    is_open: bool
    probes: bool = False
    until: float = 0.0
    reason: Reason | None = None


_THROUGH = Gate(is_open=True)


def gate(breaker: Breaker, task_id: int, now: float, rules: FailoverRules) -> Gate:
    """What the breaker says to that task now."""
    if breaker.state is BreakerState.CLOSED:
        if not _rests(breaker, now, rules):
            return _THROUGH
        return Gate(False, until=breaker.until, reason=Reason.CAPACITY)
    if breaker.state is BreakerState.HALF_OPEN:
        if breaker.probe_task == task_id:
            return Gate(True, probes=True)
        if breaker.probe_task is not None:
            return Gate(False, until=now + rules.rest_s, reason=Reason.CIRCUIT_OPEN)
    elif _rests(breaker, now, rules):
        return Gate(False, until=breaker.until, reason=Reason.CIRCUIT_OPEN)
    return Gate(True, probes=True)


def probed(breaker: Breaker, task_id: int) -> Breaker:
    """The rest is over and that task tries."""
    return replace(breaker, state=BreakerState.HALF_OPEN, probe_task=task_id)


def unprobed(breaker: Breaker) -> Breaker:
    """The probe told nothing: another may try."""
    return replace(breaker, probe_task=None)


def after(
    breaker: Breaker,
    verdict: Verdict,
    task_id: int,
    now: float,
    rules: FailoverRules,
    *,
    key: str,
    because: str = "",
    retry_after_s: float | None = None,
) -> Breaker:
    """The breaker after a call. `key` names it, for its own jitter; `because` is the failure's class.

    What comes in late, of calls made before it opened, changes nothing.
    """
    if breaker.state is BreakerState.OPEN:
        return breaker
    if verdict is Verdict.REFUSED:
        return _opened(breaker, now, rules, key, because)
    if breaker.state is BreakerState.HALF_OPEN and breaker.probe_task != task_id:
        return breaker
    match verdict:
        case Verdict.NEUTRAL:
            return unprobed(breaker)
        case Verdict.OK if breaker.state is BreakerState.HALF_OPEN:
            return Breaker()
        case Verdict.OK:
            return replace(breaker, calls=_counted(breaker, 0, now, rules), unreachable=0)
        case Verdict.BUSY:
            return _paused(breaker, now, rules, retry_after_s)
    unreachable = breaker.unreachable + 1 if verdict is Verdict.UNREACHABLE else 0
    counted = replace(breaker, calls=_counted(breaker, 1, now, rules), unreachable=unreachable)
    if breaker.state is BreakerState.HALF_OPEN or _is_too_much(counted, rules):
        return _opened(breaker, now, rules, key, because)
    return counted


def rest_s(trips: int, now: float, rules: FailoverRules, key: str) -> float:
    """How long the `trips`-th opening in a row lasts: doubling, with a jitter that repeats for a replay."""
    plain = min(rules.rest_max_s, rules.rest_s * 2.0 ** min(trips - 1, 30))
    return plain * (1.0 + rules.jitter * _spread(f"{key}|{trips}|{now:.3f}"))


def _paused(breaker: Breaker, now: float, rules: FailoverRules, retry_after_s: float | None) -> Breaker:
    """It is there and wants a pause; half open, the next probe comes after it."""
    asked_s = rules.cooldown_s if retry_after_s is None else max(0.0, retry_after_s)
    until = now + min(rules.cooldown_max_s, asked_s)
    if breaker.state is BreakerState.HALF_OPEN:
        return replace(breaker, state=BreakerState.OPEN, probe_task=None, until=until)
    longer = max(breaker.until, until) if _rests(breaker, now, rules) else until
    return replace(breaker, until=longer, unreachable=0)


def _rests(breaker: Breaker, now: float, rules: FailoverRules) -> bool:
    """Whether its rest or pause goes on. What ends later than any could is of before the clock went back."""
    longest_s = max(rules.rest_max_s * (1.0 + rules.jitter), rules.cooldown_max_s)
    return now < breaker.until <= now + longest_s


def _opened(breaker: Breaker, now: float, rules: FailoverRules, key: str, because: str) -> Breaker:
    trips = breaker.trips + 1
    return Breaker(
        state=BreakerState.OPEN, trips=trips, until=now + rest_s(trips, now, rules, key), because=because
    )


def _counted(breaker: Breaker, failures: int, now: float, rules: FailoverRules) -> Calls:
    part_s = rules.window_s / _PARTS
    began = now // part_s * part_s
    kept = [part for part in breaker.calls if now - rules.window_s < part[0] <= now]
    if kept and kept[-1][0] == began:
        _, calls, failed = kept.pop()
        return (*kept, (began, calls + 1, failed + failures))
    return (*kept, (began, 1, failures))


def _is_too_much(breaker: Breaker, rules: FailoverRules) -> bool:
    calls = sum(part[1] for part in breaker.calls)
    failures = sum(part[2] for part in breaker.calls)
    return breaker.unreachable >= rules.unreachable_in_row or (
        calls >= rules.min_calls and failures >= rules.failure_share * calls
    )


def _spread(said: str) -> float:
    """-1..1, always the same for the same words."""
    number = int.from_bytes(blake2b(said.encode(), digest_size=8).digest())
    return number / 2.0**63 - 1.0
