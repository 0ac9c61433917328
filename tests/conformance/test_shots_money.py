"""What a film of several shots costs, on both engines: all of its shots, or nothing."""

from decimal import Decimal

from farm.doors.served import served
from farm.errors import FailureClass
from farm.states import JobState, TaskState
from tasks.multi_shot import MultiShot, Shot, Transition
from tests.conformance.test_served import FILMS
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import ProviderFarm

SHOT_MC, PURSE_MC = 60_000, 1_000_000  # what kling-o3-pro takes for five seconds, C-085
SHOTS = tuple(Shot(prompt=f"shot {number}") for number in range(3))


def film(house: ProviderFarm, join: Transition = Transition.CUT) -> str:
    asked = MultiShot(
        prompt="shot 0", shots=SHOTS, transitions=(join, join), length_s=Decimal(15), failover=False
    )
    return house.farm.submit(house.caller, asked)


def cut_house(farm: Farm) -> ProviderFarm:
    house = ProviderFarm(farm, FILMS)
    house.caller = farm.caller("grace", balance_mc=PURSE_MC)
    return house


def test_c066_c093_one_failed_shot_fails_the_film_and_all_of_it_comes_back(farm: Farm) -> None:
    house = cut_house(farm)
    job_id = film(house)
    assert farm.ledger(job_id) == [("hold", -3 * SHOT_MC)]
    first, second, third = (house.take() for _ in range(3))
    house.accepts(first, "bought_1")
    house.succeeds(first)
    assert farm.job(job_id).state is JobState.RUNNING
    house.fails(second, FailureClass.POLICY)

    ended = farm.job(job_id)
    assert (ended.state, ended.charged_mc) == (JobState.FAILED, 0)
    assert ended.failure is not None and ended.failure.failure_class == FailureClass.POLICY
    assert farm.ledger(job_id) == [("hold", -3 * SHOT_MC), ("release", 3 * SHOT_MC)]
    told = served(farm.hall, None, job_id)
    assert (told.credits_mc, told.refunded_mc) == (0, 3 * SHOT_MC)

    house.succeeds(third)  # too late to count: the film has failed
    house.settle()
    states = {task.name: task.state for task in farm.job(job_id).tasks}
    assert states.pop("shot-1") is TaskState.SUCCEEDED
    assert states.pop("shot-2") is TaskState.FAILED
    assert set(states.values()) == {TaskState.CANCELLED}, "nothing of it is joined"
    assert not farm.post.messages
    assert farm.ledger(job_id)[1:] == [("release", 3 * SHOT_MC)]
    assert violations(farm.store) == []
