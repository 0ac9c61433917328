"""`render: true` over real HTTP: one call, one job and one price for file and film (rows A-003, A-009)."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from farm.store.schema import tasks
from tasks.compose_otio import compose
from tests.api import Api, png, wav
from tests.integration.test_api_compose_otio import balance, call, listed, metered
from tests.manifests import example

pytestmark = pytest.mark.slow


def uploaded(api: Api) -> dict[str, str]:
    """A customer's picture and sound: their ids by file name."""
    made = api.project(("opening.png", "image/png", png()), ("piano.wav", "audio/wav", wav(6)))
    return {upload["fileName"]: upload["assetId"] for upload in made["uploads"]}


@pytest.fixture
def files(api: Api) -> dict[str, str]:
    return uploaded(api)


def wanted(files: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Two stills under the music of seed 000's manifest, to be rendered."""
    stills = [{"itemId": "img-opening", "fromSec": 0, "toSec": seconds} for seconds in (2, 4)]
    uploads = {
        "folder__items__0__asset": files.get("opening.png"),
        "folder__items__2__asset": files.get("piano.wav"),
    }
    return example(**{"render": True, "intent__videoSequence": stills, **uploads, **changes})


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    said = answer.json()
    assert (answer.status_code, said["code"]) == (400, "invalid_request"), answer.text
    return [(error["code"], error["path"]) for error in said["error"]["errors"]]


def test_a_composed_cut_becomes_a_job_that_renders_it(api: Api, files: dict[str, str]):
    body = wanted(files)
    answer = call(api, body)
    said = answer.json()
    assert answer.status_code == 202, answer.text
    assert said["data"]["otio"] == compose(body).otio
    render = said["data"]["render"]
    assert render["statusUrl"] == answer.headers["location"] == f"/farm/v1/jobs/{render['jobId']}"
    job = next(job for job in listed(api) if job["id"] == render["jobId"])
    assert (job["kind"], job["surface"], job["state"]) == ("compose-otio", "postproduction", "queued")
    assert said["meta"]["jobId"] == render["jobId"]
    with api.hall.store.read() as connection:
        rows = connection.execute(select(tasks).order_by(tasks.c.id.desc()).limit(2)).all()
    film, file = rows
    assert (file.step, film.step) == ("compose", "render")
    assert sorted(film.inputs) == sorted(files.values())
    clips = film.params["timeline"]["video"][0]["clips"]
    assert [clip["media"] for clip in clips] == [files["opening.png"]] * 2


def test_it_costs_what_both_cost_once(api: Api, files: dict[str, str]):
    ada = metered(api, "pro", 40)
    own = uploaded(ada)
    quoted = call(ada, wanted(own, dryRun=True)).json()
    assert (quoted["data"]["otio"], balance(ada)) == (None, 40.0)
    body = {"kind": "compose-otio", "params": {"manifest": wanted(own)}}
    with ada.client() as client:
        quote = client.post("/farm/v1/quotes", json=body).json()
    assert quote["credits"] == quoted["data"]["credits"] > 4
    answers = [call(ada, wanted(own), Idempotency_Key="once").json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(listed(ada)) == 1
    assert balance(ada) == 40 - quoted["data"]["credits"]


def test_every_item_of_the_cut_is_an_upload_of_the_callers_own(api: Api, files: dict[str, str]):
    nothing = wanted({})
    assert faults(call(api, nothing)) == [
        ("missing_asset", "/folder/items/0/asset"),
        ("missing_asset", "/folder/items/2/asset"),
    ]
    turned = {"opening.png": files["piano.wav"], "piano.wav": "asset_of_nobody"}
    assert faults(call(api, wanted(turned))) == [
        ("kind_mismatch", "/folder/items/0/asset"),
        ("unknown_asset", "/folder/items/2/asset"),
    ]
    assert faults(call(metered(api, "pro", 40), wanted(files))) == [
        ("unknown_asset", "/folder/items/0/asset"),
        ("unknown_asset", "/folder/items/2/asset"),
    ]
    late = api.project(("late.png", "image/png", png()), put=False)["uploads"][0]["assetId"]
    assert faults(call(api, wanted(files | {"opening.png": late}))) == [
        ("asset_not_ready", "/folder/items/0/asset")
    ]
    assert call(api, example(folder__items__0__asset=late)).status_code == 200  # only a film needs it


def test_what_a_film_cannot_be_is_told_with_everything_else(api: Api, files: dict[str, str]):
    body = wanted(
        files,
        project__fps=120,
        project__audioSampleRate=96_000,
        intent__audioLayers__0__toSec=7,
        folder__items__0__asset=None,
    )
    assert faults(call(api, body)) == [
        ("trim_past_media", "/intent/audioLayers/0/toSec"),
        ("missing_asset", "/folder/items/0/asset"),
        ("unsupported_fps", "/project/fps"),
        ("out_of_range", "/project/audioSampleRate"),
    ]
    many = [{"itemId": "aud-music", "fromSec": 0, "toSec": 1}] * 33
    hour = [{"itemId": "img-opening", "fromSec": 0, "toSec": 3601}]
    found = faults(call(api, wanted(files, intent__audioLayers=many, intent__videoSequence=hour)))
    assert ("track_limit", "/intent/audioLayers") in found
    assert ("timeline_too_long", "/intent/videoSequence") in found
    assert faults(call(api, wanted(files, render="yes"))) == [("wrong_type", "/render")]
