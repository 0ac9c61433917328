"""describe-scenes over real HTTP: what is taken, waited for, refused and charged (rows A-046 to A-066)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.moderation import ModerationRules
from tests.api import Api, png, wav
from tests.described_jobs import BLUE, DESCRIBE, call, pictures, without_readers, work
from tests.integration.test_api_compose_otio import balance, listed, metered
from tests.unit.test_describe_checks import EXAMPLE
from tests.unit.test_describe_cues import NARRATION
from workers.vision_describe.describing import decency

pytestmark = pytest.mark.slow

ASYNC = "respond-async"
MIB = 1_048_576


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    without_readers(monkeypatch)


def faults(answer: httpx.Response) -> dict[tuple[str, str], dict[str, Any]]:
    return {(fault["code"], fault["path"]): fault for fault in answer.json()["error"]["errors"]}


def held(api: Api, answer: httpx.Response) -> float:
    """What the call's job holds, in credits."""
    assert answer.status_code == 202, answer.text
    with api.client() as client:
        return float(client.get(answer.json()["data"]["statusUrl"]).json()["credits_held"])


def tier_of(api: Api, tier: str) -> Api:
    return replace(api, key=api.new_key(f"{tier} of descriptions", tier=tier))


def test_a001_to_a006_a046_a054_to_a058_a_call_is_answered_with_its_scenes(api: Api, tmp_path: Path):
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(call(api, EXAMPLE)))
    caller.start()
    job = api.only_job()
    assert (job["kind"], job["surface"], job["state"]) == ("describe-scenes", "postproduction", "queued")
    work(api, job["id"], tmp_path)
    caller.join(30)
    (answer,) = answers
    body = answer.json()
    assert answer.status_code == 200 and set(body) == {"data", "meta"}
    scenes = body["data"]["scenes"]
    assert [scene["sceneId"] for scene in scenes] == ["scene-1", "scene-2", "scene-3"]
    for scene, colour in zip(scenes, ("red", "green", "blue"), strict=True):
        assert f"all {colour}" in scene["description"] and len(scene["description"]) <= 500
        assert scene["descriptionSource"] == "measured"
    assert [scene["startCueText"] for scene in scenes] == [
        "A cyclist crosses the bridge",
        "then enters a crowded market",
        "and ends on a sunset skyline",
    ]
    assert all(scene["anchorText"] in NARRATION for scene in scenes)
    meta = body["meta"]
    assert meta == {
        "requestId": answer.headers["x-request-id"],
        "jobId": job["id"],
        "credits": 5.0,
        "warnings": [],
    }
    assert "eyes" not in answer.text


def test_a057_a058_without_a_narration_the_cue_fields_are_left_out(api: Api, tmp_path: Path):
    accepted = call(api, None, pictures(1), Prefer=ASYNC).json()
    work(api, accepted["data"]["jobId"], tmp_path)
    with api.client() as client:
        later = client.get(accepted["data"]["resultUrl"]).json()
    (scene,) = later["data"]["scenes"]
    assert set(scene) == {"description", "descriptionSource"}


def test_x034_x044_who_does_not_wait_finds_the_answer_later(api: Api, tmp_path: Path):
    accepted = call(api, EXAMPLE, Prefer=ASYNC)
    body = accepted.json()
    assert (accepted.status_code, accepted.headers["preference-applied"]) == (202, "respond-async")
    assert body["data"]["status"] == "queued"
    assert body["data"]["resultUrl"] == f"{DESCRIBE}/{body['data']['jobId']}"
    with api.client() as client:
        assert client.get(body["data"]["resultUrl"]).status_code == 202
        work(api, body["data"]["jobId"], tmp_path)
        later = client.get(body["data"]["resultUrl"])
        assert client.get(f"{DESCRIBE}/job_of_nobody").status_code == 404
    assert [scene["sceneId"] for scene in later.json()["data"]["scenes"]] == EXAMPLE["sceneIds"]
    stranger = replace(api, key=api.new_key("a stranger to these scenes"))
    with stranger.client() as client:
        assert client.get(body["data"]["resultUrl"]).status_code == 404


