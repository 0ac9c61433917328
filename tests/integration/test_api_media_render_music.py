"""Seed 004's music over real HTTP: words for a tune, files before words, switches, volumes, beats."""

from typing import Any

import pytest

from tasks.media_render import KIND, MediaRender
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import MUSIC, PHOTO, SECOND, params_of, start

pytestmark = pytest.mark.slow


def test_d068_d070_d071_the_documents_own_words_get_a_tune(api: Api):
    made = api.project(PHOTO, SECOND)
    answer = start(
        api,
        projectId=made["projectId"],
        bgm=True,
        bgmQuery="upbeat product launch background music",
        bgmVolume=0.18,
    )
    assert answer.status_code == 202, answer.text
    params = params_of(api)
    assert params["bgm_query"] == "upbeat product launch background music"
    assert (params["bgm_asset_id"], params["bgm_volume"]) == (None, 0.18)
    assert params["beat_sync"] is True  # D-132


def test_d070_naming_words_is_asking_for_music(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], bgmQuery=" calm ").status_code == 202
    assert params_of(api)["bgm_query"] == "calm"


def test_d070_words_that_fit_nothing_get_music_all_the_same(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], bgm=True, bgmQuery="zydeco").status_code == 202


def test_d068_music_in_words_may_be_switched_off(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], bgm=False, bgmQuery="calm").status_code == 202
    assert params_of(api)["bgm_query"] is None


def test_d069_d070_a_file_wins_over_words(api: Api):
    made = api.project(PHOTO, MUSIC)
    answer = start(api, projectId=made["projectId"], bgm=True, bgmFileName=MUSIC[0], bgmQuery="calm")
    assert answer.status_code == 202
    (task,) = _tasks(api)
    assert task["music"] is None
    assert MUSIC[0] in {medium["name"] for medium in task["timeline"]["media"]}


def test_d132_the_beat_may_be_left_alone(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], bgmQuery="calm", beatSync=False).status_code == 202
    assert params_of(api)["beat_sync"] is False


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"bgm": True, "bgmQuery": "  "}, "bgm"),
        ({"bgmQuery": 7}, "bgmQuery"),
        ({"bgmQuery": "x" * 301}, "bgmQuery"),
        ({"bgmQuery": "calm", "bgmVolume": 2}, "bgmVolume"),
        ({"beatSync": "yes"}, "beatSync"),
    ],
)
def test_d003_music_that_cannot_be_met_names_its_field(api: Api, body: dict[str, Any], param: str):
    made = api.project(PHOTO, put=False)
    check_error(start(api, projectId=made["projectId"], **body), 400, "invalid_request", param)


def _tasks(api: Api) -> list[dict[str, Any]]:
    """What the newest job's worker would be given."""
    return [dict(task.params) for task in KIND.plan(MediaRender.model_validate(params_of(api)))]
