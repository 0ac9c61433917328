"""Providers that fail, on both engines: breakers, moves, limits, budgets, money; nothing is bought twice."""

from typing import Any

import pytest
from sqlalchemy import select

from farm.doors import work
from farm.doors.jobs import cancel, list_jobs
from farm.doors.why import why
from farm.errors import BadRequest, FailureClass
from farm.metrics import Meter, StoreCollector
from farm.provider_facts import provider_facts, said_of
from farm.states import JobState, Outcome
from farm.store.schema import attempts, jobs, tasks
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tasks.provider_probe import KIND, ProviderProbe
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import THREE, ProviderFarm

ONE = """
[providers.own]
pool = "cpu-render"
remote = true
[routes.probe.big]
offers = [{ provider = "own", price = "20", estimated_s = 4.0 }]
"""


@pytest.fixture
def house(farm: Farm) -> ProviderFarm:
    return ProviderFarm(farm)


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


# --- submit -----------------------------------------------------------------------------------------------


def test_a_task_goes_to_the_first_provider_of_the_catalog_by_its_line(house: ProviderFarm) -> None:
    job = house.submit(units=2)
    claimed = house.take()
    assert (claimed.provider, claimed.model) == ("own", "big")
    assert claimed.idempotency_key is not None
    assert not claimed.in_doubt
    house.succeeds(claimed)
    assert house.farm.ledger(job) == [("hold", -40_000), ("settle", 0)]
    assert house.decisions(job)[0].why == "first"
    assert house.decisions(job)[0].then.what == "done"  # type: ignore[union-attr]  # it has ended


