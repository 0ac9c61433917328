"""Speech, compositions and charts of the generations surface, as calls are taken and refused. No worker."""

from typing import Any

import pytest

from tests.api import Api, png, wav
from tests.integration.test_api_envelope import check_error
from tests.integration.test_webhooks import refused_everywhere

pytestmark = pytest.mark.slow

VOICE, COMPOSE, CHART = "/api/generate/voice", "/api/generate/compose", "/api/generate/chart-to-video"
STATUS = "/api/generate/status"
HOOK = "https://93.184.216.34/hook"
SAYS = {"text": "Welcome to CreativeAI. Your product video is ready."}
DATA = {
    "type": "line",
    "labels": ["Q1", "Q2", "Q3", "Q4"],
    "datasets": [{"label": "Revenue", "data": [1.2, 1.8, 2.4, 3.1]}],
}


def accepted(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    with api.client() as client:
        made = client.post(path, json=body)
        assert made.status_code == 202, made.text
        found: dict[str, Any] = made.json()
        assert client.get(f"{STATUS}/{found['id']}").json() == found  # C-173
    return found


def test_c144_to_c151_a_text_is_accepted_with_an_id_and_eight_credits(api: Api) -> None:
    """C-144 to C-149; C-150, X-06: eight; C-151, C-174, X-03: PENDING in upper case; C-178 to C-185."""
    asked = {**SAYS, "voice": "nova", "language": "de", "speed": 1.5, "webhook_url": HOOK}
    found = accepted(api, VOICE, asked)
    assert found["id"].startswith("voice_")
    assert (found["type"], found["model"], found["status"]) == ("VOICE", "creative-voice", "PENDING")
    assert (found["credits"], found["output_url"], found["completed_at"]) == (8, None, None)
    assert found["parameters"] == {"voice": "nova", "language": "de", "speed": 1.5}
    assert found["created_at"].endswith("Z")
    with api.client() as client:
        job = client.get(f"/farm/v1/jobs/{found['id']}").json()
    assert (job["kind"], job["surface"]) == ("generate-voice", "generations")


def test_c146_c147_c148_what_is_not_said_has_the_documents_defaults(api: Api) -> None:
    found = accepted(api, VOICE, {"text": "x" * 4_999 + "y"})
    assert found["parameters"] == {"voice": "alloy", "language": "en", "speed": 1.0}


@pytest.mark.parametrize("voice", ["alloy", "echo", "fable", "onyx", "nova", "shimmer"])
def test_c152_to_c157_each_promised_voice_is_taken(api: Api, voice: str) -> None:
    """C-152 alloy, C-153 echo, C-154 fable, C-155 onyx, C-156 nova, C-157 shimmer."""
    assert accepted(api, VOICE, {**SAYS, "voice": voice})["parameters"]["voice"] == voice


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"text": ""}, "text"),  # C-145
        ({"text": "x" * 5_001}, "text"),
        ({"text": "… !"}, "text"),
        ({"voice": "darth"}, "voice"),  # C-146
        ({"language": "it"}, "language"),  # C-147
        ({"speed": 0.4}, "speed"),  # C-148
        ({"speed": 2.1}, "speed"),
        ({"speed": True}, "speed"),
        ({"webhook_url": "http://10.0.0.1/hook"}, "webhook_url"),  # C-149
    ],
)
def test_c145_to_c149_a_wrong_text_names_its_field(api: Api, change: dict[str, Any], param: str) -> None:
    with api.client() as client:
        refused = client.post(VOICE, json={**SAYS, **change})
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == param
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_c162_x13_a_composition_names_two_urls_and_each_is_looked_at(api: Api) -> None:
    """C-159, C-160: url attacks on both fields are refused by name; C-161: nothing but true and false."""
    good = {"video_url": "https://93.184.216.34/film.mp4", "audio_url": "https://93.184.216.34/voice.mp3"}
    inside = "http://169.254.169.254/latest"
    with api.client() as client:
        for change, param in (
            ({"video_url": inside}, "video_url"),
            ({"audio_url": inside}, "audio_url"),
            ({"webhook_url": inside}, "webhook_url"),
            ({"replace_audio": "yes"}, "replace_audio"),
            ({"video_url": None}, "video_url"),
        ):
            refused = client.post(COMPOSE, json={**good, **change})
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
        assert client.get("/farm/v1/jobs", params={"kind": "compose-video"}).json()["data"] == []


@pytest.mark.parametrize("kind", ["line", "bar", "pie", "area"])
def test_c166_c167_c172_every_chart_from_data_is_taken_for_fifteen_credits(api: Api, kind: str) -> None:
    """C-164, C-166 to C-172."""
    asked = {
        "chart_data": {**DATA, "type": kind},
        "animation_style": "build_up",
        "title": "Revenue Trajectory",
        "duration": 8,
        "webhook_url": HOOK,
    }
    found = accepted(api, CHART, asked)
    assert found["id"].startswith("chart_")
    assert (found["type"], found["status"], found["credits"]) == ("CHART", "PENDING", 15)
    assert found["parameters"] == {
        "type": kind,
        "animation_style": "build_up",
        "title": "Revenue Trajectory",
        "duration": 8.0,
    }


