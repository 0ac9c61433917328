"""What a task's attempts tell of its providers: which model did it, whether and why it moved. Pure.

Everything is derived from the attempts, so that what is told later is what happened. The fields are named as
the generations API shows them under `debug`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from farm.choices import Choice, Decision, Reason, Routing, Skipped, Then
from farm.errors import FailureClass
from farm.job import Attempt, Job, Task
from farm.states import JobState

UNAVAILABLE = "provider_unavailable"
_TOLD_AS: Mapping[str, str] = {
    Reason.CIRCUIT_OPEN: "circuit_open",
    Reason.CAPACITY: "capacity",
    Reason.LIMIT: "capacity",
    FailureClass.CAPACITY: "capacity",
    FailureClass.TIMEOUT: "timeout",
    FailureClass.NO_PROGRESS: "timeout",
    FailureClass.OOM: "oom",
    FailureClass.UNSUPPORTED: "unsupported_option",
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
    What is `routing_` tells of "auto" alone: the model that did best, the configs' own, by how many points.
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
    routing_safe_fallback_applied: bool
    routing_fallback_reason: str | None
    routing_preferred_provider: str | None
    routing_legacy_provider: str | None
    routing_confidence_margin: float | None
    async_capacity_failover_attempted: bool
    async_capacity_failover_reason: str | None
    prediction_id_original: str | None
    prediction_id_current: str | None

    @property
    def debug(self) -> dict[str, JsonValue]:
        """All but what every answer tells."""
        return {name: value for name, value in asdict(self).items() if name not in _PUBLIC}


_PUBLIC = ("model", "model_actual", "failover_used")


@dataclass(frozen=True, slots=True)
class Served:
    """Who served a job, and what that costs. `facts` are of its first task that moved, else of its first.

    `credits_mc` is what the job costs as things stand, nothing once it failed; `adjusted_mc` that same where
    it is less than was quoted because a cheaper model stands in; `refunded_mc` what a failure gave back.
    """

    facts: ProviderFacts | None
    failover_used: bool
    credits_mc: int
    adjusted_mc: int | None
    refunded_mc: int

    @property
    def model(self) -> str:
        """As asked; empty for a job that needed no provider."""
        return self.facts.model if self.facts else ""

    @property
    def model_actual(self) -> str:
        """The concrete key that serves or served; empty for a job that needed no provider."""
        return self.facts.model_actual if self.facts else ""

    @property
    def debug(self) -> dict[str, JsonValue]:
        """The debug block, empty for a job that needed no provider."""
        return self.facts.debug if self.facts else {}


def served_of(job: Job, attempts: Sequence[Attempt]) -> Served:
    """Who served a job, from its tasks and all its attempts, oldest first."""
    told = [facts for task in job.tasks if (facts := provider_facts(task, attempts)) is not None]
    moved = [facts for facts in told if facts.failover_used]
    credits_mc, quoted_mc = _credits(job)
    return Served(
        facts=next(iter([*moved, *told]), None),
        failover_used=bool(moved),
        credits_mc=credits_mc,
        adjusted_mc=credits_mc if moved and credits_mc < quoted_mc else None,
        refunded_mc=job.held_mc if job.state in (JobState.FAILED, JobState.CANCELLED) else 0,
    )


def _credits(job: Job) -> tuple[int, int]:
    """What it costs, and what it would if nothing had moved: the same once it has failed."""
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return 0, 0
    if job.state is JobState.COMPLETED:
        return job.charged_mc, job.held_mc
    saved = sum(task.choice.saved_mc for task in job.tasks if task.choice is not None)
    return max(0, job.held_mc - saved), job.held_mc


def provider_facts(task: Task, attempts: Sequence[Attempt]) -> ProviderFacts | None:
    """The facts of a task, from all attempts of its job, oldest first. None when it needed no provider."""
    if task.route is None or task.choice is None:
        return None
    made = [attempt for attempt in attempts if attempt.task_id == task.id and attempt.decision is not None]
    before, after = _moves(made, task.choice)
    routing = _routing(made, task.choice)
    refs = [attempt.provider_ref for attempt in made if attempt.provider_ref is not None]
    return ProviderFacts(
        model=task.route.model,
        model_actual=task.choice.model,
        failover_used=bool(before or after),
        provider_requested=_requested(made, task.choice),
        provider_actual=task.choice.model,
        submission_failover_used=bool(before),
        submission_failover_reason=_told(before),
        routing_safe_fallback_applied=routing is not None and routing.kept is not None,
        routing_fallback_reason=routing.kept if routing else None,
        routing_preferred_provider=routing.preferred if routing else None,
        routing_legacy_provider=routing.legacy if routing else None,
        routing_confidence_margin=routing.margin if routing else None,
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
        if _key(attempt) != to and why != Reason.PREFERRED:
            (before if attempt.provider_ref is None else after).append(_reason(attempt, why))
    return before, after


def _reason(attempt: Attempt, why: str) -> str:
    """Why a task left the attempt's provider; `why` is what its next attempt has noted."""
    then = _decision(attempt).then
    return then.why if then is not None and then.what == "failover" else why


def _routing(made: Sequence[Attempt], choice: Choice) -> Routing | None:
    """What "auto" weighed before the first attempt."""
    return _decision(made[0]).routing if made else choice.routing


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