@pytest.mark.parametrize(
    ("params", "field"), [({"capability": "smell"}, "capability"), ({"model": "huge"}, "model")]
)
def test_what_nobody_serves_is_refused_and_stores_nothing(
    house: ProviderFarm, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        house.submit(**params)
    assert refused.value.param == field
    with house.farm.store.read() as connection:
        assert connection.execute(select(tasks)).first() is None


# --- after a failure --------------------------------------------------------------------------------------


def test_once_more_with_the_same_then_with_another_on_its_own_line(house: ProviderFarm) -> None:
    job = house.submit()
    house.fails(house.take(), FailureClass.TRANSIENT)
    house.pass_time(2.0)
    house.fails(house.take(), FailureClass.TRANSIENT)
    claimed = house.take()
    assert (claimed.provider, claimed.model) == ("rented", "big")
    house.succeeds(claimed)
    assert house.went(job) == [("own", "transient"), ("own", "transient"), ("rented", "succeeded")]
    first, second, third = house.decisions(job)
    assert (first.then.what, second.then.what) == ("retry", "failover")  # type: ignore[union-attr]  # both ended
    assert (second.then.provider, third.why) == ("rented", "transient")  # type: ignore[union-attr]  # as above
    assert violations(house.farm.store) == []


def test_the_cheaper_stand_in_is_what_the_customer_pays(house: ProviderFarm) -> None:
    """C-102: the lower price on failover."""
    job = house.submit()
    house.fails(house.take(), FailureClass.TIMEOUT)
    house.fails(house.take(), FailureClass.PROVIDER_AUTH)
    claimed = house.take()
    assert (claimed.provider, claimed.model) == ("cheap", "small")
    house.succeeds(claimed)
    assert house.farm.ledger(job) == [("hold", -20_000), ("settle", 12_000)]
    assert house.farm.job(job).charged_mc == 8_000


def test_a_dearer_stand_in_costs_no_more_than_was_held(house: ProviderFarm) -> None:
    job = house.submit()
    house.fails(house.take(), FailureClass.TIMEOUT)
    house.succeeds(house.take())
    assert house.farm.ledger(job) == [("hold", -20_000), ("settle", 0)]


def test_three_failed_calls_end_the_job_and_cost_nothing(house: ProviderFarm) -> None:
    job = house.submit()
    house.fails(house.take(), FailureClass.TIMEOUT)
    for _ in range(2):
        house.fails(house.take(), FailureClass.PROVIDER_AUTH)
    assert house.farm.job(job).state is JobState.FAILED
    assert [provider for provider, _ in house.went(job)] == ["own", "rented", "cheap"]
    assert house.farm.ledger(job) == [("hold", -20_000), ("release", 20_000)]
    last = house.decisions(job)[-1].then
    assert last is not None
    assert last.what == "give_up"
    assert violations(house.farm.store) == []


@pytest.mark.parametrize("failure", [FailureClass.POLICY, FailureClass.INVALID_INPUT])
def test_a_refusal_is_never_taken_elsewhere(house: ProviderFarm, failure: FailureClass) -> None:
    job = house.submit()
    house.fails(house.take(), failure)
    assert house.farm.job(job).state is JobState.FAILED
    assert len(house.went(job)) == 1


def test_without_failover_only_the_first_is_asked(house: ProviderFarm) -> None:
    job = house.submit(failover=False)
    house.fails(house.take(), FailureClass.TRANSIENT)
    house.pass_time(2.0)
    house.fails(house.take(), FailureClass.TRANSIENT)
    house.pass_time(5.0)
    house.fails(house.take(), FailureClass.TRANSIENT)
    assert {provider for provider, _ in house.went(job)} == {"own"}
    assert house.farm.job(job).state is JobState.FAILED


def test_corrupt_output_is_asked_for_once_more_under_a_new_key(house: ProviderFarm) -> None:
    house.submit()
    first = house.take()
    house.fails(first, FailureClass.CORRUPT_OUTPUT)
    house.pass_time(2.0)
    second = house.take()
    assert second.provider == first.provider
    assert second.idempotency_key != first.idempotency_key
    house.fails(second, FailureClass.CORRUPT_OUTPUT)
    assert house.take().provider == "rented"


def test_a_grown_task_has_its_provider_too(house: ProviderFarm) -> None:
    job = house.farm.submit(house.caller, Probe())
    house.settle()
    claimed = house.farm.claim(house.farm.post.messages.pop(0), "w-cpu-render")
    assert claimed is not None
    grown = KIND.plan(ProviderProbe(model="small"))
    house.report(claimed, work.Report(Outcome.SUCCEEDED, tasks=grown))
    taken = house.take()
    assert (taken.provider, taken.model) == ("cheap", "small")
    house.succeeds(taken)
    assert house.farm.job(job).state is JobState.COMPLETED
    assert violations(house.farm.store) == []


# --- breakers ---------------------------------------------------------------------------------------------


def test_an_open_breaker_moves_what_waits_and_tells_why(house: ProviderFarm) -> None:
    house.trip()
    job = house.submit()
    claimed = house.take()
    while claimed.job_id != job:
        house.succeeds(claimed)
        claimed = house.take()
    assert claimed.provider == "rented"
    decision = house.decisions(job)[0]
    assert decision.why == "circuit_open"
    assert [(s.provider, s.reason) for s in decision.skipped] == [("own", "circuit_open")]
    house.succeeds(claimed)
    work_off(house)


def test_what_is_parked_blocks_nothing_else_of_its_account(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    tripped = house.trip()
    house.submit()
    house.settle()
    plain = farm.submit(house.caller, Probe())
    claimed = house.take()
    assert claimed.job_id == plain
    assert len(tripped) == 3
    house.succeeds(claimed)
    work_off(house)


def test_half_open_lets_exactly_one_probe_through(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    for _ in range(4):
        house.submit()
    house.settle()
    assert not farm.post.messages
    house.pass_time(16.0)
    assert len(farm.post.messages) == 1
    house.pass_time(1.0)
    assert len(farm.post.messages) == 1
    probe = house.take()
    house.fails(probe, FailureClass.TRANSIENT, code="connection")
    seen = house.breaker("own")
    assert seen is not None
    assert (seen.state, seen.until - farm.clock.now()) == ("open", pytest.approx(30.0, abs=2.0))
    house.pass_time(31.0)
    assert len(farm.post.messages) == 1
    house.succeeds(house.take())
    house.pass_time(2.0)
    assert len(farm.post.messages) > 1
    work_off(house)


def test_a_probe_that_is_cancelled_gives_its_turn_to_another(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    house.submit()
    house.submit()
    house.pass_time(16.0)
    probe = farm.post.messages.pop()
    with farm.store.read() as connection:
        job_id = connection.scalar(
            select(jobs.c.id)
            .join(attempts, attempts.c.job_seq == jobs.c.seq)
            .where(attempts.c.id == probe.attempt_id)
        )
    cancel(farm.hall, None, str(job_id))
    house.pass_time(1.0)
    house.pass_time(16.0)
    assert len(farm.post.messages) == 1
    work_off(house)


def test_an_accepted_probe_closes_the_breaker_of_submissions_at_once(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    for _ in range(3):
        house.submit()
    house.pass_time(16.0)
    probe = house.take()
    assert house.accepts(probe, "p-1")
    house.pass_time(2.0)
    house.pass_time(15.0)
    seen = house.breaker("own")
    assert seen is not None
    assert seen.state == "closed"
    assert farm.post.messages


def test_a_busy_provider_is_left_alone_as_long_as_it_asked(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.submit()
    house.submit()
    claimed = house.take()
    house.fails(claimed, FailureClass.CAPACITY, retry_after_s=40.0)
    other = house.take()  # it was on its way already
    house.succeeds(other)
    third = house.submit()
    house.pass_time(39.0)
    assert not farm.post.messages
    house.pass_time(3.0)
    taken = {house.take().job_id, house.take().job_id}
    assert third in taken


def test_breakers_are_the_same_for_every_scheduler(house: ProviderFarm) -> None:
    house.trip()
    house.farm.scheduler = Scheduler(house.farm.hall, house.farm.post)
    job = house.submit()
    house.settle()
    assert house.choice(job).provider == "rented"


def test_completion_is_judged_apart_from_submission(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE, max_attempts=1)
    for number in range(5):
        house.submit()
        claimed = house.take()
        house.accepts(claimed, f"p-{number}")
        house.drops(claimed)
        house.fails(claimed, FailureClass.TRANSIENT)
    submission, completion = house.breaker("own"), house.breaker("own", "completion")
    assert submission is not None
    assert completion is not None
    assert (submission.state, completion.state) == ("closed", "open")


# --- limits -----------------------------------------------------------------------------------------------

LIMITED = THREE.replace(
    'pool = "cpu-render"\n[providers.rented]', 'pool = "cpu-render"\nmax_running = 2\n[providers.rented]'
)


def test_a_provider_runs_no_more_than_its_limit_and_the_rest_goes_to_the_same_model(farm: Farm) -> None:
    house = ProviderFarm(farm, LIMITED)
    for _ in range(5):
        house.submit()
    taken = [house.take().provider for _ in range(5)]
    assert sorted(taken, key=str) == ["own", "own", "rented", "rented", "rented"]


def test_a_full_provider_without_an_equal_is_waited_for_and_blocks_nobody(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE.replace("remote = true", "max_running = 1"))
    jobs = [house.submit() for _ in range(3)]
    bob = farm.caller("bob")
    late = house.submit(bob)
    first = house.take()
    assert not farm.post.messages
    plain = farm.submit(house.caller, Probe())
    claimed = house.take()
    assert claimed.job_id == plain
    house.succeeds(claimed)
    order = [first.job_id]
    house.pass_time(4.0)
    house.succeeds(first)
    while len(order) < 4:
        claimed = house.take()
        order.append(claimed.job_id)
        assert not farm.post.messages
        house.pass_time(4.0)
        house.succeeds(claimed)
    assert sorted(order) == sorted([*jobs, late])
    assert order.index(late) < 3  # he has his share of the provider too
    assert violations(farm.store) == []


def test_two_full_providers_do_not_send_tasks_to_and_fro(farm: Farm) -> None:
    own = LIMITED.replace("max_running = 2", "max_running = 1")
    house = ProviderFarm(farm, own.replace("remote = true", "max_running = 1", 1))
    jobs = [house.submit() for _ in range(12)]
    house.settle()
    while farm.post.messages:
        taken = [house.take() for _ in range(len(farm.post.messages))]
        assert len(taken) <= 2
        for claimed in taken:
            house.succeeds(claimed)
    assert all(farm.job(job).state is JobState.COMPLETED for job in jobs)
    assert max(len(house.decisions(job)[0].skipped) for job in jobs) <= 2
    assert {provider for job in jobs for provider, _ in house.went(job)} == {"own", "rented"}
    assert violations(farm.store) == []


def test_a_refused_key_keeps_all_models_of_the_provider_away(farm: Farm) -> None:
    house = ProviderFarm(
        farm, THREE.replace('offers = [{ provider = "cheap"', 'offers = [{ provider = "own"')
    )
    house.submit()
    house.fails(house.take(), FailureClass.PROVIDER_AUTH)
    house.succeeds(house.take())
    house.submit(model="small")
    house.settle()
    assert not farm.post.messages


# --- nothing is bought twice ------------------------------------------------------------------------------


def test_a_lost_lease_resumes_what_was_bought(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    job = house.submit()
    first = house.take()
    assert house.accepts(first, "p-1")
    house.lose(first)
    second = house.take()
    assert (second.provider_ref, second.in_doubt) == ("p-1", False)
    assert second.idempotency_key == first.idempotency_key
    assert not house.accepts(first, "p-2")  # back from the dead
    house.succeeds(second)
    assert farm.job(job).state is JobState.COMPLETED
    assert house.decisions(job)[1].resumes


def test_a_worker_lost_before_acceptance_leaves_a_doubt_with_its_key(house: ProviderFarm) -> None:
    house.submit(model="small")
    first = house.take()
    house.lose(first)
    second = house.take()
    assert (second.provider_ref, second.in_doubt) == (None, True)
    assert second.idempotency_key == first.idempotency_key


def test_an_ambiguous_submit_moves_only_when_the_provider_has_denied_it(house: ProviderFarm) -> None:
    with_other = THREE.replace("[routes.probe.small]", '[routes.probe.small]\nfallbacks = ["big"]')
    house = ProviderFarm(house.farm, with_other)
    house.submit(model="small")
    house.fails(house.take(), FailureClass.AMBIGUOUS)
    house.pass_time(3.0)
    second = house.take()
    assert (second.provider, second.in_doubt) == ("cheap", True)
    house.fails(second, FailureClass.AMBIGUOUS)
    house.pass_time(5.0)
    third = house.take()
    assert third.provider == "cheap"
    house.fails(third, FailureClass.CAPACITY, retry_after_s=100.0)  # looked up: absent
    assert house.take().provider == "own"


def test_an_unresolved_doubt_fails_the_job_rather_than_buy_twice(house: ProviderFarm) -> None:
    job = house.submit(model="small")
    for _ in range(house.farm.hall.catalog.retry["ambiguous"].max_attempts):
        house.fails(house.take(), FailureClass.AMBIGUOUS)
        house.pass_time(70.0)
    assert house.farm.job(job).state is JobState.FAILED
    assert {provider for provider, _ in house.went(job)} == {"cheap"}


def test_what_takes_too_long_moves_once_the_provider_has_let_go(house: ProviderFarm) -> None:
    with_other = THREE.replace("[routes.probe.small]", '[routes.probe.small]\nfallbacks = ["big"]')
    house = ProviderFarm(house.farm, with_other)
    house.submit(model="small")
    claimed = house.take()
    house.accepts(claimed, "p-1")
    house.fails(claimed, FailureClass.TIMEOUT)
    house.pass_time(2.0)
    again = house.take()
    assert (again.provider, again.provider_ref) == ("cheap", "p-1")
    assert house.drops(again)
    house.fails(again, FailureClass.TIMEOUT)
    assert house.take().provider == "own"


def test_what_is_given_back_goes_on_where_it_was(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.submit()
    claimed = house.take()
    house.accepts(claimed, "p-1")
    house.report(claimed, work.Report(Outcome.RETURNED))
    assert house.take().provider_ref == "p-1"


# --- budgets ----------------------------------------------------------------------------------------------


def test_an_account_may_not_multiply_its_load_by_retries(farm: Farm) -> None:
    house = ProviderFarm(farm, retries_per_hour=2.0, min_calls=1000, unreachable_in_row=1000)
    calls = 0
    for _ in range(30):
        house.submit()
        house.settle()
        while farm.post.messages:
            house.fails(house.take(), FailureClass.TRANSIENT)
            house.pass_time(2.0)
            calls += 1
    assert 30 + 2 <= calls <= 30 + 2 + 4
    bob = ProviderFarm.submit(house, farm.caller("bob"))
    house.fails(house.take(), FailureClass.TRANSIENT)
    assert farm.job(bob).state is not JobState.FAILED  # another account's budget is its own


# --- an operator changes the catalog ----------------------------------------------------------------------


def test_a_provider_that_is_taken_away_is_left(house: ProviderFarm) -> None:
    job = house.submit()
    gone = THREE.replace('  { provider = "own", price = "20", estimated_s = 4.0 },\n', "")
    ProviderFarm(house.farm, gone)
    assert house.take().provider == "rented"
    assert house.decisions(job)[0].why == "removed"


def test_a_provider_whose_workers_are_gone_is_left_after_a_while(farm: Farm) -> None:
    toml = THREE.replace('[providers.own]\npool = "cpu-render"', '[providers.own]\npool = "asr-align"')
    house = ProviderFarm(farm, toml)
    job = house.submit()
    house.settle()
    assert not farm.post.messages
    house.pass_time(31.0)
    house.pass_time(1.0)
    claimed = house.take()
    assert (claimed.job_id, claimed.provider) == (job, "rented")
    house.succeeds(claimed)
    assert violations(farm.store) == []


# --- what can be read afterwards --------------------------------------------------------------------------


def test_why_a_job_waits_for_its_provider(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    job = house.submit()
    house.settle()
    (said,) = why(farm.hall, None, job)
    assert said.startswith("call: provider own (big) rests another 15 s after failures (transient)")
    house.pass_time(16.0)
    waiting = [why(farm.hall, None, j.id)[0] for j in list_jobs(farm.hall, None) if not j.ended]
    assert any("one task tries whether it is well again" in words for words in waiting)


def test_why_a_job_waits_for_a_full_provider(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE.replace("remote = true", "max_running = 1"))
    house.submit()
    job = house.submit()
    house.settle()
    assert why(farm.hall, None, job) == ["call: provider own already runs 1 tasks, its limit."]


def test_what_happened_is_derived_from_the_attempts(house: ProviderFarm) -> None:
    job = house.submit()
    house.fails(house.take(), FailureClass.TIMEOUT)
    second = house.take()
    house.accepts(second, "p-1")
    house.drops(second)
    house.fails(second, FailureClass.CAPACITY, retry_after_s=600.0)
    third = house.take()
    house.accepts(third, "p-2")
    house.succeeds(third)
    seen = house.farm.job(job)
    found = provider_facts(seen.tasks[0], house.farm.attempts(job))
    assert found is not None
    assert (found.model, found.model_actual, found.failover_used) == ("auto", "small", True)
    assert (found.provider_requested, found.submission_failover_reason) == ("big", "timeout")
    assert (found.async_capacity_failover_attempted, found.async_capacity_failover_reason) == (
        True,
        "capacity",
    )
    assert (found.prediction_id_original, found.prediction_id_current) == ("p-1", "p-2")
    assert said_of(house.decisions(job)[0]) == "went on to rented (big)"


def test_prometheus_hears_of_calls_breakers_and_success(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    meter = Meter()
    farm.scheduler = Scheduler(farm.hall, farm.post, meter)
    meter.registry.register(StoreCollector(farm.hall))
    house.trip()

    def value(name: str, **labels: str) -> float | None:
        return meter.registry.get_sample_value(name, {"provider": "own", "model": "big", **labels})

    assert value("farm_provider_calls_total", outcome="transient") == 3
    assert value("farm_breakers", phase="submission", state="open") == 1
    assert value("farm_provider_success") == pytest.approx(0.8**3)
