"""What the generations surface says of a job: its state, its cause and its price, everywhere alike."""

import pytest

from farm.errors import FailureClass
from farm.generation import EVENTS, FAMILIES, error_of, event_of, family_of, paid, status_word
from farm.job import Failure
from farm.states import JobState


def test_c174_to_c177_x03_one_state_has_one_word() -> None:
    """C-174 PENDING, C-175 PROCESSING, C-176 COMPLETED, C-177 FAILED: the shared status has capitals."""
    assert [status_word(state).upper() for state in JobState] == [
        "PENDING",
        "PROCESSING",
        "COMPLETED",
        "FAILED",
        "FAILED",
    ]


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (Failure("timeout", "timeout", "soft limit"), "generation_timeout", "after 10 minutes"),
        (Failure("no_progress", "no_progress", "stands still"), "generation_timeout", "after 10 minutes"),
        (Failure("timeout", "deadline_exceeded", "too late"), "generation_timeout", "after 10 minutes"),
        (Failure("policy", "content_policy_violation", "Not this."), "content_policy_violation", "Not this."),
        (Failure("oom", "oom", "Out of memory."), "generation_failed", "Out of memory."),
        (Failure("crash", "crash", ""), "generation_failed", "The generation failed."),
    ],
)
def test_x04_a_cause_has_one_code(failure: Failure, code: str, message: str) -> None:
    told = error_of(JobState.FAILED, failure, FAMILIES["vgen"])
    assert told is not None
    assert told.code == code and told.message.endswith(message)


def test_c238_a_timeout_is_told_in_the_documents_words() -> None:
    failure = Failure(FailureClass.TIMEOUT, "timeout", "It ran over its time.")
    told = error_of(JobState.FAILED, failure, FAMILIES["vgen"])
    assert told is not None
    assert told.model_dump() == {
        "message": "Video generation timed out after 10 minutes",
        "type": "server_error",
        "code": "generation_timeout",
    }
    other = error_of(JobState.FAILED, failure, FAMILIES["voice"])
    assert other is not None and other.message == "Voice generation timed out"
    assert error_of(JobState.COMPLETED, None) is None


def test_c093_a_film_of_several_shots_is_told_the_time_that_it_had() -> None:
    late = Failure(FailureClass.TIMEOUT, "deadline_exceeded", "The job did not end by its deadline.")

    def told(failure: Failure, limit_s: float | None) -> str:
        found = error_of(JobState.FAILED, failure, FAMILIES["vgen"], limit_s)
        assert found is not None
        return found.message.removeprefix("Video generation timed out after ")

    assert [told(late, limit_s) for limit_s in (1800.0, 600.0, 20.0, None)] == [
        "30 minutes",
        "10 minutes",
        "1 minute",
        "10 minutes",
    ]
    one_attempt = Failure(FailureClass.TIMEOUT, "timeout", "It ran over its time.")
    assert told(one_attempt, 1800.0) == "10 minutes"  # one shot did


def test_x05_x39_a_failure_costs_nothing_and_whole_credits_are_whole_numbers() -> None:
    assert paid(JobState.FAILED, 60_000, 0) == (0, 60)
    assert paid(JobState.COMPLETED, 60_000, 30_000) == (30, 0)
    assert paid(JobState.QUEUED, 8_000, 0) == (8, 0)
    assert paid(JobState.COMPLETED, 1_500, 1_500) == (1.5, 0)
    assert isinstance(paid(JobState.COMPLETED, 8_000, 8_000)[0], int)


def test_x13_every_family_has_two_events_and_no_other_job_has_any() -> None:
    for family in FAMILIES.values():
        assert {event_of(family, state) for state in JobState} <= set(EVENTS)
    assert {"compose.generation.completed", "chart.generation.failed", "voice.generation.failed"} <= set(
        EVENTS
    )
    assert "video.batch.completed" in EVENTS
    assert family_of("job_0123") is None and family_of("voice_0123") is FAMILIES["voice"]
