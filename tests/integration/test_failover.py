"""Providers that misbehave over real HTTP, with real workers and engines: where jobs end, what they buy."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.doors.jobs import job_attempts
from farm.store.schema import ledger
from tasks.provider_probe import ProviderProbe
from tests.providers import Shop
from tests.running import FARM, RunningFarm, eventually
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow

PROVIDERS = """
[providers.first]
pool = "cpu-render"
remote = true
url = "{first}"
[providers.second]
pool = "cpu-render"
remote = true
url = "{second}"
[routes.probe.big]
fallbacks = ["small"]
offers = [{{ provider = "first", price = "20", estimated_s = 1.0 }}]
[routes.probe.small]
offers = [{{ provider = "second", price = "8", estimated_s = 1.0 }}]
[failover]
rest_s = 1.0
patience_s = 0.2
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        yield shop


@pytest.fixture
def farm(
    request: pytest.FixtureRequest, tmp_path: Path, valkey: EmbeddedValkey, shop: Shop
) -> Iterator[WorkerFarm]:
    """On SQLite unless a test asks for PostgreSQL."""
    url = request.getfixturevalue("postgres").fresh() if hasattr(request, "param") else None
    providers = PROVIDERS.format(first=shop.url("first"), second=shop.url("second"))
    with WorkerFarm(tmp_path, valkey.url, database_url=url, providers=providers) as farm:
        yield farm


def ask(farm: WorkerFarm, **params: object) -> str:
    return farm.submit(ProviderProbe.model_validate({"prompt": "a lighthouse", **params}))


def went(farm: WorkerFarm, job_id: str) -> list[tuple[str | None, str | None]]:
    """Each attempt's provider and how it ended."""
    return [(a.provider, a.failure_class or a.outcome) for a in farm.attempts(job_id)]


def settled_mc(farm: WorkerFarm, job_id: str) -> int:
    """What the job cost in the end, by the ledger."""
    with farm.hall.store.read() as connection:
        entries = connection.scalars(
            select(ledger.c.amount_mc).where(ledger.c.job_seq == farm.job(job_id).seq)
        )
        return -int(sum(entries))


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        (["ok"], [("first", "succeeded")]),
        (["broken", "ok"], [("first", "transient"), ("first", "succeeded")]),
        (["broken", "broken"], [("first", "transient"), ("first", "transient"), ("second", "succeeded")]),
        (["busy"], [("first", "capacity"), ("second", "succeeded")]),
        (["refuse"], [("first", "provider_auth"), ("second", "succeeded")]),
        (["wrong", "ok"], [("first", "corrupt_output"), ("first", "succeeded")]),
        (["fails", "fails"], [("first", "transient"), ("first", "transient"), ("second", "succeeded")]),
        (["doubt"], [("first", "ambiguous"), ("first", "succeeded")]),
        (["drop", "ok"], [("first", "ambiguous"), ("first", "succeeded")]),
    ],
)
def test_where_a_job_ends_up(
    farm: WorkerFarm, shop: Shop, plans: list[str], expected: list[tuple[str, str]]
) -> None:
    shop.at("first").next(*plans)
    farm.worker()
    job_id = ask(farm)
    assert farm.ended(job_id).state == "completed"
    assert went(farm, job_id) == expected
    assert len(shop.sold) == len(set(shop.sold))  # no key was bought twice
    assert settled_mc(farm, job_id) == (20_000 if expected[-1][0] == "first" else 8_000)


def test_a_policy_refusal_ends_it_there(farm: WorkerFarm, shop: Shop) -> None:
    shop.at("first").next("policy")
    farm.worker()
    job_id = ask(farm)
    assert farm.ended(job_id).state == "failed"
    assert went(farm, job_id) == [("first", "policy")]
    assert shop.at("second").asked == []
    assert settled_mc(farm, job_id) == 0


