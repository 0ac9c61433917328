"""What becomes of tasks whose provider an operator takes out of providers.toml (issue 6, failover)."""

import pytest

from farm.doors.why import why
from farm.states import JobState
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import ProviderFarm

ONE = """
[providers.own]
pool = "cpu-render"
remote = true
[providers.other]
pool = "cpu-render"
[routes.probe.big]
offers = [{ provider = "own", price = "20", estimated_s = 4.0 }]
[routes.probe.small]
offers = [{ provider = "other", price = "8", estimated_s = 1.0 }]
"""
WITHOUT_PROVIDER = ONE.replace('{ provider = "own"', '{ provider = "other"').replace(
    '[providers.own]\npool = "cpu-render"\nremote = true\n', ""
)
WITHOUT_MODEL = ONE.replace("[routes.probe.big]", "[routes.probe.medium]")


def test_a_purchase_of_a_provider_that_is_gone_fails_its_job_and_costs_nothing(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    job = house.submit(model="big")
    bought = house.take()
    house.accepts(bought, "p-1")
    house = ProviderFarm(farm, WITHOUT_PROVIDER)
    house.lose(bought)
    house.settle()
    assert why(farm.hall, None, job) == [
        "call: providers.toml has nobody for big any more; the job fails in 300 s."
    ]
    house.pass_time(299.0)
    assert not farm.job(job).ended  # nobody else may be asked, and the operator may think better of it
    house.pass_time(2.0)
    found = farm.job(job)
    assert found.state is JobState.FAILED and found.failure is not None
    assert (found.failure.failure_class, found.failure.code) == ("ambiguous", "provider_removed")
    assert "own, which may have done it" in found.failure.message
    assert found.charged_mc == 0
    assert violations(farm.store) == []


def test_a_model_that_nobody_offers_any_more_fails_what_waits_for_it(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    job = house.submit(model="big")
    house = ProviderFarm(farm, WITHOUT_MODEL)
    house.settle()
    assert not farm.post.messages
    house.pass_time(301.0)
    house.pass_time(1.0)
    failure = farm.job(job).failure
    assert failure is not None and failure.message == "No provider of this farm offers big any more."
    assert violations(farm.store) == []


@pytest.mark.parametrize("broken", [WITHOUT_PROVIDER, WITHOUT_MODEL])
def test_who_is_offered_again_goes_on(farm: Farm, broken: str) -> None:
    house = ProviderFarm(farm, ONE)
    job = house.submit(model="big")
    bought = house.take()
    house.accepts(bought, "p-1")
    house = ProviderFarm(farm, broken)
    house.lose(bought)
    house.pass_time(100.0)
    house = ProviderFarm(farm, ONE)
    house.pass_time(301.0)
    resumed = house.take()
    assert (resumed.job_id, resumed.provider, resumed.provider_ref) == (job, "own", "p-1")
    house.succeeds(resumed)
    assert farm.job(job).state is JobState.COMPLETED
    assert violations(farm.store) == []
