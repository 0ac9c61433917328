"""What a review of attempts claimed and recorded together found: each of these failed before."""

from farm.doors import work
from farm.doors.work import Report
from farm.states import JobState, Outcome
from tests.farm import Farm


def test_an_attempt_that_a_message_names_twice_is_taken_once(farm: Farm) -> None:
    """Whoever can write to the broker can say it twice in one breath: it would be run twice."""
    farm.worker()
    job_id = farm.submit(farm.caller())
    (message,) = farm.tick()
    twice = [(message.attempt_id, message.token)] * 2
    taken = work.claim_all(farm.hall, twice, "w1")
    assert [each.attempt_id for each in taken] == [message.attempt_id]
    assert work.finish(farm.hall, message.attempt_id, message.token, Report(Outcome.SUCCEEDED))
    farm.tick()
    assert farm.job(job_id).state is JobState.COMPLETED
