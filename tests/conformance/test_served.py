"""What an answer tells of who served a job, derived from its attempts, on both engines.

The public fields `model_actual` (C-081), `failover_used` (C-086), `adjusted_credits` (C-102), and the debug
block: C-103 to C-115. Seed 003 shows `auto` at kling-o3-pro with seedance five points better.
"""

import pytest

from farm.doors.jobs import list_jobs
from farm.doors.served import served, served_all
from farm.errors import FailureClass, NotFound
from farm.states import JobState
from tasks.generate_video import GenerateVideo
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import ProviderFarm

FILMS = """
[providers.kuaishou]
pool = "gpu-generate"
resource = "io"
remote = true
[providers.bytedance]
pool = "gpu-generate"
resource = "io"
remote = true
[routes.text-to-video.kling-o3-pro-t2v]
fallbacks = ["seedance-t2v"]
quality = 50.0
offers = [{ provider = "kuaishou", price = "1", estimated_s = 60.0 }]
[routes.text-to-video.seedance-t2v]
quality = 55.0
offers = [{ provider = "bytedance", price = "1", estimated_s = 60.0 }]
[auto]
text-to-video = "kling-o3-pro-t2v"
"""
KLING, SEEDANCE = "kling-o3-pro-t2v", "seedance-t2v"
KEYS = [
    "provider_requested",
    "provider_actual",
    "submission_failover_used",
    "submission_failover_reason",
    "routing_safe_fallback_applied",
    "routing_fallback_reason",
    "routing_preferred_provider",
    "routing_legacy_provider",
    "routing_confidence_margin",
    "async_capacity_failover_attempted",
    "async_capacity_failover_reason",
    "prediction_id_original",
    "prediction_id_current",
]


def film(house: ProviderFarm, **params: object) -> str:
    asked = GenerateVideo.model_validate({"prompt": "A drone shot over a coastal city", **params})
    return house.farm.submit(house.caller, asked)


@pytest.fixture
def house(farm: Farm) -> ProviderFarm:
    return ProviderFarm(farm, FILMS + "[quality]\nenabled = true\n")


def test_c103_to_c115_the_seeds_example_word_for_word(house: ProviderFarm) -> None:
    job = film(house)
    before = served(house.farm.hall, None, job)
    assert (before.model, before.model_actual, before.failover_used) == ("auto", KLING, False)
    claimed = house.take()
    house.accepts(claimed, "pred_auto_1")
    house.succeeds(claimed)
    found = served(house.farm.hall, None, job)
    assert (found.credits_mc, found.adjusted_mc, found.refunded_mc) == (60_000, None, 0)
    assert list(found.debug) == KEYS
    assert found.debug == {
        "provider_requested": KLING,
        "provider_actual": KLING,
        "submission_failover_used": False,
        "submission_failover_reason": None,
        "routing_safe_fallback_applied": True,
        "routing_fallback_reason": "insufficient_margin_over_legacy",
        "routing_preferred_provider": SEEDANCE,
        "routing_legacy_provider": KLING,
        "routing_confidence_margin": 5.0,
        "async_capacity_failover_attempted": False,
        "async_capacity_failover_reason": None,
        "prediction_id_original": None,
        "prediction_id_current": "pred_auto_1",
    }


def test_c107_a_model_that_is_much_better_is_taken_and_that_is_no_failover(farm: Farm) -> None:
    house = ProviderFarm(farm, FILMS.replace("55.0", "60.0") + "[quality]\nenabled = true\n")
    job = film(house)
    claimed = house.take()
    assert (claimed.provider, claimed.model) == ("bytedance", SEEDANCE)
    house.succeeds(claimed)
    found = served(farm.hall, None, job)
    assert (found.model_actual, found.failover_used, found.credits_mc) == (SEEDANCE, False, 30_000)
    assert found.debug["provider_requested"] == SEEDANCE
    assert found.debug["routing_safe_fallback_applied"] is False
    assert found.debug["routing_fallback_reason"] is None
    assert found.debug["routing_confidence_margin"] == 10.0
    assert violations(farm.store) == []


def test_c108_the_gate_is_shut_unless_the_operator_opens_it(farm: Farm) -> None:
    house = ProviderFarm(farm, FILMS.replace("55.0", "90.0"))
    job = film(house)
    assert house.take().model == KLING
    found = served(farm.hall, None, job)
    assert found.debug["routing_fallback_reason"] == "quality_routing_disabled"
    assert found.debug["routing_preferred_provider"] == SEEDANCE


