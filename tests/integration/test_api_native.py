"""The native API over real HTTP: jobs of any kind, their files, events, kinds and workers."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.doors.work import WorkerCard, announce
from tests.api import Api, api_under, png
from tests.integration.test_api_envelope import check_error

pytestmark = pytest.mark.slow

WORKER = WorkerCard(
    name="w1", pool="cpu-render", host="h", pid=7, queue="q", slots={"cpu": 1}, kinds=["media-render@4"]
)
PHOTO = ("photo.png", "image/png", png())


def asset(api: Api, *, put: bool = True, **changes: Any) -> str:
    """Declare a picture, upload it, return its id."""
    body = {"file_name": PHOTO[0], "content_type": PHOTO[1], "size_bytes": len(PHOTO[2]), **changes}
    with api.client() as client:
        made = client.post("/farm/v1/assets", json=body)
    assert made.status_code == 201, made.text
    upload = made.json()
    if put:
        sent = httpx.request(
            upload["method"], upload["upload_url"], content=PHOTO[2], headers=upload["headers"]
        )
        assert sent.status_code == 200, sent.text
    return str(upload["asset"]["id"])


def render(asset_id: str, **params: Any) -> dict[str, Any]:
    assets = [{"asset_id": asset_id, "file_name": PHOTO[0], "media_kind": "image"}]
    return {"kind": "media-render", "params": {"assets": assets, **params}}


def submit(api: Api, body: dict[str, Any]) -> httpx.Response:
    with api.client() as client:
        return client.post("/farm/v1/jobs", json=body)


def get(api: Api, path: str, **options: Any) -> httpx.Response:
    with api.client(**options) as client:
        return client.get(f"/farm/v1{path}")


def post(api: Api, path: str) -> httpx.Response:
    with api.client() as client:
        return client.post(f"/farm/v1{path}")


def submitted(api: Api) -> str:
    answer = submit(api, render(asset(api)))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_job_is_accepted_and_shown_with_its_tasks(api: Api):
    answer = submit(api, {**render(asset(api)), "priority": 2, "reference": "holiday"})
    assert answer.status_code == 202
    job = answer.json()
    assert (job["kind"], job["surface"], job["state"], job["reference"]) == (
        "media-render",
        "native",
        "queued",
        "holiday",
    )
    assert (job["credits_held"], job["credits_charged"]) == (2.0, 0.0)
    assert [(task["name"], task["pool"], task["state"]) for task in job["tasks"]] == [
        ("render", "cpu-render", "ready")
    ]
    assert "media-render@4" in job["warnings"][0]  # no worker is there: it says so and waits
    assert get(api, f"/jobs/{job['id']}").json() == job
    assert get(api, f"/jobs/{job['id']}/attempts").json() == {"data": [], "next_cursor": None}
    assert get(api, f"/jobs/{job['id']}/artifacts").json() == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"kind": "brew-coffee"}, "kind"),
        ({"params": {}}, "params.assets"),
        ({"params": {"assets": []}}, "params.assets"),
        ({"priority": 10}, "priority"),
        ({"priority": True}, "priority"),
        ({"start_after": "tomorrow"}, "start_after"),
        ({"surprise": 1}, "surprise"),
        ({"reference": "x" * 201}, "reference"),
        ({"webhook_url": 7}, "webhook_url"),
    ],
)
def test_a_job_that_is_asked_for_wrong_names_its_field(api: Api, change: dict[str, Any], param: str):
    check_error(submit(api, {**render("asset_x"), **change}), 400, "invalid_request", param)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"bgm_volume": True}, "params.bgm_volume"),
        ({"surprise": 1}, "params.surprise"),
        ({"transition_types": ["none", "star-wipe"]}, "params.transition_types[1]"),
        ({"bgm_asset_id": "asset_y"}, "params.bgm_asset_id"),
        ({"profile": "betamax"}, "params.profile"),
        ({"profile": "gif", "durations": [{"asset_id": "asset_x", "duration_s": 61}]}, "params.profile"),
        ({"profile": "gif", "chapters": True}, "params.chapters"),
        ({"profile": "av1", "output_file_name": "a.gif"}, "params.output_file_name"),
    ],
)
def test_the_kinds_own_parameters_are_checked_too(api: Api, params: dict[str, Any], param: str):
    check_error(submit(api, render("asset_x", **params)), 400, "invalid_request", param)


def test_files_must_be_the_callers_own_and_must_have_arrived(api: Api):
    check_error(submit(api, render("asset_nothing")), 404, "not_found")
    check_error(submit(api, render(asset(api, put=False))), 400, "invalid_request", PHOTO[0])
    mine = asset(api)
    with api.client(api.new_key("mallory")) as other:
        check_error(other.post("/farm/v1/jobs", json=render(mine)), 404, "not_found")
        check_error(other.get(f"/farm/v1/assets/{mine}"), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"file_name": "../x.png"}, 400, "invalid_request", "file_name"),
        ({"content_type": "text/html"}, 400, "invalid_request", "content_type"),
        ({"size_bytes": 0}, 400, "invalid_request", "size_bytes"),
        ({"size_bytes": 1 << 40}, 413, "payload_too_large", "size_bytes"),
    ],
)
def test_an_asset_that_is_declared_wrong_names_its_field(api: Api, change, status, code, param):
    body = {"file_name": "a.png", "content_type": "image/png", "size_bytes": 10, **change}
    with api.client() as client:
        check_error(client.post("/farm/v1/assets", json=body), status, code, param)


def test_an_asset_is_ready_once_a_job_has_looked_at_it(api: Api):
    mine = asset(api, duration_s=2.5, width=16, height=16)
    assert get(api, f"/assets/{mine}").json()["state"] == "declared"
    assert submit(api, render(mine)).status_code == 202
    assert get(api, f"/assets/{mine}").json()["state"] == "ready"


def test_jobs_are_listed_newest_first_page_by_page(api: Api):
    mine = asset(api)
    ids = [submit(api, render(mine)).json()["id"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = get(api, f"/jobs?limit=2{cursor}").json()
        seen += [job["id"] for job in page["data"]]
        assert all(job["tasks"] == [] for job in page["data"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ids[::-1]
    assert get(api, "/jobs?state=completed&state=failed").json()["data"] == []
    assert len(get(api, "/jobs?state=queued&kind=media-render").json()["data"]) == 5
    for query, param in (("limit=0", "limit"), ("limit=201", "limit"), ("state=lost", "state[0]")):
        check_error(get(api, f"/jobs?{query}"), 400, "invalid_request", param)
    check_error(get(api, "/jobs?cursor=job_x"), 404, "not_found")


def test_one_account_never_sees_anothers_jobs_and_an_operator_sees_all(api: Api):
    job_id = submitted(api)
    paths = ["", "/attempts", "/artifacts", "/artifacts/video", "/events", "/why"]
    with api.client(api.new_key("mallory")) as other:
        assert job_id not in other.get("/farm/v1/jobs").text
        for path in paths:
            check_error(other.get(f"/farm/v1/jobs/{job_id}{path}"), 404, "not_found")
        for path in ("/cancel", "/retry"):
            check_error(other.post(f"/farm/v1/jobs/{job_id}{path}"), 404, "not_found")
        check_error(other.get(f"/farm/v1/jobs?cursor={job_id}"), 404, "not_found")
    with api.client(api.new_key("ops", is_operator=True)) as operator:
        assert job_id in operator.get("/farm/v1/jobs").text
        assert operator.get(f"/farm/v1/jobs/{job_id}").status_code == 200
        assert operator.get("/farm/v1/workers").status_code == 200


def test_a_job_can_be_waited_for(api: Api, tmp_path: Path):
    job_id = submitted(api)
    assert get(api, f"/jobs/{job_id}?wait=0.05").json()["state"] == "queued"
    finisher = threading.Timer(0.1, finish, [api, job_id, tmp_path])
    finisher.start()
    assert get(api, f"/jobs/{job_id}?wait=30").json()["state"] == "completed"
    finisher.join()
    check_error(get(api, f"/jobs/{job_id}?wait=61"), 400, "invalid_request", "wait")
    check_error(get(api, "/jobs/job_x?wait=1"), 404, "not_found")


def test_a_job_tells_its_story_as_events(api: Api, tmp_path: Path):
    job_id = submitted(api)
    told = []
    with api.client() as client, client.stream("GET", f"/farm/v1/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: "))["state"])
                if len(told) == 1:
                    finish(api, job_id, tmp_path)
    assert told == ["queued", "completed"]  # and the stream ended by itself


def test_a_quiet_stream_is_kept_open(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("farm.api.native.sse.HEARTBEAT_S", 0.05)
    job_id = submitted(api)
    with api.client() as client, client.stream("GET", f"/farm/v1/jobs/{job_id}/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: job"
        assert ": still here" in (next(lines) for _ in range(20))


def test_cancelling_is_asked_for_once_and_again_without_harm(api: Api):
    job_id = submitted(api)
    for _ in range(2):
        answer = post(api, f"/jobs/{job_id}/cancel")
        assert answer.status_code == 202 and answer.json()["id"] == job_id


def test_an_ended_job_can_be_asked_for_again(api: Api, tmp_path: Path):
    job_id = submitted(api)
    busy = post(api, f"/jobs/{job_id}/retry")
    check_error(busy, 409, "job_in_progress")
    assert busy.headers["x-should-retry"] == "false"
    finish(api, job_id, tmp_path)
    again = post(api, f"/jobs/{job_id}/retry")
    assert again.status_code == 202
    assert again.json()["id"] != job_id and again.json()["state"] == "queued"
    assert get(api, f"/jobs/{job_id}").json()["state"] == "completed"


def test_a_retry_asks_for_all_that_the_old_job_asked_for(api: Api, tmp_path: Path):
    ahead = api.hall.clock.now() + 3600
    asked = {
        "webhook_url": "https://93.184.216.34/hook",
        "webhook_auto_retry": True,
        "reference": "order 7",
        "priority": 2,
        "deadline": ahead,
    }
    gone = {"start_after": api.hall.clock.now() - 10}
    job_id = submit(api, {**render(asset(api)), **asked, **gone}).json()["id"]
    finish(api, job_id, tmp_path)
    again = post(api, f"/jobs/{job_id}/retry").json()
    assert {name: again[name] for name in asked} == asked
    assert again["start_after"] is None
    api.clock.ahead_s += 7200
    finish(api, again["id"], tmp_path)
    assert post(api, f"/jobs/{again['id']}/retry").json()["deadline"] is None


def test_retrying_a_projects_render_is_the_projects_next_render(api: Api, tmp_path: Path):
    made = api.project(PHOTO)
    with api.client() as client:
        client.post("/api/v1/media-render/jobs", json={"projectId": made["projectId"]})
        job_id = client.get("/farm/v1/jobs").json()["data"][0]["id"]
        api.finish(made["projectId"], b"x", tmp_path / "x")
        again = client.post(f"/farm/v1/jobs/{job_id}/retry").json()
        assert (again["surface"], again["project_id"]) == ("media-render", made["projectId"])
        status = client.get(f"/api/v1/media-render/jobs/{made['projectId']}").json()["status"]
    assert status == "queued"


def test_finished_files_are_listed_and_downloaded(api: Api, tmp_path: Path):
    job_id = submitted(api)
    finish(api, job_id, tmp_path)
    (artifact,) = get(api, f"/jobs/{job_id}/artifacts").json()["data"]
    assert (artifact["name"], artifact["file_name"], artifact["size_bytes"]) == ("video", "rendered.mp4", 6)
    given = get(api, f"/jobs/{job_id}/artifacts/video").json()
    assert httpx.get(given["download_url"]).content == b"an MP4"
    assert given["expires_in"] == 900
    redirect = get(api, f"/jobs/{job_id}/artifacts/video?redirect=1")
    assert redirect.status_code == 307
    part = httpx.get(redirect.headers["location"], headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"an")
    check_error(get(api, f"/jobs/{job_id}/artifacts/poster"), 404, "not_found", "name")


def test_kinds_tell_what_may_be_asked(api: Api):
    kinds = {kind["name"]: kind for kind in get(api, "/kinds").json()["data"]}
    schema = kinds["media-render"]["params"]
    assert schema["required"] == ["assets"]
    assert schema["properties"]["aspect_ratio"]["enum"] == ["9:16", "16:9", "1:1", "4:5"]


def test_a_kind_that_can_harm_the_farm_is_its_operators_alone(api: Api):
    probe = {"kind": "probe", "params": {}}
    check_error(submit(api, probe), 400, "invalid_request", "kind")
    assert "probe" not in get(api, "/kinds").text
    for key in (api.new_key("owner", tier="local"), api.new_key("ops", is_operator=True)):
        with api.client(key) as owner:
            assert owner.post("/farm/v1/jobs", json=probe).status_code == 202
            assert "probe" in owner.get("/farm/v1/kinds").text


def test_workers_are_for_operators_and_for_the_owner_of_the_farm(tmp_path: Path):
    with api_under(tmp_path / "farm") as api, api.client(api.new_key("owner", tier="local")) as owner:
        announce(api.hall, WORKER)
        check_error(get(api, "/workers"), 403, "forbidden")
        (worker,) = owner.get("/farm/v1/workers").json()["data"]
        assert (worker["name"], worker["state"], worker["slots"]) == ("w1", "online", {"cpu": 1})
        assert submit(api, render(asset(api))).json()["warnings"] == []  # there is one to run it
        api.clock.ahead_s += 3600
        assert owner.get("/farm/v1/workers").json()["data"][0]["state"] == "offline"


def test_why_a_job_waits_is_always_askable(api: Api):
    reasons = get(api, f"/jobs/{submitted(api)}/why").json()["data"]
    assert reasons and "render" in reasons[0]


def finish(api: Api, job_id: str, folder: Path) -> None:
    api.finish_job(job_id, b"an MP4", folder / "out.mp4")
