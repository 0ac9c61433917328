"""Calls that are made once, on both engines: whatever crashes where, one key is one job."""

import pytest
from sqlalchemy import func, select

from farm.account import Caller
from farm.doors import assets, idempotency, purse, submit
from farm.doors.idempotency import Answer, Call, Ticket
from farm.errors import CallInProgress, InsufficientCredits, KeyReused
from farm.job import JobSpec
from farm.store.schema import idempotency_keys
from farm.store.schema import jobs as job_table
from tasks.probe import Probe
from tests.farm import Farm

DAY_S = 86_400.0
LEASE_S = 61.0
SPEC = JobSpec.of(Probe(price_mc=1_000))
SAID = Answer(202, '{"id":"the first answer"}')


@pytest.fixture
def ada(farm: Farm) -> Caller:
    return farm.caller(balance_mc=10_000)


def call(caller: Caller, key: str | None = "k", body: str = "a", *, is_retry: bool = False) -> Call:
    return Call(caller.key_id, key, body.ljust(64, "0"), is_retry)


def ticket(farm: Farm, asked: Call) -> Ticket:
    found = idempotency.reserve(farm.hall, asked)
    assert isinstance(found, Ticket)
    return found


def submitted(farm: Farm, caller: Caller, once: Ticket) -> str:
    return submit.submit(farm.hall, caller, SPEC, once).job_id


def count(farm: Farm) -> int:
    with farm.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(job_table)) or 0


def keys(farm: Farm) -> int:
    with farm.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(idempotency_keys)) or 0


def test_the_first_answer_is_said_again_for_a_day(farm: Farm, ada: Caller) -> None:
    first = ticket(farm, call(ada))
    submitted(farm, ada, first)
    idempotency.keep_answer(farm.hall, first, SAID)
    farm.clock.advance(s=DAY_S - 1)
    assert idempotency.reserve(farm.hall, call(ada)) == SAID
    farm.clock.advance(s=1)
    submitted(farm, ada, ticket(farm, call(ada)))
    assert count(farm) == 2


def test_a_key_belongs_to_one_request_and_one_api_key(farm: Farm, ada: Caller) -> None:
    first = ticket(farm, call(ada))
    with pytest.raises(KeyReused, match="Idempotency-Key"):
        idempotency.reserve(farm.hall, call(ada, body="b"))
    idempotency.keep_answer(farm.hall, first, SAID)
    with pytest.raises(KeyReused):
        idempotency.reserve(farm.hall, call(ada, body="b"))
    ticket(farm, call(farm.caller("eve")))
    ticket(farm, call(farm.caller("ada")))  # another key of the same account


def test_two_at_once_are_one_call(farm: Farm, ada: Caller) -> None:
    first = ticket(farm, call(ada))
    with pytest.raises(CallInProgress):
        idempotency.reserve(farm.hall, call(ada))
    submitted(farm, ada, first)
    with pytest.raises(CallInProgress):
        idempotency.reserve(farm.hall, call(ada))
    idempotency.keep_answer(farm.hall, first, SAID)
    assert idempotency.reserve(farm.hall, call(ada)) == SAID


