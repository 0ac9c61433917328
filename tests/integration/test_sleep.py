"""Sleep schedules over HTTP, by the command, and on a real worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.broker.valkey import EmbeddedValkey
from farm.doors import workers
from farm.sleep import TIMEZONE
from tasks.probe import Probe
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_operators import worker as worker  # a fixture
from tests.integration.test_operators import settled_elsewhere, state, who_ran
from tests.running import RunningFarm
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow

ALWAYS = "00:00-24:00"


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url) as farm:
        yield farm


def test_a_real_worker_sleeps_after_its_work_and_wakes(farm: WorkerFarm) -> None:
    farm.worker("w1")
    (seen,) = workers.list_workers(farm.hall)
    assert seen.timezone == seen.labels[TIMEZONE]
    long = farm.submit(Probe(sleep_s=2.0))
    assert farm.running(long).worker == "w1"
    farm.worker("w2")
    workers.set_sleep(farm.hall, "ops", "w1", ALWAYS)
    until(lambda: state(farm, "w1") == "sleeping", "w1 sleeps")
    settled_elsewhere(farm, "w1")
    assert farm.ended(long).state == "completed"
    assert farm.outcomes(long) == ["succeeded"]

    workers.set_sleep(farm.hall, "ops", "w1", None)

    def both() -> bool:
        jobs = [farm.submit(Probe(sleep_s=0.5)) for _ in range(2)]
        assert {farm.ended(job_id).state for job_id in jobs} == {"completed"}
        return who_ran(farm, jobs) == {"w1", "w2"}

    until(both, "w1 works again")


def test_operators_set_it_over_http(api: Api, worker: str) -> None:
    path = f"/farm/v1/workers/{worker}/sleep"
    with api.client() as customer:
        check_error(customer.put(path, json={"schedule": ALWAYS}), 403, "forbidden")
    with api.client(api.new_key("ops", is_operator=True)) as client:
        done = client.put(path, json={"schedule": "mon-fri 08:00-18:00"})
        assert (done.status_code, done.json()["sleep"]) == (202, "mon-fri 08:00-18:00")
        for body, param in (({"schedule": "by day"}, "schedule"), ({}, "schedule"), ({"sleep": 1}, None)):
            check_error(client.put(path, json=body), 400, "invalid_request", param)
        assert client.put(path, json={"schedule": None}).json()["sleep"] is None
        (deed, _) = client.get("/farm/v1/audit", params={"subject": worker}).json()["data"]
        assert (deed["action"], deed["detail"]) == (
            "worker.sleep",
            {"schedule": None, "was": "mon-fri 08:00-18:00"},
        )


def test_the_command_sets_shows_and_takes_it_away(running_farm: RunningFarm) -> None:
    (name,) = (worker["name"] for worker in running_farm.online())
    said = running_farm.run("workers", "sleep", name, "sat-sun 00:00-00:01")
    assert said.startswith(f"{name} sleeps: sat-sun 00:00-00:01 (")
    assert "sat-sun 00:00-00:01" in running_farm.run("workers", "ls")
    assert running_farm.run("workers", "sleep", name, "--never") == f"{name} sleeps: never.\n"