def test_c109_health_weighs_too(house: ProviderFarm) -> None:
    for _ in range(4):
        film(house, model="kling-o3-pro")
        house.fails(house.take(), FailureClass.TIMEOUT)
        house.farm.post.messages.clear()
    job = film(house)
    assert house.take().job_id == job
    found = served(house.farm.hall, None, job)
    assert found.model_actual == SEEDANCE
    assert found.debug["routing_legacy_provider"] == KLING
    assert float(str(found.debug["routing_confidence_margin"])) > 10.0


def test_a_preview_for_nothing_is_never_preferred_to_what_is_paid_for(farm: Farm) -> None:
    free = FILMS.replace('{ provider = "bytedance", price = "1"', '{ provider = "bytedance", price = "0"')
    house = ProviderFarm(farm, free.replace("55.0", "90.0") + "[quality]\nenabled = true\n")
    film(house)
    assert house.take().model == KLING


def test_routing_is_told_of_auto_alone(house: ProviderFarm) -> None:
    job = film(house, model="kling-o3-pro")
    house.succeeds(house.take())
    debug = served(house.farm.hall, None, job).debug
    assert [debug[key] for key in KEYS if key.startswith("routing")] == [False, None, None, None, None]


def test_c102_c104_to_c106_a_cheaper_stand_in_before_acceptance(house: ProviderFarm) -> None:
    job = film(house, model="kling-o3-pro")
    house.fails(house.take(), FailureClass.PROVIDER_AUTH)
    waiting = served(house.farm.hall, None, job)
    assert (waiting.model, waiting.model_actual) == ("kling-o3-pro", SEEDANCE)
    assert (waiting.credits_mc, waiting.adjusted_mc) == (30_000, 30_000)
    house.succeeds(house.take())
    found = served(house.farm.hall, None, job)
    assert (found.failover_used, found.credits_mc, found.adjusted_mc) == (True, 30_000, 30_000)
    assert (found.debug["provider_requested"], found.debug["provider_actual"]) == (KLING, SEEDANCE)
    assert (found.debug["submission_failover_used"], found.debug["submission_failover_reason"]) == (
        True,
        "provider_unavailable",
    )
    assert found.debug["async_capacity_failover_attempted"] is False


def test_c112_to_c115_a_stand_in_after_acceptance_keeps_both_predictions(house: ProviderFarm) -> None:
    job = film(house, model="kling-o3-pro")
    first = house.take()
    house.accepts(first, "pred-1")
    house.drops(first)
    house.fails(first, FailureClass.CAPACITY, retry_after_s=600.0)
    second = house.take()
    house.accepts(second, "pred-2")
    house.succeeds(second)
    found = served(house.farm.hall, None, job)
    assert found.failover_used
    assert found.debug["submission_failover_used"] is False
    assert found.debug["async_capacity_failover_attempted"] is True
    assert found.debug["async_capacity_failover_reason"] == "capacity"
    assert (found.debug["prediction_id_original"], found.debug["prediction_id_current"]) == (
        "pred-1",
        "pred-2",
    )


def test_an_option_that_a_provider_lacks_is_asked_of_another_and_not_held_against_it(
    house: ProviderFarm,
) -> None:
    for _ in range(6):
        job = film(house, model="kling-o3-pro")
        house.fails(house.take(), FailureClass.UNSUPPORTED, code="unsupported_option")
        house.succeeds(house.take())
    found = served(house.farm.hall, None, job)
    assert found.debug["submission_failover_reason"] == "unsupported_option"
    assert house.went(job) == [("kuaishou", "unsupported_option"), ("bytedance", "succeeded")]
    seen = house.breaker("kuaishou")
    assert seen is None or seen.state == "closed"


def test_a_job_that_failed_costs_nothing_and_tells_what_came_back(house: ProviderFarm) -> None:
    job = film(house)
    house.fails(house.take(), FailureClass.POLICY)
    found = served(house.farm.hall, None, job)
    assert house.farm.job(job).state is JobState.FAILED
    assert (found.credits_mc, found.adjusted_mc, found.refunded_mc) == (0, None, 60_000)


def test_many_jobs_are_told_of_at_once_and_nobody_elses(house: ProviderFarm) -> None:
    mine = [film(house) for _ in range(3)]
    found = served_all(house.farm.hall, list_jobs(house.farm.hall, house.caller.account.id))
    assert sorted(found) == sorted(mine)
    assert all(one.model_actual == KLING for one in found.values())
    with pytest.raises(NotFound):
        served(house.farm.hall, house.farm.caller("bob").account.id, mine[0])
