"""Saved voices over real HTTP and by the command line: made, listed, spoken with, forgotten."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.doors.jobs import list_jobs
from tests.api import MEDIA_RENDER, Api
from tests.command import farm, farm_json
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import PHOTO, params_of, start
from tests.integration.test_api_media_render_voiceover import WREN, speak
from tests.integration.test_api_media_render_voiceover import voices as surface_voices
from tests.integration.test_api_native import asset, render

pytestmark = pytest.mark.slow

VOICES = "/farm/v1/voices"
ROOK = "svoice_espeak_en-gb_male"
NARRATOR = {"name": "My launch narrator", "voice_id": WREN, "speed": 1.25, "tags": ["calm", "launch"]}


def call(
    api: Api, method: str, path: str = "", body: Any = None, *, key: str | None = None
) -> httpx.Response:
    with api.client(key) as client:
        return client.request(method, f"{VOICES}{path}", json=body)


def save(api: Api, **changes: Any) -> dict[str, Any]:
    answer = call(api, "POST", "", NARRATOR | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_d155_d157_d159_a_saved_voice_is_listed_as_the_document_shows_it(api: Api) -> None:
    made = save(api)
    found = surface_voices(api, language="en", gender="female").json()["voices"]
    assert {voice["source"] for voice in found} == {"saved", "system"}
    saved = found[0]
    assert re.fullmatch(r"dvoice_[0-9a-z]{22}", made["id"])
    assert saved["id"] == saved["voiceoverVoiceId"] == made["id"]
    assert (saved["name"], saved["language"], saved["source"]) == ("My launch narrator", "en", "saved")
    assert (saved["gender"], saved["tags"], saved["speed"]) == ("female", ["calm", "launch"], 1.25)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", saved["createdAt"])
    assert saved["updatedAt"] == saved["createdAt"]
    assert not any("createdAt" in voice for voice in found if voice["source"] == "system")
    api.clock.ahead_s += 60
    call(api, "PATCH", f"/{made['id']}", {"speed": 0.9})
    changed = surface_voices(api, language="en-US").json()["voices"][0]
    assert changed["createdAt"] == saved["createdAt"] < changed["updatedAt"]
    for other in ({"gender": "male"}, {"language": "en-GB"}, {"language": "de"}):
        assert made["id"] not in {voice["id"] for voice in surface_voices(api, **other).json()["voices"]}


def test_d122_a_render_speaks_with_it_and_is_none_the_worse_once_it_is_gone(api: Api, tmp_path: Path) -> None:
    made = save(api)
    assert speak(api, voiceoverVoiceId=made["id"]).status_code == 202
    assert call(api, "DELETE", f"/{made['id']}").json()["id"] == made["id"]
    voiceover = params_of(api)["voiceover"]
    assert (voiceover["voice_id"], voiceover["speed"], voiceover["language"]) == (WREN, 1.25, "en-US")
    (job,) = list_jobs(api.hall, None, limit=1)
    api.finish_job(job.id, b"", tmp_path / "none", state="failed")
    with api.client() as client:
        assert client.post(f"/farm/v1/jobs/{job.id}/retry").status_code == 202
    assert params_of(api)["voiceover"] == voiceover
    check_error(
        speak(api, voiceoverVoiceId=made["id"]), 400, "invalid_voiceover_voice_id", "voiceoverVoiceId"
    )


PARTS = (
    "This is where the launch starts.",
    "Then the product proves why it matters.",
    "By the end, the workflow feels simple.",
)
# The two requests of the document's chapter on voiceovers, but for their ids.
ITS_REQUESTS = (
    {
        "instructions": "Make a product launch story from these visuals. Keep it clear and confident.",
        "aspectRatio": "9:16",
        "aiAnalysis": True,
        "visionAnalysis": True,
        "audioAnalysis": False,
        "textOnScreen": True,
        "voiceover": True,
        "voiceoverLanguage": "en-US",
        "voiceoverScript": {"format": "text", "content": " ".join(PARTS)},
        "bgm": True,
        "bgmQuery": "confident product launch background music",
        "sfx": True,
        "sfxTypes": ["click", "camera-shutter"],
    },
    {
        "voiceover": True,
        "voiceoverScript": {"format": "json", "segments": [{"text": part} for part in PARTS]},
        "aiAnalysis": True,
        "visionAnalysis": True,
        "textOnScreen": False,
    },
)


@pytest.mark.parametrize("body", ITS_REQUESTS)
def test_d121_d155_the_documents_own_requests_speak_with_a_saved_voice(
    api: Api, body: dict[str, Any]
) -> None:
    made = save(api)
    project = api.project(PHOTO)
    answer = start(api, projectId=project["projectId"], voiceoverVoiceId=made["id"], **body)
    assert answer.status_code == 202, answer.text
    voiceover = params_of(api)["voiceover"]
    assert (voiceover["voice_id"], voiceover["speed"]) == (WREN, 1.25)
    assert [line["text"] for line in voiceover["lines"]] == list(PARTS)


def test_a_native_job_takes_it_too_and_what_the_job_says_goes_before(api: Api) -> None:
    made = save(api)
    photo = asset(api)
    for own, speed in (({}, 1.25), ({"speed": 0.75}, 0.75)):
        body = render(photo)
        body["params"]["voiceover"] = {"voice_id": made["id"], "lines": [{"text": "Hello."}], **own}
        with api.client() as client:
            answer = client.post("/farm/v1/jobs", json=body)
            assert answer.status_code == 202, answer.text
            assert client.post("/farm/v1/quotes", json=body).status_code == 200
        assert params_of(api)["voiceover"]["voice_id"] == WREN
        assert params_of(api)["voiceover"]["speed"] == speed
    body["params"]["voiceover"]["voice_id"] = "dvoice_nobody"
    with api.client() as client:
        check_error(
            client.post("/farm/v1/jobs", json=body),
            400,
            "invalid_voiceover_voice_id",
            "params.voiceover.voice_id",
        )


def test_another_account_cannot_see_hear_change_or_delete_it(api: Api) -> None:
    made = save(api)
    other = api.new_key(api.hall.ids.public("customer"))
    for method, body in (("GET", None), ("PATCH", {"speed": 1.0}), ("DELETE", None)):
        check_error(call(api, method, f"/{made['id']}", body, key=other), 404, "not_found")
    listed = call(api, "GET", "?source=saved", key=other).json()
    assert listed == {"data": [], "next_cursor": None}
    with api.client(other) as client:
        found = client.get(f"{MEDIA_RENDER}/voices").json()["voices"]
        assert {voice["source"] for voice in found} == {"system"}
        body = render(asset(api))  # the other's own job, before its files are looked at
        body["params"]["voiceover"] = {"voice_id": made["id"], "lines": [{"text": "Hello."}]}
        check_error(client.post("/farm/v1/jobs", json=body), 400, "invalid_voiceover_voice_id")


def test_the_native_api_saves_shows_changes_and_lists(api: Api) -> None:
    made = save(api)
    assert (made["source"], made["voice_id"], made["engine"]) == ("saved", WREN, "espeak-ng")
    assert made["available"] is True and made["created_at"] == made["updated_at"]
    assert call(api, "GET", f"/{made['id']}").json() == made
    system = call(api, "GET", f"/{ROOK}").json()
    assert (system["source"], system["speed"], system["created_at"]) == ("system", 1.0, None)
    changed = call(api, "PATCH", f"/{made['id']}", {"voice_id": ROOK, "name": "Rook"}).json()
    assert (changed["locale"], changed["gender"], changed["speed"]) == ("en-GB", "male", 1.25)
    first = call(api, "GET", "?limit=1").json()
    assert [voice["id"] for voice in first["data"]] == [made["id"]]
    rest = call(api, "GET", f"?cursor={first['next_cursor']}&language=en&gender=male").json()["data"]
    assert {voice["source"] for voice in rest} == {"system"}
    assert call(api, "GET", "?source=saved&engine=espeak-ng").json()["data"] == [changed]
    check_error(call(api, "GET", "?gender=robot"), 400, "invalid_request", "gender")


@pytest.mark.parametrize(
    ("changes", "status", "code", "param"),
    [
        ({"voice_id": "svoice_nobody"}, 400, "invalid_voiceover_voice_id", "voice_id"),
        ({"voice_id": "dvoice_1"}, 400, "invalid_request", "voice_id"),
        ({"locale": "fr-FR"}, 400, "invalid_request", "locale"),
        ({"locale": "english"}, 400, "invalid_request", "locale"),
        ({"speed": 2.1}, 400, "invalid_request", "speed"),
        ({"speed": "fast"}, 400, "invalid_request", "speed"),
        ({"name": "  "}, 400, "invalid_request", "name"),
        ({"tags": ["x"] * 11}, 400, "invalid_request", "tags"),
        ({"pitch": 2}, 400, "invalid_request", "pitch"),
        ({}, 409, "name_taken", "name"),
    ],
)
def test_what_cannot_be_saved_names_its_field(
    api: Api, changes: dict[str, Any], status: int, code: str, param: str
) -> None:
    save(api)
    check_error(call(api, "POST", "", NARRATOR | changes), status, code, param)


def test_a_voice_whose_engine_the_operator_took_away_waits_for_it(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = save(api)
    (tmp_path / "voices.toml").write_text('[voices]\nengines = ["ttspico"]\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    (shown,) = call(api, "GET", "?source=saved").json()["data"]
    assert (shown["id"], shown["available"], shown["engine"]) == (made["id"], False, None)
    assert call(api, "GET", "?source=saved&language=en").json()["data"] == []
    assert made["id"] not in {voice["id"] for voice in surface_voices(api).json()["voices"]}
    refused = speak(api, voiceoverVoiceId=made["id"])
    check_error(refused, 400, "invalid_voiceover_voice_id", "voiceoverVoiceId")
    monkeypatch.delenv("FARM_CONFIG_DIR")
    assert speak(api, voiceoverVoiceId=made["id"]).status_code == 202


def test_the_farms_own_voices_are_nobodys_to_change(api: Api) -> None:
    check_error(call(api, "PATCH", f"/{WREN}", {"speed": 1.0}), 404, "not_found")
    check_error(call(api, "DELETE", f"/{WREN}"), 404, "not_found")
    check_error(call(api, "GET", "/svoice_nobody"), 404, "not_found")


def test_the_command_line_lists_saves_changes_and_deletes(api: Api, tmp_path: Path) -> None:
    named = {"FARM_URL": api.url, "FARM_API_KEY": api.key}
    made = farm(
        tmp_path, "voices", "save", "Calm", "--voice", WREN, "--speed", "0.9", "--tag", "slow", **named
    )
    voice_id = made.stdout.strip()
    assert voice_id.startswith("dvoice_"), made.stderr
    listed = farm_json(tmp_path, "voices", "--language", "en", "--gender", "female", **named)
    assert [voice["source"] for voice in listed] == ["saved", "system", "system"]
    (own,) = farm_json(tmp_path, "voices", "--source", "saved", **named)
    assert (own["id"], own["speed"], own["tags"]) == (voice_id, 0.9, ["slow"])
    table = farm(tmp_path, "voices", **named).stdout
    assert voice_id in table and ROOK in table and "0.9" in table
    changed = json.loads(
        farm(tmp_path, "voices", "change", voice_id, "--speed", "1.1", "--json", **named).stdout
    )
    assert (changed["speed"], changed["name"], changed["tags"]) == (1.1, "Calm", ["slow"])
    refused = farm(tmp_path, "voices", "save", "X", "--voice", "nobody", **named)
    assert refused.returncode == 1 and refused.stderr.startswith("error: There is no voice 'nobody'")
    assert farm(tmp_path, "voices", "rm", voice_id, **named).stdout == f"{voice_id} is deleted.\n"
    assert farm_json(tmp_path, "voices", "--source", "saved", **named) == []