@pytest.mark.parametrize("style", ["ken_burns", "build_up", "reveal", "morph"])
def test_c168_every_style_is_taken_for_data(api: Api, style: str) -> None:
    assert (
        accepted(api, CHART, {"chart_data": DATA, "animation_style": style})["parameters"]["animation_style"]
        == style
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"chart_data": DATA, "chart_image_url": "https://93.184.216.34/a.png"}, None),
        ({"chart_image_url": "https://93.184.216.34/a.png", "animation_style": "morph"}, "animation_style"),
        ({"chart_image_url": "http://127.0.0.1:6379/"}, "chart_image_url"),  # C-165
        ({"chart_data": {**DATA, "type": "radar"}}, "chart_data.type"),
        ({"chart_data": {**DATA, "labels": ["Q1"]}}, "chart_data"),
        ({"chart_data": DATA, "duration": 0}, "duration"),  # C-170
        ({"chart_data": DATA, "duration": 61}, "duration"),
        ({"chart_data": DATA, "title": "x" * 121}, "title"),  # C-169
        ({"chart_data": DATA, "animation_style": "spin"}, "animation_style"),
    ],
)
def test_c165_to_c170_a_wrong_chart_names_its_field(
    api: Api, body: dict[str, Any], param: str | None
) -> None:
    with api.client() as client:
        refused = client.post(CHART, json=body)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == param, refused.text


def test_c173_nobody_sees_anothers_generation_and_no_other_job_is_one(api: Api) -> None:
    found = accepted(api, VOICE, SAYS)
    with api.client(api.new_key("eve")) as eve:
        check_error(eve.get(f"{STATUS}/{found['id']}"), 404, "not_found", "generation_id")
    with api.client() as client:
        check_error(client.get(f"{STATUS}/voice_nothing"), 404, "not_found", "generation_id")
        check_error(client.get(f"{STATUS}/job_nothing"), 404, "not_found", "generation_id")


def test_c187_x41_polling_has_a_bucket_of_its_own(api: Api) -> None:
    found = accepted(api, VOICE, SAYS)
    with api.client() as client:
        seen = client.get(f"{STATUS}/{found['id']}")
    assert seen.headers["X-RateLimit-Limit"] == "120"


def test_the_same_call_under_one_key_is_one_generation(api: Api) -> None:
    with api.client() as client:
        headers = {"Idempotency-Key": "say-it-once"}
        first, again = (client.post(VOICE, json=SAYS, headers=headers).json() for _ in range(2))
    assert first["id"] == again["id"]


NATIVE = "/api/v1/model"


def test_c188_c189_c191_a_native_picture_is_a_prediction_that_is_polled(api: Api) -> None:
    with api.client() as client:
        asked = {"prompt": "A minimalist product photo", "n": 2, "webhook_url": HOOK}
        made = client.post(f"{NATIVE}/generateImage", json=asked)
        assert made.status_code == 202, made.text
        found = made.json()
        assert client.get(f"{NATIVE}/prediction/{found['id']}").json() == found
        assert client.get(f"{STATUS}/{found['id']}").json()["type"] == "IMAGE"
        assert client.get(f"{NATIVE}/prediction/img_nothing").status_code == 404
        refused = client.post(f"{NATIVE}/generateImage", json={"prompt": "x", "model": "seedream-3.0"})
    assert found["id"].startswith("img_") and found["prediction_id"] == found["id"]
    assert (found["object"], found["status"], found["credits"]) == ("image.generation", "pending", 0)
    assert (found["model"], found["model_actual"], found["output"]) == ("auto", "animatic", [])
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "provider_unavailable")


def test_c190_a_native_video_is_the_video_of_the_other_path(api: Api) -> None:
    with api.client() as client:
        made = client.post(f"{NATIVE}/generateVideo", json={"prompt": "A drone shot", "duration": 3})
        assert made.status_code == 202, made.text
        found = made.json()
        assert (found["object"], found["model_actual"]) == ("video.generation", "animatic")
        assert client.get(f"/v1/video/generations/{found['id']}").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "credits"),
    [
        ({"type": "voice", "text": "Hello there"}, "voice", 8),
        ({"text": "Hello there", "voice": "onyx"}, "voice", 8),
        ({"type": "compose"}, "compose", 5),
        ({"chart_data": DATA, "duration": 8}, "chart", 15),
        ({"prompt": "A fox", "n": 3, "size": "1024x1024"}, "image", 0),
        ({"type": "video", "prompt": "A fox"}, "video", 0),
        ({"model": "creative-voice", "speed": 1.5}, "voice", 8),
        ({"scale": 3}, "upscale", 1),
        ({"type": "remove-background"}, "remove-background", 1),
        ({"type": "restore"}, "restore", 1),
    ],
)
def test_c192_a_price_is_told_before_anything_runs(
    api: Api, body: dict[str, Any], kind: str, credits: int
) -> None:
    with api.client() as client:
        found = client.post(f"{NATIVE}/calculate", json=body)
        assert found.status_code == 200, found.text
        assert (found.json()["type"], found.json()["credits"]) == (kind, credits)
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_c192_what_cannot_be_priced_names_its_field(api: Api) -> None:
    with api.client() as client:
        for body, param in (
            ({}, "type"),
            ({"type": "voice", "speed": 9}, "speed"),
            ({"type": "mesh"}, "type"),
            ({"type": "voice", "model": "sora-9"}, "model"),
            ({"prompt": "A fox", "n": 5, "type": "image"}, "n"),
        ):
            refused = client.post(f"{NATIVE}/calculate", json=body)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text


