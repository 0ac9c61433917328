"""What is told of a task's providers, from its attempts (C-081, C-086, C-103 to C-106, C-112 to C-115)."""

from typing import Any

import pytest

from farm.choices import Choice, Decision, Skipped, Then
from farm.errors import FailureClass
from farm.job import Attempt, Task
from farm.provider_facts import ProviderFacts, provider_facts, said_of
from farm.providers import Route
from farm.states import AttemptState, TaskState
from workers.provider_answers import refusal


def attempt(
    number: int, provider: str, model: str, ref: str | None = None, then: str = "", **decision: Any
) -> Attempt:
    followed = Then(what="failover", why=then) if then else None
    said = Decision(**({"why": "first", "then": followed} | decision))
    return Attempt(
        id=number,
        task_id=1,
        state=AttemptState.SETTLED,
        outcome=None,
        worker="w",
        provider=provider,
        failure=None,
        progress=0.0,
        stage="",
        published_at=0.0,
        started_at=None,
        ended_at=None,
        model=model,
        provider_ref=ref,
        decision=said,
    )


def facts(
    *attempts: Attempt, at: tuple[str, str] | None = None, skipped: tuple[Skipped, ...] = ()
) -> ProviderFacts:
    provider, model = at or (attempts[-1].provider or "", attempts[-1].model or "")
    choice = Choice(provider=provider, model=model, quoted_mc=1, price_mc=1, skipped=skipped)
    task = Task(
        id=1,
        name="clip",
        pool="cpu-render",
        state=TaskState.RUNNING,
        attempts=len(attempts),
        due_at=None,
        failure=None,
        progress=0.0,
        stage="",
        route=Route(capability="video"),
        choice=choice,
    )
    found = provider_facts(task, attempts)
    assert found is not None
    return found


def test_what_went_well_the_first_time() -> None:
    found = facts(attempt(1, "fal", "kling", "p-1"))
    assert (found.model, found.model_actual, found.failover_used) == ("auto", "kling", False)
    assert (found.provider_requested, found.provider_actual) == ("kling", "kling")
    assert (found.prediction_id_original, found.prediction_id_current) == (None, "p-1")
    assert found.submission_failover_reason is None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FailureClass.CAPACITY, "capacity"),
        (FailureClass.TIMEOUT, "timeout"),
        (FailureClass.OOM, "oom"),
        (FailureClass.TRANSIENT, "provider_unavailable"),
        (FailureClass.PROVIDER_AUTH, "provider_unavailable"),
        ("circuit_open", "circuit_open"),
    ],
)
def test_a_move_before_acceptance_is_a_submission_failover(reason: str, told: str) -> None:
    found = facts(attempt(1, "fal", "kling", then=reason), attempt(2, "own", "wan", "p-2", why=reason))
    assert found.failover_used
    assert (found.submission_failover_used, found.submission_failover_reason) == (True, told)
    assert not found.async_capacity_failover_attempted
    assert (found.provider_requested, found.provider_actual) == ("kling", "wan")


def test_a_move_after_acceptance_keeps_both_predictions() -> None:
    found = facts(attempt(1, "fal", "kling", "p-1", then="capacity"), attempt(2, "own", "wan", "p-2"))
    assert not found.submission_failover_used
    assert found.async_capacity_failover_attempted
    assert found.async_capacity_failover_reason == "capacity"
    assert (found.prediction_id_original, found.prediction_id_current) == ("p-1", "p-2")


def test_a_move_without_any_attempt_is_told_too() -> None:
    skipped = (Skipped(provider="fal", model="kling", reason="circuit_open"),)
    waiting = facts(at=("own", "wan"), skipped=skipped)
    assert (waiting.provider_requested, waiting.model_actual) == ("kling", "wan")
    assert waiting.submission_failover_reason == "circuit_open"
    begun = facts(attempt(1, "own", "wan", skipped=skipped, why="circuit_open"))
    assert (begun.provider_requested, begun.submission_failover_reason) == ("kling", "circuit_open")


def test_the_same_provider_again_is_no_failover() -> None:
    assert not facts(attempt(1, "fal", "kling"), attempt(2, "fal", "kling", why="again")).failover_used


def test_what_has_moved_and_waits_is_told_before_its_attempt() -> None:
    found = facts(attempt(1, "fal", "kling", then="timeout"), at=("own", "wan"))
    assert (found.model_actual, found.submission_failover_reason) == ("wan", "timeout")


def test_a_decision_reads_as_a_sentence() -> None:
    decision = Decision(
        why="circuit_open",
        skipped=(Skipped(provider="fal", model="kling", reason="circuit_open"),),
        in_doubt=True,
        then=Then(what="failover", why="timeout", provider="own", model="wan"),
    )
    assert said_of(decision) == (
        "fal (kling) rests after failures; asks whether it was bought; went on to own (wan)"
    )


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, FailureClass.INVALID_INPUT),
        (401, FailureClass.PROVIDER_AUTH),
        (402, FailureClass.PROVIDER_AUTH),
        (404, FailureClass.INTERNAL),
        (429, FailureClass.CAPACITY),
        (500, FailureClass.TRANSIENT),
        (503, FailureClass.TRANSIENT),
    ],
)
def test_what_an_http_answer_means(status: int, failure: FailureClass) -> None:
    assert refusal(status, "", {}).failure is failure


@pytest.mark.parametrize(
    ("text", "seconds"), [("12", 12.0), ("0", 0.0), ("-1", None), ("soon", None), ("1e9", 3600.0)]
)
def test_how_long_a_provider_asks_to_be_left_alone(text: str, seconds: float | None) -> None:
    assert refusal(429, "", {"retry-after": text}).retry_after_s == seconds


def test_a_policy_is_told_by_the_body() -> None:
    assert refusal(400, "no", {}, is_policy=True).failure is FailureClass.POLICY