def test_a_crash_before_the_commit_makes_nothing_and_does_not_wedge_the_key(
    farm: Farm, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("farm.doors.submit.note_made", _crash)
        with pytest.raises(ZeroDivisionError):
            submitted(farm, ada, ticket(farm, call(ada)))
    assert count(farm) == 0
    with pytest.raises(CallInProgress):
        idempotency.reserve(farm.hall, call(ada))
    farm.clock.advance(s=LEASE_S)
    submitted(farm, ada, ticket(farm, call(ada)))
    assert (count(farm), farm.caller().account.balance_mc) == (1, 9_000)


def test_a_crash_after_the_commit_leads_to_the_job(farm: Farm, ada: Caller) -> None:
    made = submit.submit(farm.hall, ada, SPEC, ticket(farm, call(ada)))
    farm.clock.advance(s=LEASE_S)  # nobody answered
    again = submit.submit(farm.hall, ada, SPEC, ticket(farm, call(ada)))
    assert again == made
    assert (count(farm), farm.caller().account.balance_mc) == (1, 9_000)


def test_a_crash_after_a_renders_commit_leads_to_it_though_it_is_under_way(farm: Farm, ada: Caller) -> None:
    project = assets.create_project(farm.hall, ada.account, "trip").id
    made = submit.submit_to_project(farm.hall, ada, SPEC, project, ticket(farm, call(ada)))
    farm.clock.advance(s=LEASE_S)
    again = submit.submit_to_project(farm.hall, ada, SPEC, project, ticket(farm, call(ada)))
    assert again == made


def test_a_call_that_was_overtaken_makes_nothing(farm: Farm, ada: Caller) -> None:
    """It froze for longer than its lease; whoever took its place made the job."""
    slow = ticket(farm, call(ada))
    farm.clock.advance(s=LEASE_S)
    quick = ticket(farm, call(ada))
    with pytest.raises(CallInProgress):
        submitted(farm, ada, slow)
    submitted(farm, ada, quick)
    with pytest.raises(CallInProgress):
        submitted(farm, ada, slow)
    with pytest.raises(CallInProgress):
        idempotency.keep_answer(farm.hall, slow, Answer(202, "wrong"))
    idempotency.let_go(farm.hall, slow)
    idempotency.keep_answer(farm.hall, quick, SAID)
    assert idempotency.reserve(farm.hall, call(ada)) == SAID
    assert count(farm) == 1


def test_a_refused_call_may_be_made_again_under_its_key(farm: Farm) -> None:
    poor = farm.caller(balance_mc=0)
    first = ticket(farm, call(poor))
    with pytest.raises(InsufficientCredits):
        submitted(farm, poor, first)
    idempotency.let_go(farm.hall, first)
    assert keys(farm) == 0
    purse.top_up(farm.hall, poor.account.public_id, 1_000)
    submitted(farm, poor, ticket(farm, call(poor)))


def test_a_call_let_go_after_its_commit_leads_to_the_job_at_once(farm: Farm, ada: Caller) -> None:
    first = ticket(farm, call(ada))
    made = submitted(farm, ada, first)
    idempotency.let_go(farm.hall, first)  # its answer could not be written
    assert submitted(farm, ada, ticket(farm, call(ada))) == made


def test_x45_an_sdks_retry_joins_the_first_call(farm: Farm, ada: Caller) -> None:
    first = ticket(farm, call(ada, None))
    with pytest.raises(CallInProgress):  # nothing to join yet
        idempotency.reserve(farm.hall, call(ada, None, is_retry=True))
    made = submitted(farm, ada, first)
    beside = ticket(farm, call(ada, None, is_retry=True))
    assert submitted(farm, ada, beside) == made
    idempotency.keep_answer(farm.hall, first, SAID)
    idempotency.keep_answer(farm.hall, beside, SAID)
    assert idempotency.reserve(farm.hall, call(ada, None, is_retry=True)) == SAID
    farm.clock.advance(s=601)
    assert submitted(farm, ada, ticket(farm, call(ada, None, is_retry=True))) != made


def test_x45_asking_for_the_same_twice_is_two_jobs(farm: Farm, ada: Caller) -> None:
    first, second = ticket(farm, call(ada, None)), ticket(farm, call(ada, None))
    made = [submitted(farm, ada, first), submitted(farm, ada, second)]
    idempotency.keep_answer(farm.hall, first, Answer(202, "of the first"))  # it has its answer all the same
    assert len(set(made)) == 2
    assert submitted(farm, ada, ticket(farm, call(ada, None, is_retry=True))) == made[1]
    assert ticket(farm, call(ada, None, body="b", is_retry=True))  # nobody has asked for this before


def test_a_top_up_under_a_ticket_is_added_once(farm: Farm, ada: Caller) -> None:
    account = ada.account.public_id
    purse.top_up(farm.hall, account, 500, once=ticket(farm, call(ada)))
    farm.clock.advance(s=LEASE_S)
    again = purse.top_up(farm.hall, account, 500, once=ticket(farm, call(ada)))
    assert (again.is_new, again.balance_mc) == (False, 10_500)


def test_keys_are_forgotten_once_they_expire(farm: Farm, ada: Caller) -> None:
    for number in range(3):
        idempotency.keep_answer(farm.hall, ticket(farm, call(ada, f"k{number}")), SAID)
    farm.clock.advance(s=DAY_S / 2)
    ticket(farm, call(ada, "later"))
    farm.clock.advance(s=DAY_S / 2)
    farm.tick()
    assert keys(farm) == 1


def _crash(*_: object) -> None:
    raise ZeroDivisionError
