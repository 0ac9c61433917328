"""Defects that a review found, each as the story in which it was seen first, on both engines."""

import pytest
from sqlalchemy import select, update

from farm.doors import work
from farm.doors.jobs import cancel
from farm.doors.why import why
from farm.errors import FailureClass
from farm.job import JobSpec
from farm.doors.submit import submit
from farm.kinds import TaskSpec
from farm.providers import Route
from farm.states import JobState, Outcome
from farm.store.schema import lanes, workers, breakers
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
TWO = """
[providers.own]
pool = "cpu-render"
remote = true
[providers.rented]
pool = "cpu-render"
remote = true
[routes.probe.big]
offers = [
  { provider = "own", price = "20", estimated_s = 4.0 },
  { provider = "rented", price = "30", estimated_s = 4.0 },
]
"""


def limited(toml: str, provider: str, most: int) -> str:
    return toml.replace(f"[providers.{provider}]", f"[providers.{provider}]\nmax_running = {most}")


def test_p1_what_came_to_nothing_is_never_asked_for_under_its_key_again(farm: Farm) -> None:
    """The task went to another provider of the same model meanwhile, and came back."""
    house = ProviderFarm(farm, limited(TWO.replace("remote = true", ""), "own", 1))
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


def test_p2_what_was_bought_is_resumed_though_others_come_first_now(farm: Farm) -> None:
    house = ProviderFarm(farm, TWO)
    job = house.submit(failover=False)
    first = house.take()
    assert first.provider == "own"
    house.accepts(first, "p-1")
    a, b = [line for line in TWO.splitlines() if line.startswith("  {")]
    turned = TWO.replace(a, "X").replace(b, a).replace("X", b)
    house = ProviderFarm(farm, turned)
    house.lose(first)
    second = house.take()
    assert (second.job_id, second.provider, second.provider_ref) == (job, "own", "p-1")


def test_p4_a_full_provider_serves_those_of_one_that_rests_as_it_can(farm: Farm) -> None:
    house = ProviderFarm(farm, limited(TWO, "rented", 1), rest_s=300.0)
    house.trip()
    for _ in range(3):
        house.submit()
    house.pass_time(6.0)
    for _ in range(6):
        claimed = house.take()
        assert claimed.provider == "rented"
        house.pass_time(2.0)
        house.succeeds(claimed)


def test_p5_completion_closes(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE, max_attempts=1)
    for number in range(5):
        house.submit()
        claimed = house.take()
        house.accepts(claimed, f"p-{number}")
        house.drops(claimed)
        house.fails(claimed, FailureClass.TRANSIENT)
    assert house.breaker("own", "completion").state == "open"
    for _ in range(4):
        house.submit()
    house.pass_time(20.0)
    house.succeeds(house.take())
    house.pass_time(2.0)
    assert house.breaker("own", "completion").state == "closed"
    assert len(farm.post.messages) > 1


def test_p6_refused_at_the_door_is_no_doubt(farm: Farm) -> None:
    house = ProviderFarm(farm, TWO)
    job = house.submit()
    house.settle()
    message = farm.post.messages.pop(0)
    with farm.store.write() as connection:
        connection.execute(update(workers).values(kept_out="draining"))
    assert farm.claim(message, "w-cpu-render") is None
    with farm.store.write() as connection:
        connection.execute(update(workers).values(kept_out=None))
    house.settle()
    assert not house.choice(job).in_doubt


def test_p7_late_refusals(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    for _ in range(6):
        house.submit()
    taken = [house.take() for _ in range(6)]
    for claimed in taken:
        house.fails(claimed, FailureClass.PROVIDER_AUTH)
    seen = house.breaker("own")
    assert seen.until - farm.clock.now() <= 15.0


def test_p8_clock_back(farm: Farm) -> None:
    house = ProviderFarm(farm, ONE)
    house.trip()
    farm.clock.advance(s=-7200.0)
    house.announce()
    house.submit()
    house.pass_time(1.0)
    for _ in range(8):
        house.pass_time(100.0)
    assert farm.post.messages


def test_p9_no_worker(farm: Farm) -> None:
    toml = TWO.replace('[providers.rented]\npool = "cpu-render"', '[providers.rented]\npool = "asr-align"')
    house = ProviderFarm(farm, toml)
    job = house.submit()
    house.fails(house.take(), FailureClass.TRANSIENT)
    house.pass_time(2.0)
    house.fails(house.take(), FailureClass.TRANSIENT)
    for _ in range(20):
        house.pass_time(100.0)
    print(why(farm.hall, None, job), house.went(job))
    assert farm.post.messages or farm.job(job).ended


def test_p10_full_closes_another_model(farm: Farm) -> None:
    toml = limited(TWO, "own", 1) + """
[routes.probe.solo]
offers = [{ provider = "own", price = "20", estimated_s = 4.0 }]
"""
    house = ProviderFarm(farm, toml)
    house.submit(model="solo")
    held = house.take()
    for _ in range(3):
        house.submit(model="solo")
    other = house.submit(model="big")
    house.settle()
    assert farm.post.messages
    assert house.take().job_id == other


def test_p13_raw_network(farm: Farm) -> None:
    house = ProviderFarm(farm, TWO)
    job = house.submit()
    first = house.take()
    house.fails(first, FailureClass.TRANSIENT, code="network")
    assert house.choice(job).in_doubt


def test_p3_job_limit_and_move(farm: Farm) -> None:
    house = ProviderFarm(farm, THREE, no_worker_s=0.0)
    house.trip()
    farm.post.messages.clear()
    for _ in range(20):
        house.pass_time(1.0)
        while farm.post.messages:
            house.succeeds(house.take())
    house.trip()
    spec = JobSpec(params=Probe(), max_running=2)
    job = submit(farm.hall, house.caller, spec).job_id
    for _ in range(20):
        farm.scheduler.tick()
        if farm.post.messages:
            break
    claimed = None
    while claimed is None or claimed.job_id != job:
        if claimed is not None:
            house.succeeds(claimed)
        claimed = house.take()
    grown = KIND.plan(ProviderProbe())[0]
    first = [grown.model_copy(update={"name": f"a{n}"}) for n in range(3)]
    plain = [TaskSpec(name=f"p{n}", step="probe", pool="cpu-render", estimated_s=5.0, params={}) for n in range(6)]
    house.report(claimed, work.Report(Outcome.SUCCEEDED, tasks=[*first, *plain]))
    with farm.store.read() as c:
        for row in c.execute(select(lanes)):
            print(row.id, row.sort_id, row.ready, row.busy, row.open)
    for _ in range(200):
        house.pass_time(1.0)
        if not farm.post.messages:
            house.pass_time(60.0)
            if not farm.post.messages:
                break
        while farm.post.messages:
            house.succeeds(house.take())
    assert violations(farm.store) == []
