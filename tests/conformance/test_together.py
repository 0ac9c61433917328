"""Attempts that are claimed, and whose ends are recorded, several at once: each stands or falls by itself."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from farm.account import Caller
from farm.broker.message import Message
from farm.doors import work
from farm.doors.work import Ended, Report
from farm.doors.workers import drain
from farm.errors import FailureClass
from farm.job import Failure
from farm.states import JobState, Outcome
from farm.store.schema import attempts
from tests.farm import Farm

DONE = Report(Outcome.SUCCEEDED, result={"word": "grüezi"})


@pytest.fixture
def ada(farm: Farm) -> Caller:
    return farm.caller()


def published(farm: Farm, caller: Caller, count: int) -> tuple[list[str], list[Message]]:
    """So many jobs, and the messages about them."""
    farm.worker(slots=count)
    ids = [farm.submit(caller) for _ in range(count)]
    farm.tick()
    return ids, sorted(farm.post.take(), key=lambda message: message.attempt_id)


def named(messages: Sequence[Message]) -> list[tuple[int, int]]:
    return [(message.attempt_id, message.token) for message in messages]


def started_at(farm: Farm, attempt_id: int) -> float | None:
    with farm.store.read() as connection:
        found: float | None = connection.scalar(
            select(attempts.c.started_at).where(attempts.c.id == attempt_id)
        )
        return found


def test_attempts_are_claimed_together_in_their_order(farm: Farm, ada: Caller) -> None:
    _, messages = published(farm, ada, 3)
    asked = named(messages)[::-1]
    taken = work.claim_all(farm.hall, asked, "w1")
    assert [(each.attempt_id, each.token) for each in taken] == asked
    assert len({each.job_id for each in taken}) == 3


def test_what_is_not_ours_to_take_is_left_out(farm: Farm, ada: Caller) -> None:
    _, (first, second, third, fourth) = published(farm, ada, 4)
    farm.claim(first, "w2")
    crossed = [(second.attempt_id, third.token), (third.attempt_id, second.token)]
    assert work.claim_all(farm.hall, crossed, "w1") == []
    taken = work.claim_all(farm.hall, named([first, second, fourth, fourth]), "w1")
    assert {each.attempt_id for each in taken} == {second.attempt_id, fourth.attempt_id}
    assert farm.claim(third) is not None


def test_a_worker_that_is_kept_out_gets_none_of_them(farm: Farm, ada: Caller) -> None:
    ids, messages = published(farm, ada, 2)
    drain(farm.hall, "operator", "w1")
    assert work.claim_all(farm.hall, named(messages), "w1") == []
    assert all(started_at(farm, message.attempt_id) is None for message in messages)
    farm.worker("w2", slots=2)
    farm.tick()
    assert len(work.claim_all(farm.hall, named(farm.post.take()), "w2")) == len(ids)


def test_ends_are_recorded_together_and_said_again(farm: Farm, ada: Caller) -> None:
    ids, messages = published(farm, ada, 3)
    work.claim_all(farm.hall, named(messages), "w1")
    failed = Report(Outcome.FAILED, Failure(FailureClass.INVALID_INPUT, "no", "it is no film"))
    at = farm.clock.now()
    ended = [
        Ended(each.attempt_id, each.token, report, at + 5.0, began_at=at + 4.0)
        for each, report in zip(messages, [DONE, failed, DONE], strict=True)
    ]
    assert work.finish_all(farm.hall, ended) == [True] * 3
    assert work.finish_all(farm.hall, ended[:2]) == [True] * 2  # its answer was lost
    assert [started_at(farm, each.attempt_id) for each in ended] == [at + 4.0] * 3
    farm.tick()
    assert [farm.job(job_id).state for job_id in ids] == [
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.COMPLETED,
    ]
    assert farm.attempts(ids[1])[0].failure == failed.failure


def test_one_that_is_no_longer_ours_changes_nothing(farm: Farm, ada: Caller) -> None:
    _, messages = published(farm, ada, 3)
    work.claim_all(farm.hall, named(messages), "w1")
    assert work.give_back(farm.hall, messages[1].attempt_id, messages[1].token)
    at = farm.clock.now()
    ended = [Ended(each.attempt_id, each.token, DONE, at) for each in messages]
    ended[2] = Ended(messages[2].attempt_id, messages[2].token + 1000, DONE, at)
    assert work.finish_all(farm.hall, ended) == [True, False, False]
    with farm.store.read() as connection:
        rows = connection.execute(select(attempts.c.state, attempts.c.outcome).order_by(attempts.c.id))
        assert [tuple(row) for row in rows] == [
            ("finished", "succeeded"),
            ("finished", "returned"),
            ("running", None),
        ]


def test_a_report_that_the_store_refuses_takes_no_other_with_it(farm: Farm, ada: Caller) -> None:
    """Those that come together are refused together, and can be said one by one."""
    _, (first, second) = published(farm, ada, 2)
    work.claim_all(farm.hall, named([first, second]), "w1")
    at = farm.clock.now()
    bad = Report(Outcome.FAILED, Failure(FailureClass.INTERNAL, "internal_error", "\udce4 is no text"))
    ended = [Ended(first.attempt_id, first.token, DONE, at), Ended(second.attempt_id, second.token, bad, at)]
    with pytest.raises((DBAPIError, UnicodeEncodeError)):
        work.finish_all(farm.hall, ended)
    assert work.finish_all(farm.hall, ended[:1]) == [True]


def test_one_that_never_began_goes_back_unharmed(farm: Farm, ada: Caller) -> None:
    (job_id,), messages = published(farm, ada, 1)
    (claimed,) = work.claim_all(farm.hall, named(messages), "w1")
    work.put_back(farm.hall, claimed.attempt_id, claimed.token)
    assert started_at(farm, claimed.attempt_id) is None
    assert not work.finish(farm.hall, claimed.attempt_id, claimed.token, DONE)
    again = farm.run_next()
    assert again.attempt_no == 1
    assert farm.job(job_id).state == JobState.COMPLETED