def test_what_is_in_doubt_is_looked_up_until_the_provider_can_tell(farm: WorkerFarm, shop: Shop) -> None:
    first = shop.at("first").next("doubt")
    first.is_deaf = True
    farm.worker()
    job_id = ask(farm)
    until(lambda: len(farm.attempts(job_id)) >= 2, "it is looked up")
    first.is_deaf = False
    assert farm.ended(job_id).state == "completed"
    assert shop.sold == first.asked  # asked once, bought once
    assert shop.at("second").asked == []


def test_a_worker_killed_after_acceptance_leaves_a_purchase_that_another_resumes(
    farm: WorkerFarm, shop: Shop
) -> None:
    first = shop.at("first").next("never")
    worker = farm.worker("w1")
    job_id = ask(farm)
    until(lambda: farm.attempts(job_id)[:1] and farm.attempts(job_id)[0].provider_ref, "it is accepted")
    worker.kill(signal.SIGKILL)
    worker.process.wait()
    first.release()
    farm.worker("w2")
    ended = farm.ended(job_id)
    assert ended.state == "completed"
    assert went(farm, job_id) == [("first", "lost"), ("first", "succeeded")]
    assert ended.result["call"]["ref"] == "first-1"
    assert first.asked == first.sold
    assert len(shop.sold) == 1
    resumed = job_attempts(farm.hall, None, job_id)[1].decision
    assert resumed is not None
    assert resumed.resumes


@pytest.mark.parametrize("farm", ["postgresql"], indirect=True)
def test_the_same_on_postgresql(farm: WorkerFarm, shop: Shop) -> None:
    test_a_worker_killed_after_acceptance_leaves_a_purchase_that_another_resumes(farm, shop)


def test_a_prediction_that_never_ends_is_called_off_before_another_is_bought(
    farm: WorkerFarm, shop: Shop
) -> None:
    first = shop.at("first").next("never")
    farm.worker()
    job_id = ask(farm, soft_s=1.0, hard_s=20.0)
    assert farm.ended(job_id).state == "completed"
    assert went(farm, job_id) == [("first", "timeout"), ("second", "succeeded")]
    assert first.called_off == ["first-1"]


def test_a_dead_provider_is_left_alone_by_all_who_come_after(farm: WorkerFarm, shop: Shop) -> None:
    first = shop.at("first").always("broken")
    farm.worker()
    jobs = [ask(farm) for _ in range(8)]
    for job_id in jobs:
        assert farm.ended(job_id).state == "completed"
    assert {went(farm, job_id)[-1] for job_id in jobs} == {("second", "succeeded")}
    assert len(first.asked) < 16  # each would have asked twice
    decisions = [a.decision for job_id in jobs for a in job_attempts(farm.hall, None, job_id)]
    assert "circuit_open" in {decision.why for decision in decisions if decision is not None}


def test_operators_read_why_a_job_waits_and_what_was_decided(running_farm: RunningFarm) -> None:
    def farm(*words: str) -> str:
        environment = {**running_farm.environment, "COLUMNS": "220"}
        done = subprocess.run([*FARM, *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def resting() -> str | None:
        told = {job: running_farm.call("GET", f"/farm/v1/jobs/{job}/why").text for job in jobs}
        return next((job for job, text in told.items() if "rests another" in text), None)

    jobs = [running_farm.submit("provider-probe") for _ in range(3)]
    job_id = eventually(resting, "a job waits for its provider: nobody answers there", pause_s=0.5)
    assert "provider nobody (big)" in farm("jobs", "why", job_id)
    shown = farm("jobs", "show", job_id)
    assert "nobody" in shown
    attempts = running_farm.call("GET", f"/farm/v1/jobs/{job_id}/attempts").json()["data"]
    if attempts:  # else the breaker had opened for others before
        assert attempts[0]["model"] == "big"
        assert attempts[0]["decision"]["then"]["what"] == "retry"
        assert "asked again in" in shown
    for job in jobs:
        running_farm.call("POST", f"/farm/v1/jobs/{job}/cancel")
        running_farm.ended(job)
