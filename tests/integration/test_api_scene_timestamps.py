"""scene-timestamps over real HTTP: what is taken, waited for, refused and charged (rows A-067 to A-084)."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.doors import accounts, purse
from tests.api import Api, png
from tests.integration.test_api_compose_otio import balance, listed, metered
from tests.narrations import narration
from tests.timed_jobs import TIMESTAMPS, TOLD, call, end, hear, metadata, wav

pytestmark = pytest.mark.slow

ASYNC = "respond-async, wait=5"


def faults(answer: httpx.Response) -> dict[tuple[str, str], dict[str, Any]]:
    return {(fault["code"], fault["path"]): fault for fault in answer.json()["error"]["errors"]}


def tier_of(api: Api, tier: str) -> Api:
    return replace(api, key=api.new_key(f"{tier} of timestamps", tier=tier))


@contextmanager
def answering_within(api: Api, seconds: float) -> Iterator[None]:
    """Calls are waited for so long, and no longer."""
    desk = api.app.state.desk
    rules = desk.hall.catalog.api.model_copy(update={"answer_s": seconds})
    catalog = desk.hall.catalog.model_copy(update={"api": rules})
    api.app.state.desk = replace(desk, hall=replace(desk.hall, catalog=catalog))
    try:
        yield
    finally:
        api.app.state.desk = desk


def test_a001_a003_a004_a005_a067_a076_a077_a_call_is_answered_with_its_scenes(api: Api, tmp_path: Path):
    answers: list[httpx.Response] = []
    said = metadata(startOffsetMs=1500, fps=29.97, languageCode="en", narrationText=TOLD.text)
    caller = threading.Thread(target=lambda: answers.append(call(api, said)))
    caller.start()
    job = api.only_job()
    assert (job["kind"], job["surface"], job["state"]) == ("scene-timestamps", "postproduction", "queued")
    hear(api, job["id"], TOLD, tmp_path)
    caller.join(30)
    (answer,) = answers
    body = answer.json()
    assert answer.status_code == 200 and set(body) == {"data", "meta"}
    scenes = body["data"]["scenes"]
    assert [scene["sceneId"] for scene in scenes] == [f"scene-{n}" for n in range(1, 7)]
    assert [scene["index"] for scene in scenes] == list(range(6))
    assert [scene["startMs"] for scene in scenes] == [at + 1500 for at in TOLD.starts_ms]
    for scene in scenes:
        assert scene["status"] == "matched" and scene["confidence"] > 0.8
        assert scene["interval"]["fromMs"] <= scene["startMs"] <= scene["interval"]["toMs"]
        assert scene["startFrame"] == pytest.approx(scene["startMs"] * 30 / 1001, abs=0.51)
        cut = scene["transition"]
        assert set(cut) == {"type", "startMs", "durationMs", "review", "interval"}
        assert cut["startMs"] + cut["durationMs"] <= scene["startMs"]
    meta = body["meta"]
    assert meta["requestId"] == answer.headers["x-request-id"] and meta["jobId"] == job["id"]
    assert (meta["method"], meta["language"], meta["warnings"]) == ("aligned", "en", [])
    assert body["data"]["durationMs"] == meta["durationMs"] == round(TOLD.duration_s * 1000)
    assert (body["data"]["fps"], body["data"]["srt"], body["data"]["words"]) == ("30000/1001", None, None)


def test_a002_x038_either_header_opens_and_without_one_nothing_is_read(api: Api):
    for headers in ({}, {"X-API-Key": "farm_no_key"}):
        refused = httpx.post(api.url + TIMESTAMPS, content=b"anything", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    bearer = httpx.post(
        api.url + TIMESTAMPS,
        data={"metadata": json.dumps(metadata())},
        files={"audio": ("n.wav", wav(30))},
        headers={"Authorization": f"Bearer {api.key}", "Prefer": ASYNC},
    )
    assert bearer.status_code == 202, bearer.text


def test_x034_x044_who_does_not_wait_finds_the_same_answer_later(api: Api, tmp_path: Path):
    accepted = call(api, metadata(formats=["srt", "words"]), Prefer=ASYNC)
    body = accepted.json()
    assert (accepted.status_code, accepted.headers["preference-applied"]) == (202, "respond-async")
    assert (
        body["data"]["statusUrl"] == accepted.headers["location"] == f"/farm/v1/jobs/{body['data']['jobId']}"
    )
    assert (body["data"]["status"], body["meta"]["requestId"]) == ("queued", accepted.headers["x-request-id"])
    with api.client() as client:
        assert client.get(body["data"]["resultUrl"]).status_code == 202
        hear(api, body["data"]["jobId"], TOLD, tmp_path)
        later = client.get(body["data"]["resultUrl"]).json()
        other = client.get(f"{TIMESTAMPS}/job_of_nobody")
    assert [scene["startMs"] for scene in later["data"]["scenes"]] == TOLD.starts_ms
    assert later["data"]["srt"].startswith("1\n00:00:00,000") and later["data"]["vtt"] is None
    assert later["data"]["words"] == [{"text": "Hello", "startMs": 0, "endMs": 900, "certainty": 0.9}]
    assert other.status_code == 404
    stranger = replace(api, key=api.new_key("a stranger to this job"))
    with stranger.client() as client:
        assert client.get(body["data"]["resultUrl"]).status_code == 404


def test_x034_what_is_not_done_in_time_becomes_a_job_and_is_made_once(api: Api):
    with answering_within(api, 0.2):
        first = call(api, metadata(), Idempotency_Key="one")
        again = call(api, metadata(), Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (202, 202) and first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true" and "preference-applied" not in first.headers
    assert api.only_job()["id"] == first.json()["data"]["jobId"]
    others = (
        call(api, metadata(fps=25), Idempotency_Key="one"),
        call(api, metadata(), wav(61), Idempotency_Key="one"),
    )
    for other in others:
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_x034_the_same_key_at_the_same_time_makes_one_job_and_is_paid_once(api: Api):
    ada = metered(api, "pro", 100)
    with ThreadPoolExecutor(8) as callers:
        calls = [
            callers.submit(call, ada, metadata(), Prefer=ASYNC, Idempotency_Key="all at once")
            for _ in range(8)
        ]
        answers = [done.result() for done in calls]
    made = [answer for answer in answers if answer.status_code == 202]
    assert made and {answer.status_code for answer in answers} <= {202, 409}
    assert {answer.json()["data"]["jobId"] for answer in made} == {job["id"] for job in listed(ada)}
    assert len(listed(ada)) == 1 and balance(ada) == 91.0


def test_a_failed_call_leads_to_its_job_again_until_it_is_made_under_a_new_key(api: Api):
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(call(api, metadata(), Idempotency_Key="first")))
    caller.start()
    job = api.only_job()
    end(api, job["id"], failure_class="crash", error_code="crash", error_message="gone")
    caller.join(30)
    answers.append(call(api, metadata(), Idempotency_Key="first"))
    for answer in answers:
        assert (answer.status_code, answer.json()["meta"]["jobId"]) == (503, job["id"])
        assert "with a new Idempotency-Key" in answer.json()["error"]["message"]
    assert call(api, metadata(), Idempotency_Key="second", Prefer=ASYNC).status_code == 202
    assert len(listed(api)) == 2


def test_a_caller_who_hangs_up_loses_nothing(api: Api, tmp_path: Path):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            api.url + TIMESTAMPS,
            data={"metadata": json.dumps(metadata())},
            files={"audio": ("narration.wav", wav(60))},
            headers={"X-API-Key": api.key, "Idempotency-Key": "gone"},
            timeout=httpx.Timeout(10, read=0.5),
        )
    job = api.only_job()
    hear(api, job["id"], TOLD, tmp_path)
    deadline = 20
    while (answer := call(api, metadata(), Idempotency_Key="gone")).status_code == 409 and deadline:
        deadline -= 1  # the first call is still being answered, to nobody
        assert answer.headers["retry-after"]
        threading.Event().wait(0.2)
    assert answer.status_code == 200 and answer.json()["meta"]["jobId"] == job["id"]
    assert len(listed(api)) == 1


def test_a_call_that_breaks_off_leaves_nothing_behind(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    head = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n' + wav(1)
    with socket.create_connection((httpx.URL(api.url).host, httpx.URL(api.url).port or 80)) as line:
        line.sendall(
            f"POST {TIMESTAMPS} HTTP/1.1\r\nHost: farm\r\nX-API-Key: {api.key}\r\nContent-Length: 100000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )
        line.sendall(head)
        until(lambda: len(list(tmp_path.glob("farm-call-*/1"))) == 1)
    until(lambda: not list(tmp_path.iterdir()))
    assert call(api, metadata(), files=[("audio", ("a.wav", b"x"))] * 20).status_code == 400
    assert call(api, {}).status_code == 400 and not list(tmp_path.iterdir())
    assert listed(api) == []


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (("invalid_input", "asset_unreadable", "narration.wav lasts no time."), 400, "asset_unreadable"),
        (("invalid_input", "audio_too_long", "audio: The sound lasts 900 s."), 400, "audio_too_long"),
        (("timeout", "timeout", "whisper took too long on gpu-7"), 504, "processing_timeout"),
        (("crash", "crash", "whisper crashed on gpu-7"), 503, "processing_failed"),
    ],
)
def test_a006_a_job_that_fails_says_why_and_names_no_vendor(
    api: Api, failure: tuple[str, str, str], status: int, code: str
):
    job = call(api, metadata(), Prefer=ASYNC).json()["data"]
    names = dict(zip(("failure_class", "error_code", "error_message"), failure, strict=True))
    end(api, job["jobId"], **names)
    with api.client() as client:
        answer = client.get(job["resultUrl"])
    body = answer.json()
    assert (answer.status_code, body["code"], body["error"]["code"]) == (status, code, code)
    assert "whisper" not in answer.text and "gpu-7" not in answer.text
    assert body["meta"] == {"requestId": answer.headers["x-request-id"], "jobId": job["jobId"]}
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_cancelled_job_says_so(api: Api):
    job = call(api, metadata(), Prefer=ASYNC).json()["data"]
    end(api, job["jobId"], state="cancelled")
    with api.client() as client:
        answer = client.get(job["resultUrl"])
    assert (answer.status_code, answer.json()["code"]) == (409, "job_cancelled")


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_kept(api: Api):
    ada = metered(api, "pro", 100)
    said = metadata(fps=23.5, languageCode="english, please", formats=["srt", "pdf"], surprise=1)
    del said["scenes"][0]["startCueText"]
    said["scenes"][1]["anchorText"] = "   "
    said["scenes"][2]["anchorText"] = "x" * 501
    said["scenes"][3]["startCueText"] = "… !?"
    answer = call(
        ada,
        said,
        png(),
        name="picture.png",
        files=[("audio", ("p.png", png())), ("picture", ("q.png", png()))],
    )
    found = faults(answer)
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_request"
    assert answer.json()["meta"]["requestId"] == answer.headers["x-request-id"]
    assert set(found) == {
        ("unsupported_media", "/audio"),
        ("unknown_field", "/picture"),
        ("missing_field", "/metadata/scenes/0/startCueText"),
        ("wrong_type", "/metadata/scenes/1/anchorText"),
        ("text_too_long", "/metadata/scenes/2/anchorText"),
        ("no_words", "/metadata/scenes/3/startCueText"),
        ("wrong_type", "/metadata/languageCode"),
        ("unsupported_value", "/metadata/formats/1"),
        ("unknown_field", "/metadata/surprise"),
    }
    assert found["text_too_long", "/metadata/scenes/2/anchorText"]["allowed"] == 500
    assert found["unsupported_media", "/audio"]["got"] == "a PNG picture"
    with ada.client() as client:
        assert client.get("/farm/v1/assets").json()["data"] == []
    assert balance(ada) == 100.0 and listed(ada) == []


def test_what_cannot_be_kept_together_is_refused_by_name(api: Api):
    said = metadata(minSceneMs=20_000, startOffsetMs=500)
    said["scenes"][0] |= {"fixedStartMs": 100, "id": "other"}
    said["scenes"][2]["fixedStartMs"] = 10_000
    said["scenes"][5] |= {"fixedStartMs": 3_600_000, "sceneId": "scene-2"}
    assert set(faults(call(api, said, wav(60)))) == {
        ("unsupported_value", "/metadata/scenes/0/id"),
        ("duplicate_scene_id", "/metadata/scenes/5/sceneId"),
        ("fixed_start_unkept", "/metadata/scenes/0/fixedStartMs"),
        ("fixed_start_unkept", "/metadata/scenes/2/fixedStartMs"),
        ("scenes_too_long", "/metadata/minSceneMs"),
        ("fixed_start_too_late", "/metadata/scenes/5/fixedStartMs"),
    }
    assert set(faults(call(api, metadata(fps=23.5)))) == {("unsupported_fps", "/metadata/fps")}


@pytest.mark.parametrize(
    ("said", "code"),
    [("{", "not_json"), ("[]", "wrong_type"), ('{"scenes": []}', "out_of_range"), ('{"a": NaN}', "not_json")],
)
def test_a069_metadata_that_is_none(api: Api, said: str, code: str):
    assert {fault for fault, _ in faults(call(api, said))} >= {code}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"anchorText": ""}, ("out_of_range", "/metadata/scenes/0/anchorText")),
        ({"anchorText": "x" * 2001}, ("text_too_long", "/metadata/scenes/0/anchorText")),
        ({"scene": 1}, ("unknown_field", "/metadata/scenes/0/scene")),
        ({"fixedStartMs": -1}, ("out_of_range", "/metadata/scenes/0/fixedStartMs")),
        ({"fixedStartMs": 60_000}, ("fixed_start_too_late", "/metadata/scenes/0/fixedStartMs")),
    ],
)
def test_a069_the_only_scene_is_told_of_once(api: Api, change: dict[str, Any], found: tuple[str, str]):
    said = {"scenes": [{"anchorText": "a lamp", "startCueText": "a lamp", **change}]}
    assert set(faults(call(api, said))) == {found}


def test_a068_sounds_are_taken_to_the_last_byte_and_the_last_second(api: Api):
    ada = tier_of(api, "free")
    most = 5 << 20
    sound = wav(60)
    assert call(ada, metadata(), sound + bytes(most - len(sound)), Prefer=ASYNC).status_code == 202
    over = call(ada, metadata(), sound + bytes(most - len(sound) + 1), Prefer=ASYNC)
    assert set(faults(over)) == {("file_too_large", "/audio")}
    frame = b"\xff\xfb\x90\xc4" + bytes(413)  # MP3: 128 kbit/s, 44.1 kHz, 1152 samples
    padded = frame * (round(300 * 44_100 / 1152) + 2)  # five minutes, and what an encoder puts around them
    assert call(ada, metadata(), padded, name="n.mp3", Prefer=ASYNC).status_code == 202
    late = call(ada, metadata(), padded + frame * 20, name="n.mp3")
    assert set(faults(late)) == {("audio_too_long", "/audio")}
    streamed = sound[:40] + b"\xff\xff\xff\xff" + sound[44:]
    assert call(ada, metadata(), streamed, Prefer=ASYNC).status_code == 202


def test_a068_a_form_must_be_one_and_have_its_parts(api: Api):
    headers = {"X-API-Key": api.key}
    as_json = httpx.post(api.url + TIMESTAMPS, json=metadata(), headers=headers)
    assert (as_json.status_code, as_json.json()["error"]["param"]) == (400, "Content-Type")
    nothing = call(api, metadata(), files=[("other", ("x", b"x"))])
    assert {("missing_field", "/audio"), ("unknown_field", "/other")} == set(faults(nothing))
    two = call(api, metadata(), files=[("audio", ("a.wav", wav(1))), ("audio", ("b.wav", wav(1)))])
    assert ("too_many_files", "/audio") in faults(two)
    alone = httpx.post(api.url + TIMESTAMPS, files={"audio": ("a.wav", wav(1))}, headers=headers)
    assert set(faults(alone)) == {("missing_field", "/metadata")}
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (
        b"",
        b"--b\r\nnonsense",
        b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\nRIFF',
    ):
        broken = httpx.post(api.url + TIMESTAMPS, content=body, headers=headers | kind)
        assert broken.status_code == 400, broken.text
    long = {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}
    assert httpx.post(api.url + TIMESTAMPS, content=b"", headers=headers | long).status_code == 400
    many = call(api, metadata(), files=[("audio", ("a.wav", b"x"))] * 20)
    assert (many.status_code, many.json()["error"]["param"]) == (400, "audio")


@pytest.mark.parametrize(
    ("tier", "mib", "minutes", "scenes", "narration_chars", "field", "text"),
    [
        ("free", 5, 5, 10, 5_000, 300, 4_000),
        ("pro", 25, 20, 100, 50_000, 500, 40_000),
        ("enterprise", 25, 60, 100, 50_000, 500, 40_000),
    ],
)
def test_a007_a068_a069_a070_a071_a074_a075_a082_a083_a084_limits_are_the_tiers(
    api: Api, tier: str, mib: int, minutes: int, scenes: int, narration_chars: int, field: int, text: int
):
    customer = tier_of(api, tier)
    cue = {"anchorText": "a lamp", "startCueText": "a lamp"}
    just = {"scenes": [cue] * scenes, "narrationText": "ä" * narration_chars}
    length = min(text // scenes // 2, field)
    long_cue = {"anchorText": "ä" * length, "startCueText": "ä" * length}
    just["scenes"] = [long_cue] * scenes
    assert call(customer, just, wav(minutes * 60, 2000), Prefer=ASYNC).status_code == 202
    over = {
        "scenes": [*([long_cue] * scenes), {**cue, "anchorText": "x" * (field + 1)}],
        "narrationText": "ä" * (narration_chars + 1),
    }
    found = faults(call(customer, over, wav(minutes * 60 + 2, 2000)))
    assert {(code, fault["allowed"]) for (code, _), fault in found.items()} == {
        ("too_many_scenes", scenes),
        ("text_too_long", field),
        ("scene_text_too_long", text),
        ("narration_too_long", narration_chars),
        ("audio_too_long", minutes * 60.0),
    }
    assert found["audio_too_long", "/audio"]["got"] == minutes * 60 + 2.0
    large = call(customer, metadata(), wav(1) + bytes(mib << 20))
    assert large.status_code == 413 and large.json()["code"] == "payload_too_large"
    assert faults(large)["file_too_large", "/audio"]["allowed"] == {"maxBytes": mib << 20}
    huge = call(customer, metadata(), bytes((mib + 2) << 20))
    assert (huge.status_code, huge.json()["error"]["param"]) == (413, "audio")


@pytest.mark.parametrize(
    ("seconds", "scenes", "credits"),
    [(10, 1, 9.0), (300, 10, 9.0), (301, 10, 12.0), (300, 11, 10.0), (901, 21, 20.0)],
)
def test_a078_a079_a080_a081_credits_go_by_started_blocks_and_not_by_size(
    api: Api, seconds: int, scenes: int, credits: float, tmp_path: Path
):
    ada = metered(api, "pro", 100)
    told = narration(scenes, scenes=scenes)
    for rate in (1000, 4000):
        job = call(ada, metadata(told), wav(seconds, rate), Prefer=ASYNC).json()["data"]
        with ada.client() as client:
            assert client.get(f"/farm/v1/jobs/{job['jobId']}").json()["credits_held"] == credits
    assert balance(ada) == 100.0 - 2 * credits


def test_a078_a_sound_whose_length_no_header_tells_is_held_for_and_costs_its_true_length(
    api: Api, tmp_path: Path
):
    ada = metered(api, "pro", 30)
    webm = (
        bytes.fromhex("1a45dfa3")
        + b"\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
        + bytes(5000)
    )
    job = call(ada, metadata(), webm, name="n.webm", Prefer=ASYNC).json()["data"]
    with ada.client() as client:
        assert client.get(f"/farm/v1/jobs/{job['jobId']}").json()["credits_held"] == 6 + 4 * 3
        hear(ada, job["jobId"], TOLD, tmp_path)
        meta = client.get(job["resultUrl"]).json()["meta"]
    assert meta["credits"] == 9.0


def test_a_pauper_is_told_and_his_call_may_be_made_again(api: Api):
    pauper = metered(api, "pro", 8)
    refused = call(pauper, metadata(), Prefer=ASYNC, Idempotency_Key="mine")
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert listed(pauper) == []
    public_id = accounts.caller_of(pauper.hall, pauper.key).account.public_id
    purse.top_up(pauper.hall, public_id, 1000)
    paid = call(pauper, metadata(), Prefer=ASYNC, Idempotency_Key="mine")
    assert paid.status_code == 202 and balance(pauper) == 0.0


def test_a008_nothing_here_is_a_demo_and_the_document_shows_the_form(api: Api):
    with api.client() as client:
        document = client.get("/openapi.json").json()
        assert client.post("/postproduction/v1/demo/scene-timestamps").status_code == 404
    assert not [path for path in document["paths"] if "demo" in path]
    shown = document["paths"][TIMESTAMPS]["post"]
    form = shown["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["audio", "metadata"] and form["properties"]["audio"]["format"] == "binary"
    scene = form["properties"]["metadata"]["properties"]["scenes"]["items"]
    assert {"anchorText", "startCueText", "sceneId", "fixedStartMs"} <= set(scene["properties"])
    assert {"anchorText", "startCueText"} == set(scene["required"])
    assert "Idempotency-Key" in [given["name"] for given in shown["parameters"]]
    assert {"200", "202", "4XX"} <= set(shown["responses"])