def test_the_same_call_under_one_key_is_made_once(api: Api):
    first = call(api, EXAMPLE, Prefer=ASYNC, Idempotency_Key="one")
    again = call(api, EXAMPLE, Prefer=ASYNC, Idempotency_Key="one")
    assert first.json() == again.json() and len(listed(api)) == 1
    for other in (
        call(api, {**EXAMPLE, "hints": {"style": "short"}}, Prefer=ASYNC, Idempotency_Key="one"),
        call(api, EXAMPLE, pictures()[::-1], Prefer=ASYNC, Idempotency_Key="one"),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("tier", "images", "narration", "detail"),
    [("free", 5, 2_000, 0), ("pro", 50, 20_000, 5), ("enterprise", 100, 20_000, 5)],
)
def test_a007_a047_a049_a062_to_a066_limits_are_the_tiers(
    api: Api, tier: str, images: int, narration: int, detail: int
):
    customer = tier_of(api, tier)
    most = {"narrationText": "ä " * (narration // 2), "sceneOptions": [{"extraDetail": True}] * detail}
    assert call(customer, most, pictures(images), Prefer=ASYNC).status_code == 202
    over = {
        "narrationText": "ä" * (narration + 1),
        "sceneOptions": [{"extraDetail": True}] * (detail + 1),
        "sceneIds": ["one"],
    }
    found = faults(call(customer, over, pictures(images + 1)))
    extra = (
        ("too_many_extra_details", "/metadata/sceneOptions")
        if detail
        else ("not_in_tier", "/metadata/sceneOptions/0/extraDetail")
    )
    assert set(found) == {
        ("too_many_files", "/images"),
        ("text_too_long", "/metadata/narrationText"),
        ("scene_ids_mismatch", "/metadata/sceneIds"),
        extra,
    }
    assert found["text_too_long", "/metadata/narrationText"]["allowed"] == narration
    assert found["too_many_files", "/images"]["allowed"] == images
    assert found["scene_ids_mismatch", "/metadata/sceneIds"]["allowed"] == images + 1


@pytest.mark.parametrize(("tier", "one", "total"), [("free", 2, 5), ("pro", 5, 50), ("enterprise", 5, 100)])
def test_a062_to_a065_pictures_are_weighed_each_and_together(api: Api, tier: str, one: int, total: int):
    customer = tier_of(api, tier)
    padded = png() + bytes(one * MIB + 1 - len(png()))
    large = call(customer, {}, [png(), padded])
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")
    assert set(faults(large)) == {("file_too_large", "/images/1")}
    if tier == "free":
        third = png() + bytes(total * MIB // 3)
        assert set(faults(call(customer, {}, [third] * 3))) == {("files_too_large", "/images")}
        assert call(customer, {}, [third[: -3 * 100]] * 2, Prefer=ASYNC).status_code == 202


def test_a052_a055_the_free_tier_has_two_styles_and_200_characters(api: Api, tmp_path: Path):
    free = tier_of(api, "free")
    refused = faults(call(free, {"hints": {"style": "detailed"}}))
    assert refused["not_in_tier", "/metadata/hints/style"]["allowed"] == ["short", "normal"]
    job = call(free, {"hints": {"style": "normal"}}, Prefer=ASYNC).json()["data"]
    with free.client() as client:
        work(free, job["jobId"], tmp_path)
        scenes = client.get(job["resultUrl"]).json()["data"]["scenes"]
    assert all(0 < len(scene["description"]) <= 200 for scene in scenes)
    assert call(tier_of(api, "pro"), {"hints": {"style": "detailed"}}, Prefer=ASYNC).status_code == 202


@pytest.mark.parametrize(("images", "detailed", "credits"), [(1, 0, 5), (5, 0, 5), (8, 0, 8), (6, 5, 11)])
def test_a059_a060_a061_credits(api: Api, images: int, detailed: int, credits: int):
    ada = metered(api, "pro", 100)
    said = {"sceneOptions": [{"extraDetail": True}] * detailed}
    assert held(ada, call(ada, said, pictures(images), Prefer=ASYNC)) == credits
    assert balance(ada) == 100 - credits
    pauper = metered(api, "pro", credits - 1)
    assert call(pauper, said, pictures(images)).status_code == 402


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_kept(api: Api):
    ada = metered(api, "pro", 100)
    said = {"sceneIds": ["a", "b"], "hints": {"style": "loud", "languageCode": "no such"}, "x": 1}
    answer = call(ada, said, [png(), wav(), b"", b"<svg"])
    assert set(faults(answer)) == {
        ("unsupported_media", "/images/1"),
        ("unsupported_media", "/images/2"),
        ("unsupported_media", "/images/3"),
        ("scene_ids_mismatch", "/metadata/sceneIds"),
        ("unsupported_value", "/metadata/hints/style"),
        ("unsupported_language", "/metadata/hints/languageCode"),
        ("unknown_field", "/metadata/x"),
    }
    assert answer.status_code == 400 and answer.json()["error"]["errorCount"] == 7
    assert answer.json()["meta"] == {"requestId": answer.headers["x-request-id"]}
    with ada.client() as client:
        assert client.get("/farm/v1/assets").json()["data"] == []
    assert (balance(ada), listed(ada)) == (100.0, [])


@pytest.mark.parametrize("said", ["{", "[]", "7", '{"narrationText": NaN}', '{"sceneIds": {}}'])
def test_a048_metadata_that_is_none_is_named(api: Api, said: str):
    assert {path.partition("/sceneIds")[0] for _, path in faults(call(api, said))} == {"/metadata"}


def test_a047_pictures_must_come_in_a_form(api: Api):
    with api.client() as client:
        none = client.post(DESCRIBE, files={"metadata": (None, "{}")})
        text = client.post(DESCRIBE, files={"metadata": (None, "{}"), "images": (None, "a text")})
        no_form = client.post(DESCRIBE, json={})
    assert set(faults(none)) == {("missing_field", "/images")}
    assert ("wrong_type", "/images") in faults(text)
    assert (no_form.status_code, no_form.json()["error"]["param"]) == (400, "Content-Type")


@contextmanager
def moderated(api: Api, *words: str) -> Iterator[None]:
    """The API forbids these words within the block."""
    desk = api.app.state.desk
    rules = {"moderation": ModerationRules(words=words)}
    api.app.state.desk = replace(
        desk, hall=replace(desk.hall, catalog=desk.hall.catalog.model_copy(update=rules))
    )
    try:
        yield
    finally:
        api.app.state.desk = desk


def test_a_forbidden_word_is_refused_before_anything_is_kept_or_charged(api: Api):
    ada = metered(api, "pro", 100)
    with moderated(api, "zonkish"):
        answer = call(ada, {"narrationText": "A ZONKISH tale."})
    assert (answer.status_code, answer.json()["code"]) == (400, "content_policy_violation")
    assert (balance(ada), listed(ada)) == (100.0, [])
    with ada.client() as client:
        assert client.get("/farm/v1/assets").json()["data"] == []


def test_a_picture_that_is_refused_costs_nothing(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decency, "installed_look", lambda: lambda picture: float(picture.mean() > 100))
    ada = metered(api, "pro", 100)
    job = call(ada, {}, [png(), png(32, 32, (250, 250, 250))], Prefer=ASYNC).json()["data"]
    work(ada, job["jobId"], tmp_path)
    with ada.client() as client:
        answer = client.get(job["resultUrl"])
        told = client.get(job["statusUrl"]).json()
    assert (answer.status_code, answer.json()["code"]) == (400, "content_policy_violation")
    assert "Image 2" in answer.json()["error"]["message"]
    assert (told["state"], told["credits_charged"]) == ("failed", 0.0)


def test_a_picture_that_cannot_be_read_fails_the_job_by_its_name(api: Api, tmp_path: Path):
    broken = png(64, 64, BLUE)[:60] + bytes(40)
    answer = call(api, {}, [png(), broken], Prefer=ASYNC)
    assert answer.status_code == 202, answer.text
    job = answer.json()["data"]
    with pytest.raises(Exception, match=r"scene-02\.png"):
        work(api, job["jobId"], tmp_path)


def test_a008_a046_a047_a048_the_document_shows_the_form(api: Api):
    with api.client() as client:
        shown = client.get("/openapi.json").json()["paths"][DESCRIBE]["post"]
    form = shown["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["images"]
    assert form["properties"]["images"]["items"]["format"] == "binary"
    assert {"narrationText", "sceneIds", "hints", "sceneOptions"} <= set(
        form["properties"]["metadata"]["properties"]
    )
    assert {"200", "202", "4XX"} <= set(shown["responses"])
