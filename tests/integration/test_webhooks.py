"""Webhooks as customers use them: through the API and the CLI, from a running farm to a real receiver."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.api import Api
from tests.command import Background, eventually, farm, farm_json, running
from tests.integration.test_api_envelope import check_error
from tests.receiver import Receiver, answer, receiving
from tests.unit.test_net_guard import OWN, REFUSED_UNRESOLVED

pytestmark = pytest.mark.slow

ENDPOINTS = "/farm/v1/webhooks/endpoints"
PUBLIC = "https://93.184.216.34/hook"


def refused_everywhere() -> list[str]:
    """The URL attacks that any farm refuses, whatever its own host is called."""
    own = tuple(host for host, _port in OWN)
    return [url for url in REFUSED_UNRESOLVED if not any(host in url.lower() for host in own)]


def test_every_url_attack_on_webhook_url_is_refused_by_name(api: Api) -> None:
    """facts/api-and-security.md, the URL rows."""
    job = {"kind": "probe", "params": {}}
    with api.client() as client:
        for url in refused_everywhere():
            found = client.post("/farm/v1/jobs", json={**job, "webhook_url": url})
            if len(url) < 1_000_000:
                assert found.status_code == 400, (url, found.text)
                assert found.json()["error"]["param"] == "webhook_url", url
            else:
                assert found.status_code == 413
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_an_endpoint_at_a_private_address_is_refused(api: Api) -> None:
    with api.client() as client:
        check_error(client.post(ENDPOINTS, json={"url": "http://10.0.0.1/"}), 400, "url_refused", "url")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"events": ["job.finished"]}, "events"),
        ({"headers": {"Host": "evil"}}, "headers"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers"),
        ({"surprise": 1}, "surprise"),
        ({"url": None}, "url"),
    ],
)
def test_an_endpoint_asked_for_wrong_names_its_field(api: Api, change: dict[str, Any], param: str) -> None:
    with api.client() as client:
        check_error(client.post(ENDPOINTS, json={"url": PUBLIC, **change}), 400, "invalid_request", param)


def test_an_endpoints_life_over_http(api: Api) -> None:
    with api.client() as client:
        asked = {"url": PUBLIC, "events": ["job.failed"], "headers": {"X-A": "s3"}}
        made = client.post(ENDPOINTS, json=asked)
        assert made.status_code == 201, made.text
        secret, endpoint = made.json()["secret"], made.json()["endpoint"]
        assert secret.startswith("whsec_")
        assert (endpoint["state"], endpoint["header_names"]) == ("enabled", ["X-A"])
        path = f"{ENDPOINTS}/{endpoint['id']}"
        assert client.get(path).json() == endpoint
        changed = client.patch(path, json={"enabled": False, "description": "off"}).json()
        assert (changed["state"], changed["description"]) == ("disabled", "off")
        assert client.post(f"{path}/test").status_code == 409
        assert client.patch(path, json={"enabled": True}).json()["state"] == "enabled"
        rotated = client.post(f"{path}/rotate").json()
        assert rotated["secret"] != secret
        assert rotated["endpoint"]["old_secret_until"] is not None
        sent = client.post(f"{path}/test").json()
        assert (sent["event"], sent["state"], sent["attempts"]) == ("webhook.test", "pending", 0)
        listed = client.get("/farm/v1/webhooks/deliveries", params={"endpoint_id": endpoint["id"]}).json()
        assert [item["id"] for item in listed["data"]] == [sent["id"]]
        assert client.delete(path).json()["state"] == "deleted"
        assert client.get(path).status_code == 404
        assert client.get(ENDPOINTS).json() == {"data": [], "next_cursor": None}
        assert client.get("/farm/v1/webhooks/signing-secret").json()["secret"].startswith("whsec_")
        shown = client.get(f"/farm/v1/webhooks/deliveries/{sent['id']}").json()
        assert (shown["state"], json.loads(shown["body"])["type"]) == ("failed", "webhook.test")


def test_deliveries_are_paged_and_one_accounts_own(api: Api) -> None:
    with api.client() as client:
        made = client.post(ENDPOINTS, json={"url": PUBLIC}).json()["endpoint"]["id"]
        sent = [client.post(f"{ENDPOINTS}/{made}/test").json()["id"] for _ in range(3)]
        first = client.get("/farm/v1/webhooks/deliveries", params={"limit": 2}).json()
        rest = client.get("/farm/v1/webhooks/deliveries", params={"cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in first["data"] + rest["data"]] == sent[::-1]
    assert rest["next_cursor"] is None
    with api.client(api.new_key(api.hall.ids.public("customer"))) as other:
        assert other.get(f"/farm/v1/webhooks/deliveries/{sent[0]}").status_code == 404
        assert other.post(f"/farm/v1/webhooks/deliveries/{sent[0]}/replay").status_code == 404
        assert other.get(f"{ENDPOINTS}/{made}").status_code == 404


@dataclass
class Live:
    """A farm that may call one receiver on this machine."""

    up: Background
    receiver: Receiver

    @property
    def home(self) -> Path:
        return self.up.home

    def submit(self, **more: Any) -> str:
        return str(self.call("POST", "/jobs", {"kind": "probe", "params": {}, **more})["id"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A call of the native API with the farm's own key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, f"{self.up.url}/farm/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    @property
    def key(self) -> str:
        return (self.home / "run" / "key").read_text().strip()

    def hears(self, count: int) -> None:
        eventually(lambda: len(self.receiver.heard) >= count, f"{count} webhooks")

    def delivered(self, job_id: str) -> dict[str, Any]:
        """The job's one delivery, once it is recorded: a receiver hears of it a moment before."""
        found: list[dict[str, Any]] = []

        def recorded() -> bool:
            found[:] = farm_json(self.home, "webhooks", "deliveries", "--job", job_id, "--state", "delivered")
            return len(found) == 1

        eventually(recorded, "the delivery is recorded")
        return found[0]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("webhooks")
    with receiving() as receiver:
        (folder / "farm.toml").write_text(
            f'[outbound]\nallow_hosts = ["127.0.0.1:{receiver.port}"]\n'
            "[webhooks]\njob_retry_after_s = [0.1, 0.1]\nendpoint_retry_after_s = [0.1]\nlook_s = 0.05\n"
        )
        words = ("up", "--port", "0", "--no-flower", "--pools", "cpu-render")
        with running(folder / "home", *words, variables={"FARM_CONFIG_DIR": str(folder)}) as up:
            yield Live(up.until_ready(), receiver)


