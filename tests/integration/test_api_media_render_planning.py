"""The AI fields of seed 004 over real HTTP: what becomes of them, what they cost, and every refusal."""

from typing import Any

import pytest
from sqlalchemy import select

from farm.doors.jobs import job, list_jobs
from farm.job import Task
from farm.store.schema import tasks
from tests.api import Api, wav
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import PHOTO, SECOND, params_of, start

pytestmark = pytest.mark.slow

MUSIC = ("music.wav", "audio/wav", wav())
WORDS = "Open with the product shot, then cut into the demo clips. Keep it energetic."


def tasks_of(api: Api) -> list[Task]:
    """The tasks of the newest job."""
    newest = list_jobs(api.hall, None, limit=1)[0]
    return list(job(api.hall, None, newest.id).tasks)


def length_s(api: Api) -> float:
    """How long the newest job's film is to be, which has nothing to plan."""
    with api.hall.store.read() as connection:
        params = connection.scalar(select(tasks.c.params).order_by(tasks.c.id.desc()).limit(1))
    clips = params["timeline"]["video"][0]["clips"]
    return float(clips[-1]["end_frame_exclusive"] / 30)


def test_d060_d063_d064_d065_the_fields_become_parameters_and_tasks_of_three_pools(api: Api):
    made = api.project(PHOTO, SECOND, MUSIC)
    analyses = {"aiAnalysis": True, "visionAnalysis": True, "audioAnalysis": True}
    answer = start(api, projectId=made["projectId"], instructions=WORDS, **analyses)
    assert answer.status_code == 202, answer.text
    params = params_of(api)
    assert params["instructions"] == WORDS
    assert (params["ai_analysis"], params["vision_analysis"], params["audio_analysis"]) == (True, True, True)
    assert [(task.name, task.pool) for task in tasks_of(api)] == [
        ("look", "vision-describe"),
        ("listen", "asr-align"),
        ("plan", "cpu-render"),
    ]


def test_d049_d050_d135_d136_the_estimate_has_the_add_ons_and_nothing_is_taken_yet(api: Api):
    """Fast words make two pictures 3.2 s: 0.27; planning 1, looking 2 x 0.02, listening to a sound 0.1."""
    made = api.project(PHOTO, SECOND, MUSIC)
    analyses = {"aiAnalysis": True, "visionAnalysis": True, "audioAnalysis": True}
    body = {"projectId": made["projectId"], "instructions": WORDS, "targetDurationSeconds": 24, **analyses}
    assert start(api, **body).json()["estimatedCredits"] == 2 + 1 + 0.04 + 0.1
    newest = list_jobs(api.hall, None, limit=1)[0]
    assert (newest.held_mc, newest.charged_mc) == (3140, 0)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"aiAnalysis": True}, ["plan"]),
        ({"visionAnalysis": True}, ["look", "plan"]),
        ({"audioAnalysis": True}, ["listen", "plan"]),
        ({"instructions": WORDS}, ["render"]),
        ({"aiAnalysis": False, "instructions": WORDS}, ["render"]),
    ],
)
def test_d063_d064_d065_each_is_done_when_it_is_asked_for(
    api: Api, asked: dict[str, Any], expected: list[str]
):
    made = api.project(PHOTO, MUSIC)
    assert start(api, projectId=made["projectId"], **asked).status_code == 202
    assert [task.name for task in tasks_of(api)] == expected


def test_d062_the_visuals_share_out_the_target(api: Api):
    made = api.project(PHOTO, SECOND)
    body = {"projectId": made["projectId"], "targetDurationSeconds": 30}
    timed = [{"fileName": "02-photo.png", "durationSeconds": 3.5}]
    assert start(api, **body, assetDurations=timed).status_code == 202
    assert length_s(api) == 30


@pytest.mark.parametrize("seconds", [0, -3, "30", 3601, True])
def test_d062_a_target_that_is_none_is_refused(api: Api, seconds: object):
    made = api.project(PHOTO, put=False)
    answer = start(api, projectId=made["projectId"], targetDurationSeconds=seconds)
    check_error(answer, 400, "invalid_request", "targetDurationSeconds")


def test_d062_a_target_in_which_not_all_can_be_seen_is_refused_unless_a_planner_chooses(api: Api):
    made = api.project(*((f"{n}.png", *PHOTO[1:]) for n in range(8)))
    body = {"projectId": made["projectId"], "targetDurationSeconds": 1}
    check_error(start(api, **body), 400, "invalid_request", "targetDurationSeconds")
    assert start(api, **body, aiAnalysis=True).status_code == 202


def test_d133_placements_win_and_nothing_is_analysed_or_charged(api: Api):
    made = api.project(PHOTO, SECOND)
    placed = [{"fileName": "02-photo.png", "startTime": 0, "durationSeconds": 4}]
    body = {"projectId": made["projectId"], "clipPlacements": placed, "targetDurationSeconds": 20}
    answer = start(api, **body, aiAnalysis=True, visionAnalysis=True, instructions="Show the first one.")
    assert answer.json()["estimatedCredits"] == 2
    assert [task.name for task in tasks_of(api)] == ["render"]
    assert length_s(api) == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instructions", 7),  # D-060
        ("instructions", "x" * 4001),
        ("aiAnalysis", "yes"),  # D-063
        ("visionAnalysis", 1),  # D-064
        ("audioAnalysis", []),  # D-065
    ],
)
def test_d060_d063_d064_d065_other_types_are_refused_by_name(api: Api, field: str, value: object):
    made = api.project(PHOTO, put=False)
    check_error(start(api, projectId=made["projectId"], **{field: value}), 400, "invalid_request", field)


def test_d060_the_documents_let_ai_cook_is_accepted_as_it_stands(api: Api):
    made = api.project(("ui screenshot.png", *PHOTO[1:]), ("lifestyle.png", *SECOND[1:]))
    answer = start(
        api,
        projectId=made["projectId"],
        instructions="Create an energetic product launch montage. Build a story across all assets. Add "
        "Snapchat-style text on each clip transition so the message continues until the end. Use the UI "
        "screenshots first, then the lifestyle shots.",
        aspectRatio="9:16",
        aiAnalysis=True,
        visionAnalysis=True,
        audioAnalysis=True,
        textOnScreen=True,
        bgm=True,
        bgmQuery="upbeat product launch background music",
        bgmVolume=0.18,
        sfx=True,
        sfxTypes=["click", "camera-shutter", "whoosh"],
        sfxVolume=0.55,
        transitionTypes=["light-leak", "zoom-in", "slide"],
    )
    assert answer.status_code == 202, answer.text
    assert [task.name for task in tasks_of(api)] == ["look", "plan"]  # there is nothing to listen to
    assert params_of(api)["transition_types"] == ["light-leak", "zoom-in", "slide"]


def test_d065_a_sound_that_never_arrived_is_named_before_anything_starts(api: Api):
    made = api.project(PHOTO, MUSIC, put=False)
    answer = start(api, projectId=made["projectId"], audioAnalysis=True)
    check_error(answer, 400, "invalid_request")
