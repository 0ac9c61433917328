"""Seed 004's voiceover over real HTTP: the voices, the three kinds of script, and what is refused."""

from typing import Any

import httpx
import pytest

from tests.api import MEDIA_RENDER, Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import PHOTO, params_of, start

pytestmark = pytest.mark.slow

WREN = "svoice_espeak_en-us_female"
SENTENCES = (
    "This is where the launch starts.",
    "Then the product proves why it matters.",
    "By the end, the workflow feels simple.",
)
TEXT = {"format": "text", "content": " ".join(SENTENCES)}
SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello.\n\n2\n00:00:03,250 --> 00:00:04,000\nAgain.\n"


def voices(api: Api, **query: str) -> httpx.Response:
    with api.client() as client:
        return client.get(f"{MEDIA_RENDER}/voices", params=query)


def speak(api: Api, script: Any = TEXT, **body: Any) -> httpx.Response:
    made = api.project(PHOTO)
    asked = {"voiceover": True, "voiceoverVoiceId": WREN, "voiceoverScript": script, **body}
    return start(api, projectId=made["projectId"], **{key: v for key, v in asked.items() if v is not ...})


def test_d152_d155_d156_d157_d158_the_voices_of_the_documents_own_query(api: Api):
    answer = voices(api, language="en", gender="female")  # D-153, D-154
    assert answer.status_code == 200
    assert answer.headers["X-RateLimit-Limit"] == "60"  # D-160
    found = answer.json()["voices"]
    assert {(voice["language"], voice["gender"]) for voice in found} == {("en", "female")}
    (wren,) = (voice for voice in found if voice["locale"] == "en-US")
    assert wren == {
        "id": WREN,
        "voiceoverVoiceId": WREN,
        "name": "Wren (American)",
        "language": "en",
        "locale": "en-US",
        "source": "system",
        "gender": "female",
        "accent": "American",
        "tags": ["narration", "synthetic", "clear"],
        "engine": "espeak-ng",
    }


def test_d153_d154_filters_narrow_and_may_find_nobody(api: Api):
    every = voices(api).json()["voices"]
    assert {voice["gender"] for voice in every} == {"female", "male"}
    assert len(voices(api, language="").json()["voices"]) == len(every)
    british = voices(api, language="en-GB").json()["voices"]
    assert {voice["accent"] for voice in british} == {"British"}
    assert voices(api, language="tlh").json() == {"voices": []}
    assert voices(api, engine="ttspico").json() == {"voices": []}  # not offered unless the operator says so


@pytest.mark.parametrize(("name", "value"), [("language", "en us!"), ("gender", "any"), ("engine", "hal")])
def test_d003_a_filter_that_means_nothing_names_itself(api: Api, name: str, value: str):
    check_error(voices(api, **{name: value}), 400, "invalid_request", name)


def test_d152_voices_ask_for_a_key(api: Api):
    check_error(httpx.get(f"{api.url}{MEDIA_RENDER}/voices"), 401, "unauthorized")


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        (TEXT, [(text, None) for text in SENTENCES]),  # D-125
        (
            {"format": "json", "segments": [{"text": text} for text in SENTENCES]},  # D-126
            [(text, None) for text in SENTENCES],
        ),
        ({"format": "srt", "content": SRT}, [("Hello.", 0.5), ("Again.", 3.25)]),  # D-127
        (
            {"format": "text", "content": "word " * 900},  # without an end, as transcripts are
            [(" ".join(["word"] * count), None) for count in (400, 400, 100)],
        ),
    ],
)
def test_d121_to_d127_the_documents_own_scripts(api: Api, script: Any, lines: list[tuple[str, Any]]):
    answer = speak(api, script, voiceoverLanguage="en-US")
    assert answer.status_code == 202, answer.text
    voiceover = params_of(api)["voiceover"]
    assert (voiceover["voice_id"], voiceover["language"]) == (WREN, "en-US")  # D-122, D-123
    assert [(line["text"], line["start_s"]) for line in voiceover["lines"]] == lines  # D-124


def test_d121_naming_a_script_asks_for_a_voice_and_false_switches_it_off(api: Api):
    assert speak(api, voiceover=...).status_code == 202
    assert params_of(api)["voiceover"]["voice_id"] == WREN
    assert speak(api, voiceover=False).status_code == 202
    assert params_of(api)["voiceover"] is None


@pytest.mark.parametrize("voice", ["dvoice_1", "svoice_nobody", "svoice_pico_en-us_female", "x" * 101])
def test_d129_a_voice_that_is_not_listed_is_refused_before_the_render_starts(api: Api, voice: str):
    answer = speak(api, voiceoverVoiceId=voice)
    check_error(answer, 400, "invalid_voiceover_voice_id", "voiceoverVoiceId")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"voiceoverVoiceId": ...}, "voiceoverVoiceId"),  # D-122
        ({"voiceoverScript": ...}, "voiceoverScript"),  # D-124
        ({"voiceoverLanguage": "fr-FR"}, "voiceoverLanguage"),  # D-123
        ({"voiceover": "yes"}, "voiceover"),
        ({"voiceoverScript": "Hello."}, "voiceoverScript"),
        ({"voiceoverScript": {"content": "x"}}, "voiceoverScript.format"),
        ({"voiceoverScript": {"format": "ssml", "content": "x"}}, "voiceoverScript.format"),
        ({"voiceoverScript": {"format": "text"}}, "voiceoverScript.content"),
        ({"voiceoverScript": {"format": "text", "content": " \n"}}, "voiceoverScript.content"),
        ({"voiceoverScript": {"format": "text", "content": "..."}}, "voiceoverScript.content"),
        ({"voiceoverScript": {"format": "text", "content": "x" * 20_001}}, "voiceoverScript.content"),
        ({"voiceoverScript": {"format": "text", "segments": []}}, "voiceoverScript.segments"),
        ({"voiceoverScript": {"format": "srt", "content": "Hello."}}, "voiceoverScript.content"),
        (
            {"voiceoverScript": {"format": "srt", "content": SRT.replace("00:00:03", "01:00:03")}},
            "voiceoverScript.content",
        ),
        ({"voiceoverScript": {"format": "json", "content": "Hello."}}, "voiceoverScript.content"),
        ({"voiceoverScript": {"format": "json", "segments": []}}, "voiceoverScript.segments"),
        (
            {"voiceoverScript": {"format": "json", "segments": [{"text": "Hello."}, {"text": "!"}]}},
            "voiceoverScript.segments[1]",
        ),
        (
            {"voiceoverScript": {"format": "json", "segments": [{"text": "Hello.", "start": 1}]}},  # D-128
            "voiceoverScript.segments[0].start",
        ),
    ],
)
def test_d003_d128_what_cannot_be_said_names_its_field(api: Api, body: dict[str, Any], param: str):
    check_error(speak(api, **{"script": TEXT, **_as_script(body)}), 400, "invalid_request", param)


def test_c016_what_no_speech_may_say_no_voiceover_says(api: Api):
    """The same lists hold for it as for a voice alone (configs/moderation.toml: speech)."""
    answer = speak(api, {"format": "json", "segments": [{"text": "Hello."}, {"text": "A naked child."}]})
    check_error(answer, 400, "content_policy_violation", "voiceover")
    assert "naked" not in answer.text


def _as_script(body: dict[str, Any]) -> dict[str, Any]:
    return {"script" if name == "voiceoverScript" else name: value for name, value in body.items()}
