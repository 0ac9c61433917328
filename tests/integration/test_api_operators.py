"""Operators over HTTP: who may hold workers back, read the audit log, and move jobs."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, insert

from farm.api.app import create_app
from farm.doors import work
from farm.providers import ProviderBook
from farm.store.schema import breakers, schedulers
from tests.api import Api, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(api: Api) -> str:
    """An announced worker with a name that must be quoted in a path."""
    name = f"{api.account}@host"
    card = work.WorkerCard(name, "cpu-render", "host", 1, name, {"cpu": 1}, ["probe@1"])
    work.announce(api.hall, card)
    return name


def test_an_operator_drains_and_resumes_and_the_log_says_so(api: Api, worker: str) -> None:
    with api.client(api.new_key("ops", is_operator=True)) as client:
        drained = client.post(f"/farm/v1/workers/{worker}/drain", params={"because": "new disks"})
        assert drained.status_code == 202, drained.text
        seen = drained.json()
        assert (seen["state"], seen["kept_out"], seen["because"]) == ("draining", "draining", "new disks")
        resumed = client.post(f"/farm/v1/workers/{worker}/resume").json()
        assert (resumed["state"], resumed["kept_out"], resumed["because"]) == ("online", None, None)
        page = client.get("/farm/v1/audit", params={"subject": worker, "limit": 1}).json()
        assert page["data"][0]["action"] == "worker.resume"
        assert page["data"][0]["who"].startswith("ops (")
        older = client.get("/farm/v1/audit", params={"subject": worker, "cursor": page["next_cursor"]}).json()
        assert [entry["action"] for entry in older["data"]] == ["worker.drain"]
        assert older["next_cursor"] is None
        assert client.post("/farm/v1/workers/nobody/drain").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "workers/{}/drain"),
        ("POST", "workers/{}/resume"),
        ("GET", "workers"),
        ("GET", "audit"),
        ("GET", "schedulers"),
        ("GET", "providers"),
    ],
)
def test_a_customer_may_not(api: Api, worker: str, method: str, path: str) -> None:
    with api.client() as client:
        refused = client.request(method, "/farm/v1/" + path.format(worker))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_an_operator_sees_which_scheduler_leads(api: Api) -> None:
    now = api.hall.clock.now()
    rows = [
        {"name": name, "host": "h", "pid": 1, "software": "0", "lead": lead, "led_since": now}
        | {"beats": 1, "started_at": now, "seen_at": now}
        for name, lead in (("stands-by", None), ("leads", 1))
    ]
    with api.hall.store.write() as connection:
        connection.execute(delete(schedulers))
        connection.execute(insert(schedulers), rows)
    with api.client(api.new_key("ops", is_operator=True)) as client:
        found = client.get("/farm/v1/schedulers").json()["data"]
    assert [(item["name"], item["led_since"] is not None) for item in found] == [
        ("leads", True),
        ("stands-by", False),
    ]


def test_an_operator_sees_providers_and_which_of_their_models_rest(api: Api) -> None:
    book = ProviderBook.model_validate(
        {
            "providers": {"near": {"pool": "gpu-generate"}, "far": {"pool": "gpu-generate", "remote": True}},
            "routes": {"image": {"fast": {"offers": [{"provider": "far", "price": 1, "estimated_s": 2}]}}},
            "failover": api.hall.catalog.providers.failover,
        }
    )
    catalog = api.hall.catalog.model_copy(update={"providers": book})
    app = create_app(api.app.state.desk.settings, replace(api.hall, catalog=catalog))
    rest: dict[str, object] = {
        "provider": "far",
        "model": "fast",
        "phase": "submission",
        "state": "open",
        "calls": [],
    }
    rest |= {"unreachable": 3, "trips": 1, "until": api.hall.clock.now() + 60, "because": "transient"}
    with api.hall.store.write() as connection:
        connection.execute(insert(breakers).values(rest))
    with serving(app) as url, replace(api, url=url).client(api.new_key("ops", is_operator=True)) as client:
        far, near = client.get("/farm/v1/providers").json()["data"]
        first = client.get("/farm/v1/providers", params={"limit": 1}).json()
    assert (far["name"], far["remote"], far["offers"]) == (
        "far",
        True,
        [{"capability": "image", "model": "fast"}],
    )
    assert [(b["model"], b["state"], b["because"]) for b in far["breakers"]] == [
        ("fast", "open", "transient")
    ]
    assert (near["running"], near["breakers"], first["next_cursor"]) == (0, [], "far")


def test_a_customer_moves_a_job_of_its_own_and_nobody_elses(api: Api) -> None:
    owner = api.new_key("owner", tier="local")  # whose account may submit probes
    with api.client(owner) as client:
        job = client.post("/farm/v1/jobs", json={"kind": "probe", "params": {}}).json()
        assert job["priority"] == 5
        path = f"/farm/v1/jobs/{job['id']}"
        moved = client.patch(path, json={"priority": 1})
        assert (moved.status_code, moved.json()["priority"]) == (202, 1)
        for body in (
            {"priority": 10},
            {"priority": "1"},
            {"priority": True},
            {},
            {"priority": 1, "state": "x"},
        ):
            assert client.patch(path, json=body).status_code == 400, body
    with api.client() as stranger:
        assert stranger.patch(path, json={"priority": 0}).status_code == 404


def test_a_job_that_has_ended_is_not_moved(api: Api) -> None:
    with api.client(api.new_key("owner", tier="local")) as client:
        job_id = client.post("/farm/v1/jobs", json={"kind": "probe", "params": {}}).json()["id"]
        with api.hall.store.write() as connection:
            connection.exec_driver_sql("UPDATE jobs SET state = 'failed' WHERE id = ?", (job_id,))
        refused = client.patch(f"/farm/v1/jobs/{job_id}", json={"priority": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "job_ended")
