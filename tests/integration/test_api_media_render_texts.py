"""Texts of seed 004 over real HTTP: textOverlays become parameters, and every refusal names its field."""

from typing import Any

import pytest

from tasks.media_render.params import TEXT_TEMPLATES
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import PHOTO, SECOND, params_of, start

pytestmark = pytest.mark.slow

THIRD = ("03-photo.png", *PHOTO[1:])


def overlay(**changes: Any) -> dict[str, Any]:
    return {"text": "Your line here", "startTime": 0, **changes}


def test_d088_d089_d090_the_documents_own_overlays_become_parameters(api: Api):
    made = api.project(PHOTO, SECOND, THIRD)
    answer = start(
        api,
        projectId=made["projectId"],
        aspectRatio="9:16",
        textOverlays=[
            {
                "text": "This is the hook",
                "startTime": 0,
                "endTime": 2.8,
                "templateName": "Snapchat Hook",
                "position": "top",
            },
            {
                "text": "Now the proof is clear",
                "startTime": 3,
                "durationSeconds": 3,
                "templateName": "Headline Bar",
                "position": "middle",
            },
            {
                "text": "The result speaks for itself",
                "startTime": 7,
                "durationSeconds": 3,
                "templateName": "Simple",
                "position": "bottom",
            },
        ],
    )
    assert answer.status_code == 202, answer.text
    assert params_of(api)["text_overlays"] == [
        {
            "text": "This is the hook",
            "start_s": 0.0,
            "duration_s": 2.8,
            "template": "snapchat-hook",
            "position": "top",
        },
        {
            "text": "Now the proof is clear",
            "start_s": 3.0,
            "duration_s": 3.0,
            "template": "headline-bar",
            "position": "middle",
        },
        {
            "text": "The result speaks for itself",
            "start_s": 7.0,
            "duration_s": 3.0,
            "template": "simple",
            "position": "bottom",
        },
    ]


def test_d091_to_d097_d089_every_template_is_taken_by_name_and_by_id(api: Api):
    made = api.project(PHOTO)
    texts = [
        overlay(**{field: value})
        for slug, name in TEXT_TEMPLATES.items()
        for field, value in (("templateName", name), ("templateId", slug))
    ]
    texts.append(overlay(templateName="Bold", templateId="bold"))
    assert start(api, projectId=made["projectId"], textOverlays=texts).status_code == 202
    taken = [text["template"] for text in params_of(api)["text_overlays"]]
    assert taken == [slug for slug in TEXT_TEMPLATES for _ in range(2)] + ["bold"]


def test_d088_text_and_start_are_enough(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], textOverlays=[overlay()]).status_code == 202
    (text,) = params_of(api)["text_overlays"]
    assert (text["template"], text["position"], text["duration_s"]) == ("snapchat-hook", "top", None)


def test_d066_d067_text_on_screen_is_taken_beside_a_hook(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], textOnScreen=True, hookText="Hook").status_code == 202
    params = params_of(api)
    assert (params["text_on_screen"], params["hook_text"]) == (True, "Hook")
    wrong = start(api, projectId=made["projectId"], textOnScreen="yes")
    check_error(wrong, 400, "invalid_request", "textOnScreen")


def test_d134_manual_texts_are_drawn_when_ai_text_is_off(api: Api):
    made = api.project(PHOTO)
    off = {"aiAnalysis": False, "textOnScreen": False}
    texts = {"hookText": "Hook", "textOverlays": [overlay()]}
    assert start(api, projectId=made["projectId"], **off, **texts).status_code == 202
    params = params_of(api)
    assert (params["hook_text"], len(params["text_overlays"])) == ("Hook", 1)


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ({"startTime": 0}, "text"),  # D-088
        ({"text": "x"}, "startTime"),
        (overlay(text=""), "text"),
        (overlay(text=" \n "), "text"),
        (overlay(text="x" * 301), "text"),
        (overlay(text=7), "text"),
        (overlay(startTime=-0.1), "startTime"),
        (overlay(startTime="0"), "startTime"),
        (overlay(startTime=3), "startTime"),  # when the video ends
        (overlay(endTime=0), "endTime"),
        (overlay(startTime=2, endTime=1), "endTime"),
        (overlay(durationSeconds=0), "durationSeconds"),
        (overlay(endTime=1, durationSeconds=1), "durationSeconds"),
        (overlay(templateName="Comic Burst"), "templateName"),  # D-089
        (overlay(templateId="comic-burst"), "templateId"),
        (overlay(templateName="Bold", templateId="title"), "templateId"),
        (overlay(position="left"), "position"),  # D-090
        (overlay(position="TOP"), "position"),
        (overlay(colour="red"), "colour"),
        (overlay(endTime=0.001), ""),
    ],
)
def test_d003_d089_an_overlay_that_cannot_be_met_names_its_field(api: Api, text: dict[str, Any], param: str):
    made = api.project(PHOTO)
    answer = start(api, projectId=made["projectId"], textOverlays=[overlay(), text])
    check_error(answer, 400, "invalid_request", f"textOverlays[1]{'.' * bool(param)}{param}")


def test_d089_an_unsupported_template_is_told_the_known_ones(api: Api):
    made = api.project(PHOTO, put=False)
    answer = start(api, projectId=made["projectId"], textOverlays=[overlay(templateName="Comic Burst")])
    message = answer.json()["error"]["message"]
    assert "'Comic Burst'" in message and all(name in message for name in TEXT_TEMPLATES.values())


def test_d085_d088_the_fullest_request_is_taken(api: Api):
    """200 clips of one frame, 1,000 texts of 300 letters beyond ASCII, and as many effects."""
    made = api.project(PHOTO, SECOND)
    names = [PHOTO[0], SECOND[0]] * 100
    short = {"durationSeconds": 0.04}
    body = {
        "clipPlacements": [{"fileName": name, **short} for name in names],
        "textOverlays": [overlay(text="文" * 300, startTime=n * 0.006, **short) for n in range(1000)],
        "sfxPlacements": [{"sfxType": "click", "startTime": n * 0.006, **short} for n in range(1000)],
    }
    answer = start(api, projectId=made["projectId"], **body)
    assert answer.status_code == 202, answer.text
    taken = params_of(api)
    assert len(taken["placements"]) == 200
    assert len(taken["text_overlays"]) == len(taken["sfx_placements"]) == 1000


def test_more_overlays_than_anyone_reads_are_refused(api: Api):
    made = api.project(PHOTO, put=False)
    many = start(api, projectId=made["projectId"], textOverlays=[overlay()] * 1001)
    check_error(many, 400, "invalid_request", "textOverlays")
    crowd = start(api, projectId=made["projectId"], textOverlays=[overlay()] * 21)
    check_error(crowd, 400, "invalid_request", "textOverlays[20]")