def test_openais_speech_models_name_the_setting_where_nobody_offers_them(api: Api) -> None:
    """X-43 for speech and transcription; a voice or a model that nobody knows is the caller's to mend."""
    with api.client() as client:
        said = {"input": "Hello there", "voice": "alloy"}
        refused = client.post("/v1/audio/speech", json={**said, "model": "tts-1"})
        check_error(refused, 503, "provider_unavailable", "model")
        assert "routes.speech.tts-1" in refused.json()["error"]["message"]
        for change, param in (
            ({"voice": "darth"}, "voice"),
            ({"model": "sora"}, "model"),
            ({"speed": 5}, "speed"),
            ({"response_format": "midi"}, "response_format"),
            ({"input": ""}, "input"),
        ):
            refused = client.post("/v1/audio/speech", json={**said, **change})
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
        sound = {"file": ("a.wav", wav(1.0), "audio/wav")}
        refused = client.post("/v1/audio/transcriptions", files=sound, data={"model": "whisper-1"})
        check_error(refused, 503, "provider_unavailable", "model")
        lossless = {"file": ("a.flac", b"fLaC\0\0\0\x22" + bytes(64), "audio/flac")}
        check_error(client.post("/v1/audio/transcriptions", files=lossless), 503, "provider_unavailable")
        message = refused.json()["error"]["message"]
        assert "align.model" in message and "routes.transcription.whisper-1" in message
        refused = client.post("/v1/audio/transcriptions", files={"file": ("a.png", png(), "image/png")})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file"), refused.text
        refused = client.post("/v1/audio/transcriptions", files=sound, data={"response_format": "midi"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_words_that_are_not_allowed_are_refused_by_their_field_and_cost_nothing(api: Api) -> None:
    """Moderation comes before anything is held, on speech in both shapes and on a chart's words."""
    refused_word = "child porn"
    with api.client() as client:
        for path, body, param in (
            (VOICE, {"text": f"This is {refused_word}."}, "text"),
            ("/v1/audio/speech", {"input": f"This is {refused_word}.", "voice": "alloy"}, "input"),
            ("/v1/audio/speech", {"input": "Hello.", "instructions": refused_word}, "instructions"),
            (CHART, {"chart_data": DATA, "title": refused_word}, "title"),
            (CHART, {"chart_data": {**DATA, "labels": [refused_word] * 4}}, "chart_data.labels"),
        ):
            refused = client.post(path, json=body)
            check_error(refused, 400, "content_policy_violation", param)
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_every_url_attack_is_refused_on_every_url_field(api: Api) -> None:
    """facts/api-and-security.md, the URL rows: nothing is called, and the field is named."""
    good = "https://93.184.216.34/file"
    fields = (
        (COMPOSE, {"audio_url": good}, "video_url"),
        (COMPOSE, {"video_url": good}, "audio_url"),
        (CHART, {}, "chart_image_url"),
        (VOICE, SAYS, "webhook_url"),
        (CHART, {"chart_data": DATA}, "webhook_url"),
    )
    with api.client() as client:
        for url in refused_everywhere():
            for path, body, field in fields:
                refused = client.post(path, json={**body, field: url})
                if len(url) < 1_000_000:
                    assert refused.status_code == 400, (url, field, refused.text)
                    assert refused.json()["error"]["param"] == field, (url, refused.text)
                else:
                    assert refused.status_code == 413
        assert client.get("/farm/v1/jobs").json()["data"] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp3", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ("concat.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("empty.wav", b""),
        ("gzip.mp3", b"\x1f\x8b\x08\x00" + bytes(64)),
        ("page.ogg", b"<html><script>alert(1)</script></html>"),
    ],
)
def test_what_is_no_sound_is_refused_before_it_is_kept(api: Api, name: str, content: bytes) -> None:
    """The media rows, on the one field that takes a file: by its bytes, whatever it is called."""
    with api.client() as client:
        refused = client.post("/v1/audio/transcriptions", files={"file": (name, content, "audio/mpeg")})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file"), refused.text
        assert client.get("/farm/v1/assets").json()["data"] == []
