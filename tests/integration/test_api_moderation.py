"""What may not be asked for is refused on every surface before anything is held (C-016, C-021)."""

from dataclasses import replace
from typing import Any

import pytest

from farm.doors import accounts
from tests.api import Api, png

pytestmark = pytest.mark.slow

BAD, WORSE = "hardcore porn", "a naked child"  # what is spoken is held to the shorter list
JSON_CALLS: dict[str, dict[str, Any]] = {
    "/v1/images/generations": {"prompt": BAD},
    "/v1/video/generations": {"prompt": BAD},
    "/v1/video/generate": {"prompt": BAD},
    "/v1/videos": {"prompt": BAD},
    "/v1/audio/speech": {"model": "auto", "voice": "alloy", "input": WORSE},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": WORSE}]},
    "/v1/completions": {"prompt": WORSE},
    "/api/generate/voice": {"text": WORSE},
    "/api/v1/model/generateImage": {"prompt": BAD},
    "/api/v1/model/generateVideo": {"prompt": BAD},
    "/api/generate": {"prompt": BAD, "model": "animatic"},
    "/api/generate-image": {"prompt": BAD, "model": "animatic"},
    "/api/generate-audio": {"prompt": WORSE},
}


@pytest.fixture
def ada(api: Api) -> Api:
    name = api.hall.ids.public("metered")
    account = accounts.ensure_account(api.hall, name, "enterprise", balance_mc=1_000_000)
    return replace(api, key=accounts.create_key(api.hall, account).text, account=name)


@pytest.mark.parametrize("path", JSON_CALLS)
def test_c016_c021_a_text_is_refused_and_costs_nothing(ada: Api, path: str):
    with ada.client() as client:
        answer = client.post(path, json=JSON_CALLS[path])
        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "content_policy_violation", answer.text
        assert BAD not in answer.text and WORSE not in answer.text
        assert client.get("/farm/v1/credits").json()["balance"] == 1000.0
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_c016_an_edit_and_a_batch_are_refused_as_well(ada: Api):
    with ada.client() as client:
        edit = client.post(
            "/v1/images/edits",
            data={"prompt": BAD, "model": "auto"},
            files={"image": ("room.png", png(512, 512), "image/png")},
        )
        batch = client.post(
            "/v1/video/generations/batch", json={"prompts": [{"prompt": "x"}, {"prompt": BAD}]}
        )
        native = client.post("/farm/v1/jobs", json={"kind": "generate-image", "params": {"prompt": BAD}})
        jobs = client.get("/farm/v1/jobs").json()["data"]
    for answer in (edit, batch, native):
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"] == "content_policy_violation", answer.text
    assert edit.json()["error"]["param"] == "prompt"
    assert jobs == []


def test_c016_what_is_not_wanted_may_be_said(ada: Api):
    body = {"prompt": "a lighthouse", "negative_prompt": "porn, nsfw, naked child"}
    with ada.client() as client:
        made = client.post("/farm/v1/jobs", json={"kind": "generate-image", "params": body})
    assert made.status_code == 202, made.text
