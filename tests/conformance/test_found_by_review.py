"""Defects that a review found, each as the story in which it was seen first, on both engines."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import update

import schedulers.sleep
from farm.doors import work
from farm.doors import workers as hands
from farm.doors.jobs import cancel
from farm.errors import FailureClass
from farm.kinds import TaskSpec
from farm.states import JobState, Outcome, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import workers
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tasks.provider_probe import KIND, ProviderProbe
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import ProviderFarm

_OWN = '  { provider = "own", price = "20", estimated_s = 4.0 },\n'
_RENTED = '  { provider = "rented", price = "30", estimated_s = 4.0 },\n'
TWO = f"""
[providers.own]
pool = "cpu-render"
remote = true
[providers.rented]
pool = "cpu-render"
remote = true
[routes.probe.big]
offers = [
{_OWN}{_RENTED}]
"""
ONE = TWO.replace(_RENTED, "")
LOCAL = TWO.replace("remote = true\n", "")


def limited(toml: str, provider: str, most: int = 1) -> str:
    return toml.replace(f"[providers.{provider}]", f"[providers.{provider}]\nmax_running = {most}")


def work_off(house: ProviderFarm) -> None:
    """Let everything that is left succeed, and look for broken promises."""
    for _ in range(200):
        house.pass_time(1.0)
        if not house.farm.post.messages:
            house.pass_time(60.0)
            if not house.farm.post.messages:
                break
        while house.farm.post.messages:
            house.succeeds(house.take())
    assert violations(house.farm.store) == []


# --- nothing is bought twice, nothing is lost ----------------------------------------------------------


def test_what_came_to_nothing_is_never_asked_for_under_its_key_again(farm: Farm) -> None:
    """The task went to another provider of the same model meanwhile, and came back."""
    house = ProviderFarm(farm, limited(LOCAL, "own"))
    job = house.submit()
    first = house.take()
    house.accepts(first, "p-1")
    house.drops(first)
    house.fails(first, FailureClass.TRANSIENT)
    in_its_place = house.submit()
    second = house.take()
    assert (second.job_id, second.provider) == (in_its_place, "own")
    other = house.submit()
    house.pass_time(2.0)
    taken = {claimed.job_id: claimed for claimed in (house.take(), house.take())}
    assert {claimed.provider for claimed in taken.values()} == {"rented"}
    house.fails(taken[other], FailureClass.CAPACITY, retry_after_s=40.0)
    cancel(farm.hall, None, other)
    house.succeeds(second)
    house.report(taken[job], work.Report(Outcome.RETURNED))
    again = house.take()
    assert (again.job_id, again.provider) == (job, "own")
    assert again.idempotency_key != first.idempotency_key


def test_a_broken_connection_that_nobody_explains_leaves_a_doubt(farm: Farm) -> None:
    """The performer let a ConnectionError through: it may have come after the purchase."""
    house = ProviderFarm(farm, TWO)
    job = house.submit()
    house.fails(house.take(), FailureClass.TRANSIENT, code="network")
    assert house.choice(job).in_doubt
    house.pass_time(2.0)
    again = house.take()
    assert (again.provider, again.in_doubt) == ("own", True)


def test_what_a_worker_was_refused_leaves_no_doubt(farm: Farm) -> None:
    """It was drained between the message and the claim; nothing began, so nothing can have been bought."""
    house = ProviderFarm(farm, TWO)
    job = house.submit()
    house.settle()
    message = farm.post.messages.pop(0)
    with farm.store.write() as connection:
        connection.execute(update(workers).values(kept_out=WorkerState.DRAINING))
    assert farm.claim(message, "w-cpu-render") is None
    with farm.store.write() as connection:
        connection.execute(update(workers).values(kept_out=None))
    house.settle()
    assert house.went(job)[0] == ("own", Outcome.RETURNED)
    assert not house.choice(job).in_doubt


def test_what_was_bought_is_resumed_though_its_provider_is_no_candidate_now(farm: Farm) -> None:
    house = ProviderFarm(farm, TWO)
    job = house.submit(failover=False)
    first = house.take()
    house.accepts(first, "p-1")
    house = ProviderFarm(farm, TWO.replace(_OWN + _RENTED, _RENTED + _OWN))
    house.lose(first)
    second = house.take()
    assert (second.job_id, second.provider, second.provider_ref) == (job, "own", "p-1")


# --- breakers and limits -------------------------------------------------------------------------------


def test_a_success_that_had_nothing_to_accept_closes_the_breaker_of_completions(farm: Farm) -> None:
    """Half open for ever, it let one task through at a time."""
    house = ProviderFarm(farm, ONE, max_attempts=1)
    for number in range(5):
        house.submit()
        claimed = house.take()
        house.accepts(claimed, f"p-{number}")
        house.drops(claimed)
        house.fails(claimed, FailureClass.TRANSIENT)
    for _ in range(3):
        house.submit()
    house.pass_time(20.0)
    house.succeeds(house.take())
    house.pass_time(2.0)
    seen = house.breaker("own", "completion")
    assert seen is not None
    assert seen.state == "closed"
    assert len(farm.post.messages) == 2


def test_many_refusals_at_once_are_one(farm: Farm) -> None:
    """Each doubled the rest: six calls that were under way together cost five minutes."""
    house = ProviderFarm(farm, ONE)
    for _ in range(6):
        house.submit()
    for claimed in [house.take() for _ in range(6)]:
        house.fails(claimed, FailureClass.PROVIDER_AUTH)
    seen = house.breaker("own")
    assert seen is not None
    assert seen.until == farm.clock.now() + farm.hall.catalog.providers.failover.rest_s


def test_a_clock_set_back_makes_no_rest_longer(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    farm.clock.advance(s=-7200.0)
    house.announce()
    house.submit()
    house.settle()
    assert farm.post.messages


def test_a_full_provider_serves_the_tasks_of_one_that_rests_as_fast_as_it_can(farm: Farm) -> None:
    """They slept until the other might be asked again, and it stood idle."""
    house = ProviderFarm(farm, limited(TWO, "rented"), rest_s=300.0)
    house.trip()
    for _ in range(3):
        house.submit()
    house.pass_time(6.0)
    for _ in range(6):
        claimed = house.take()
        assert claimed.provider == "rented"
        house.pass_time(2.0)
        house.succeeds(claimed)
    assert violations(farm.store) == []


def test_who_waits_for_a_full_provider_holds_up_nobody_who_has_another(farm: Farm) -> None:
    solo = '[routes.probe.solo]\noffers = [{ provider = "own", price = "20", estimated_s = 4.0 }]\n'
    house = ProviderFarm(farm, limited(TWO, "own") + solo)
    for _ in range(4):
        house.submit(model="solo")
    house.take()
    other = house.submit(model="big")
    claimed = house.take()
    assert (claimed.job_id, claimed.provider) == (other, "rented")


def test_a_failure_takes_no_task_to_a_provider_that_nobody_runs(farm: Farm) -> None:
    """It waited there for ever, though the first one might have been asked again."""
    rented = '[providers.rented]\npool = "cpu-render"'
    house = ProviderFarm(farm, TWO.replace(rented, rented.replace("cpu-render", "asr-align")))
    job = house.submit()
    for _ in range(2):
        house.fails(house.take(), FailureClass.TRANSIENT)
        house.pass_time(3.0)
    house.succeeds(house.take())
    assert house.went(job)[-1] == ("own", "succeeded")


# --- lanes ---------------------------------------------------------------------------------------------


def grown(*names: str) -> Sequence[TaskSpec]:
    (call,) = KIND.plan(ProviderProbe())
    return [call.model_copy(update={"name": name}) for name in names]


def test_a_task_that_moves_while_its_job_steps_aside_is_counted_once(farm: Farm) -> None:
    """Its old lane counted below nothing, and so never opened for what came next."""
    house = ProviderFarm(farm, TWO)
    house.trip()
    work_off(house)
    job = farm.submit(house.caller, Probe(), max_running=2)
    claimed = house.take()
    house.trip()
    while claimed.job_id != job:
        house.succeeds(claimed)
        claimed = house.take()
    plain = [TaskSpec(name=f"p{n}", step="probe", pool="cpu-render", estimated_s=5.0) for n in range(6)]
    house.report(claimed, work.Report(Outcome.SUCCEEDED, tasks=[*grown("a", "b", "c"), *plain]))
    work_off(house)
    assert farm.job(job).state is JobState.COMPLETED


def test_a_cap_that_an_operator_changed_is_that_of_older_accounts_too(farm: Farm) -> None:
    farm.worker("w1", slots=8)
    ada = farm.caller("ada", "free")
    farm.submit(ada)
    farm.run_next()
    free = farm.hall.catalog.tier("free").model_copy(update={"max_running": 6})
    catalog = farm.hall.catalog.model_copy(update={"tiers": {**farm.hall.catalog.tiers, "free": free}})
    farm.hall = replace(farm.hall, catalog=catalog)
    farm.scheduler = Scheduler(farm.hall, farm.post)  # it was restarted
    for _ in range(8):
        farm.submit(ada)
    assert len(farm.tick()) == 6


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_worker_drained_while_its_schedule_is_read_stays_drained(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.worker("w1", timezone="UTC")
    hands.set_sleep(farm.hall, "ops", "w1", "13:00-14:00")  # it is 13:46
    plain = schedulers.sleep._sleeps

    def drained_meanwhile(row: AnyRow, now: float) -> bool:
        hands.drain(farm.hall, "ops", "w1")
        return plain(row, now)

    monkeypatch.setattr(schedulers.sleep, "_sleeps", drained_meanwhile)
    farm.tick()
    (seen,) = hands.list_workers(farm.hall)
    assert seen.kept_out is WorkerState.DRAINING