@pytest.fixture(autouse=True)
def nothing_heard(request: pytest.FixtureRequest) -> None:
    if "live" in request.fixturenames:
        receiver = request.getfixturevalue("live").receiver
        receiver.heard.clear()
        receiver.script.clear()


def test_a_finished_job_tells_its_webhook_url(live: Live) -> None:
    live.receiver.script = [answer(500, b"not now")]
    job_id = live.submit(webhook_url=live.receiver.url)
    live.hears(2)
    failed, heard = live.receiver.heard
    assert failed.headers["webhook-id"] == heard.headers["webhook-id"]
    assert (failed.headers["x-farm-attempt"], heard.headers["x-farm-attempt"]) == ("1", "2")
    told = farm(live.home, "webhooks", "secret")
    assert told.returncode == 0, told.stderr
    body = Webhook(told.stdout.strip()).verify(heard.body, heard.headers)
    assert (body["id"], body["status"], body["type"]) == (job_id, "completed", "job.completed")
    assert live.delivered(job_id)["attempts"] == 2


def test_a_finished_batch_tells_its_webhook_url_with_its_counts(live: Live) -> None:
    rows = [{"custom_id": "good"}, {"custom_id": "bad", "params": {"fail_class": "invalid_input"}}]
    asked = {"name": "catalog", "kind": "probe", "jobs": rows, "webhook_url": live.receiver.url}
    batch = live.call("POST", "/batches", asked)
    live.hears(1)
    (heard,) = live.receiver.heard
    secret = live.call("GET", "/webhooks/signing-secret")["secret"]
    body = Webhook(secret).verify(heard.body, heard.headers)
    counts = {name: body[name] for name in ("total_jobs", "completed", "failed", "cancelled", "rejected")}
    assert counts == {"total_jobs": 2, "completed": 1, "failed": 1, "cancelled": 0, "rejected": 0}
    assert (body["id"], body["type"], body["status"]) == (batch["id"], "batch.completed", "completed")
    digest = hmac.new(live.key.encode(), heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["x-creativeai-signature"] == f"sha256={digest}"
    assert heard.headers["x-creativeai-delivery-id"] == batch["id"]
    shown = live.call("GET", f"/batches/{batch['id']}")
    assert (shown["state"], shown["partial_failure"]) == ("completed", True)


def test_an_endpoint_is_added_tested_heard_and_removed_by_the_cli(live: Live) -> None:
    url, home = live.receiver.url, live.home
    added = farm(home, "webhooks", "add", url, "--event", "job.completed", "--header", "X-Team: render")
    assert added.returncode == 0, added.stderr
    secret = added.stdout.splitlines()[-1]
    (endpoint,) = farm_json(home, "webhooks", "ls")
    assert (endpoint["url"], endpoint["events"]) == (url, ["job.completed"])

    assert farm(home, "webhooks", "test", endpoint["id"]).stdout == f"{url} answered 200.\n"
    job_id = live.submit()
    live.hears(2)
    tested, told = live.receiver.heard
    assert Webhook(secret).verify(tested.body, tested.headers)["type"] == "webhook.test"
    assert Webhook(secret).verify(told.body, told.headers)["id"] == job_id
    assert told.headers["x-team"] == "render"

    assert farm(home, "webhooks", "replay", live.delivered(job_id)["id"]).returncode == 0
    live.hears(3)
    assert live.receiver.heard[2].headers["webhook-id"] == told.headers["webhook-id"]

    newer = farm(home, "webhooks", "rotate", endpoint["id"]).stdout.splitlines()[-1]
    assert farm(home, "webhooks", "test", endpoint["id"]).returncode == 0
    for known in (secret, newer):
        Webhook(known).verify(live.receiver.heard[3].body, live.receiver.heard[3].headers)
    assert farm(home, "webhooks", "rm", endpoint["id"]).returncode == 0
    assert farm_json(home, "webhooks", "ls") == []


def test_a_test_that_fails_says_what_came_back(live: Live) -> None:
    live.receiver.script = [answer(410)]
    added = farm_json(live.home, "webhooks", "add", live.receiver.url)
    done = farm(live.home, "webhooks", "test", added["endpoint"]["id"])
    assert done.returncode == 1
    assert "410" in done.stderr
    (endpoint,) = farm_json(live.home, "webhooks", "ls")
    assert endpoint["disabled_because"] == "It answered 410 Gone."
    assert farm(live.home, "webhooks", "enable", endpoint["id"]).returncode == 0
    assert farm(live.home, "webhooks", "rm", endpoint["id"]).returncode == 0


def test_another_port_of_this_machine_stays_closed(live: Live) -> None:
    added = farm(live.home, "webhooks", "add", f"http://127.0.0.1:{live.receiver.port + 1}/")
    assert added.returncode == 1
    assert "does not call port" in added.stderr
