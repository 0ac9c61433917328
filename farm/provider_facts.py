"""What a task's attempts tell of its providers: which model did it, whether and why it moved. Pure.

Everything is derived from the attempts, so that what is told later is what happened. The fields are named as
the generations API shows them under `debug`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.errors import FailureClass
from farm.job import Attempt, Task
from farm.providers import Choice, Decision, Reason, Skipped, Then

UNAVAILABLE = "provider_unavailable"
_TOLD_AS: Mapping[str, str] = {
    Reason.CIRCUIT_OPEN: "circuit_open",
    Reason.CAPACITY: "capacity",
    Reason.LIMIT: "capacity",
    FailureClass.CAPACITY: "capacity",
    FailureClass.TIMEOUT: "timeout",
    FailureClass.NO_PROGRESS: "timeout",
    FailureClass.OOM: "oom",
}
_WORDS: Mapping[str, str] = {
    Reason.CIRCUIT_OPEN: "rests after failures",
    Reason.CAPACITY: "has too much to do",
    Reason.LIMIT: "runs as much as it may",
    Reason.NO_WORKER: "has no worker here",
    Reason.UNHEALTHY: "does badly of late",
    Reason.REMOVED: "is not in the configs any more",
    Reason.TRIED: "has failed before",
}


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """`model` is as asked; `model_actual` the concrete one, now and in the end.

    A submission failover happened before a provider had accepted the work, an async one after that.
    `prediction_id_current` is the provider's id of the latest purchase, `_original` of the first if that was
    another.
    """

    model: str
    model_actual: str
    failover_used: bool
    provider_requested: str
    provider_actual: str
    submission_failover_used: bool
    submission_failover_reason: str | None
    async_capacity_failover_attempted: bool
    async_capacity_failover_reason: str | None
    prediction_id_original: str | None
    prediction_id_current: str | None


def provider_facts(task: Task, attempts: Sequence[Attempt]) -> ProviderFacts | None:
    """The facts of a task, from all attempts of its job, oldest first. None when it needed no provider."""
    if task.route is None or task.choice is None:
        return None
    made = [attempt for attempt in attempts if attempt.task_id == task.id and attempt.decision is not None]
    before, after = _moves(made, task.choice)
    refs = [attempt.provider_ref for attempt in made if attempt.provider_ref is not None]
    return ProviderFacts(
        model=task.route.model,
        model_actual=task.choice.model,
        failover_used=bool(before or after),
        provider_requested=_requested(made, task.choice),
        provider_actual=task.choice.model,
        submission_failover_used=bool(before),
        submission_failover_reason=_told(before),
        async_capacity_failover_attempted=bool(after),
        async_capacity_failover_reason=_told(after),
        prediction_id_original=refs[0] if refs and refs[0] != refs[-1] else None,
        prediction_id_current=refs[-1] if refs else None,
    )


def said_of(decision: Decision) -> str:
    """How an attempt came to its provider, and what followed, for people."""
    parts = [_skip_words(skipped) for skipped in decision.skipped]
    if decision.resumes:
        parts.append("resumes what was bought")
    elif decision.in_doubt:
        parts.append("asks whether it was bought")
    if decision.probes:
        parts.append("tries whether the provider is well again")
    return "; ".join([*parts, *_then_words(decision.then)])


def _moves(made: Sequence[Attempt], choice: Choice) -> tuple[list[str], list[str]]:
    """Why the task moved before anything was accepted, and after that, in order."""
    skipped = _decision(made[0]).skipped if made else choice.skipped
    before = [skipped[0].reason] if skipped else []
    after: list[str] = []
    stops = [(_key(attempt), _decision(attempt).why) for attempt in made]
    for attempt, (to, why) in zip(made, [*stops[1:], (choice.key, choice.why)], strict=False):
        if _key(attempt) != to:
            then = _decision(attempt).then
            reason = then.why if then is not None and then.what == "failover" else why
            (before if attempt.provider_ref is None else after).append(reason)
    return before, after


def _requested(made: Sequence[Attempt], choice: Choice) -> str:
    """The model of the first candidate: what was skipped before the first attempt, else that attempt's."""
    skipped = _decision(made[0]).skipped if made else choice.skipped
    if skipped:
        return skipped[0].model
    return _key(made[0])[1] if made else choice.model


def _key(attempt: Attempt) -> tuple[str, str]:
    return attempt.provider or "", attempt.model or ""


def _decision(attempt: Attempt) -> Decision:
    assert attempt.decision is not None
    return attempt.decision


def _told(reasons: Sequence[str]) -> str | None:
    return _TOLD_AS.get(reasons[0], UNAVAILABLE) if reasons else None


def _skip_words(skipped: Skipped) -> str:
    return f"{skipped.provider} ({skipped.model}) {_WORDS.get(skipped.reason, 'failed: ' + skipped.reason)}"


def _then_words(then: Then | None) -> list[str]:
    match then:
        case Then(what="retry"):
            return [f"asked again in {then.pause_s:g} s"]
        case Then(what="failover"):
            return [f"went on to {then.provider} ({then.model})"]
        case Then(what="give_up"):
            return [f"given up: {then.why}"]
    return []
