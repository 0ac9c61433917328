"""compose-otio over real HTTP: who may call, what is answered, what it costs (rows A-001 to A-045)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from farm.doors import accounts
from farm.otio import CONTENT_TYPE
from tasks.compose_otio import compose
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.invariants import violations
from tests.manifests import EXAMPLE, example

pytestmark = pytest.mark.slow

COMPOSE = "/postproduction/v1/compose-otio"
OTIO = compose(EXAMPLE).otio


def call(api: Api, body: object, **headers: str) -> httpx.Response:
    """As the document calls it."""
    sent = {"X-API-Key": api.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.post(api.url + COMPOSE, json=body, headers=sent, timeout=30)


def metered(api: Api, tier: str, credits: int) -> Api:
    """The API with a customer of that tier who has so many credits."""
    name = api.hall.ids.public("metered")
    account = accounts.ensure_account(api.hall, name, tier, balance_mc=credits * 1000)
    return replace(api, key=accounts.create_key(api.hall, account).text, account=name)


def balance(api: Api) -> float:
    with api.client() as client:
        return float(client.get("/farm/v1/credits").json()["balance"])


def listed(api: Api) -> list[Mapping[str, Any]]:
    with api.client() as client:
        found: list[Mapping[str, Any]] = client.get("/farm/v1/jobs").json()["data"]
    return found


def test_a001_a002_a009_a037_a038_a039_the_answer_is_a_file_by_default(api: Api):
    for headers in ({"X-API-Key": api.key}, {"Authorization": f"Bearer {api.key}"}):
        answer = httpx.post(api.url + COMPOSE, json=EXAMPLE, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.text == OTIO
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert answer.headers["content-disposition"] == 'attachment; filename="forest-morning-cut.otio"'
        assert answer.headers["x-request-id"]
        told = answer.headers["x-compose-warnings"]
        assert "audio_ends_early /intent/audioLayers/0" in told


def test_a003_a004_a006_a037_the_wrapper_has_the_same_bytes_and_the_calls_id(api: Api):
    answer = call(api, example(responseFormat="json"), x_request_id="mine-1")
    said = answer.json()
    assert set(said) == {"data", "meta"}
    assert said["data"]["otio"] == OTIO
    assert (said["data"]["fileName"], said["data"]["durationSec"], said["data"]["frames"]) == (
        "forest-morning-cut.otio",
        6.0,
        144,
    )
    assert said["meta"]["requestId"] == "mine-1" == answer.headers["x-request-id"]
    (early,) = [w for w in said["meta"]["warnings"] if w["code"] == "audio_ends_early"]
    assert (early["path"], early["itemId"]) == ("/intent/audioLayers/0", "aud-music")


def test_a041_it_costs_four_credits_at_once_and_is_a_job_that_has_ended(api: Api):
    ada = metered(api, "pro", 10)
    said = call(ada, example(responseFormat="json")).json()
    assert said["meta"]["credits"] == 4.0
    (job,) = listed(ada)
    assert job["id"] == said["meta"]["jobId"]
    assert (job["state"], job["surface"], job["credits_charged"]) == ("completed", "postproduction", 4.0)
    assert balance(ada) == 6.0
    assert call(ada, EXAMPLE).status_code == 200
    check_error(call(ada, EXAMPLE), 402, "insufficient_credits")
    assert balance(ada) == 2.0
    names = (ada.account, *(job["id"] for job in listed(ada)))
    assert [fault for fault in violations(api.hall.store) if any(name in fault for name in names)] == []


def test_a_call_is_charged_once_however_often_it_is_sent(api: Api):
    ada = metered(api, "pro", 10)
    for _ in range(3):
        answer = call(ada, EXAMPLE, Idempotency_Key="once")
        assert (answer.status_code, answer.text) == (200, OTIO)
    wrapped = [call(ada, example(responseFormat="json"), Idempotency_Key="two").json() for _ in range(2)]
    assert wrapped[0] == wrapped[1]
    assert balance(ada) == 2.0
    check_error(call(ada, example(project__fps=25), Idempotency_Key="once"), 422, "idempotency_key_reused")


def test_all_errors_at_once_cost_nothing(api: Api):
    ada = metered(api, "pro", 10)
    broken = example(
        project__fps=23.5, intent__videoSequence__1__toSec=9, folder__items__0__id="vid-stream", surprise=1
    )
    answer = call(ada, broken)
    said = answer.json()
    assert (answer.status_code, said["code"], said["error"]["code"]) == (400,) + ("invalid_request",) * 2
    assert said["meta"]["requestId"] == answer.headers["x-request-id"]
    found = {(error["code"], error["path"]): error for error in said["error"]["errors"]}
    assert set(found) == {
        ("unsupported_fps", "/project/fps"),
        ("duplicate_item_id", "/folder/items/1/id"),
        ("unknown_item_id", "/intent/videoSequence/0/itemId"),
        ("trim_past_media", "/intent/videoSequence/1/toSec"),
        ("unknown_field", "/surprise"),
    }
    past = found["trim_past_media", "/intent/videoSequence/1/toSec"]
    assert (past["itemId"], past["got"], past["allowed"]) == ("vid-stream", 9, {"le": 8.0})
    assert balance(ada) == 10.0 and listed(ada) == []


def test_a_thousand_errors_are_told_and_the_rest_is_counted(api: Api):
    clips = [{"itemId": "nobody", "fromSec": 2, "toSec": 1}] * 1000
    error = call(api, example(intent__videoSequence=clips)).json()["error"]
    assert (len(error["errors"]), error["errorCount"]) == (1000, 2000)
    assert len(error["message"]) < 3000


def test_a_dry_run_checks_and_prices_and_costs_nothing(api: Api):
    ada = metered(api, "pro", 3)
    said = call(ada, example(dryRun=True)).json()
    assert (said["data"]["otio"], said["data"]["credits"], said["meta"]["credits"]) == (None, 4.0, 0.0)
    assert {w["code"] for w in said["meta"]["warnings"]} == {"sound_not_layered", "audio_ends_early"}
    assert call(ada, example(dryRun=True, project__fps=1)).status_code == 200
    assert call(ada, example(dryRun=True, project__fps=0)).status_code == 400
    assert balance(ada) == 3.0 and listed(ada) == []


@pytest.mark.parametrize(
    ("tier", "items", "seconds"), [("free", 20, 180), ("pro", 200, 3600), ("enterprise", 200, 3600)]
)
def test_a007_a014_a042_a043_a044_a045_limits_are_the_tiers(api: Api, tier: str, items: int, seconds: int):
    customer = replace(api, key=api.new_key(f"{tier} of compose", tier=tier))
    stills = [{"id": f"p{n}", "kind": "image", "path": f"p/{n}.png"} for n in range(items + 1)]
    clips = [{"itemId": "p0", "fromSec": 0, "toSec": seconds}]
    body = example(
        dryRun=True, folder__items=stills[:-1], intent__videoSequence=clips, intent__audioLayers=[]
    )
    assert call(customer, body).status_code == 200
    body["folder"]["items"], clips[0]["toSec"] = stills, seconds + 1
    body["intent"]["videoSequence"] = clips
    errors = call(customer, body).json()["error"]["errors"]
    assert [(error["code"], error["allowed"]) for error in errors] == [
        ("too_many_items", items),
        ("timeline_too_long", seconds),
    ]


def test_x034_who_does_not_want_to_wait_gets_a_job(api: Api):
    answer = call(api, EXAMPLE, Prefer="respond-async, wait=5")
    said = answer.json()
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    (job,) = listed(api)
    assert (job["id"], job["kind"], job["state"]) == (said["data"]["jobId"], "compose-otio", "queued")
    assert said["data"]["statusUrl"] == answer.headers["location"] == f"/farm/v1/jobs/{job['id']}"


def test_the_native_api_takes_the_same_manifest(api: Api):
    with api.client() as client:
        quote = client.post("/farm/v1/quotes", json={"kind": "compose-otio", "params": {"manifest": EXAMPLE}})
        assert quote.json()["credits"] == 4.0
        broken = {"kind": "compose-otio", "params": {"manifest": example(project__fps=0)}}
        refused = client.post("/farm/v1/jobs", json=broken)
    check_error(refused, 400, "invalid_request", "params.manifest")
    assert "/project/fps" in refused.json()["error"]["message"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"a": NaN}', b'{"project": {}}'])
def test_what_is_no_manifest_is_refused_in_one_shape(api: Api, raw: bytes):
    headers = {"X-API-Key": api.key, "Content-Type": "application/json"}
    answer = httpx.post(api.url + COMPOSE, content=raw, headers=headers)
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_request"


def test_a002_without_a_key_nothing_is_composed(api: Api):
    check_error(httpx.post(api.url + COMPOSE, json=EXAMPLE), 401, "unauthorized")


def test_a008_there_are_no_demo_endpoints_to_call(api: Api):
    """The interactive document calls the endpoints themselves, with the reader's own key."""
    with api.client() as client:
        assert not [path for path in client.get("/openapi.json").json()["paths"] if "demo" in path]
        for path in ("/postproduction/v1/demo/compose-otio", "/postproduction/demo/v1/compose-otio"):
            check_error(client.post(path, json=EXAMPLE), 404, "not_found")


def test_a010_to_a037_the_document_shows_the_manifest(api: Api):
    with api.client() as client:
        document = client.get("/openapi.json").json()
    call_ = document["paths"][COMPOSE]["post"]
    manifest = call_["requestBody"]["content"]["application/json"]["schema"]
    parts = {"project", "folder", "intent", "output", "responseFormat", "dryRun", "render"}
    assert set(manifest["properties"]) == parts
    assert CONTENT_TYPE in call_["responses"]["200"]["content"]
