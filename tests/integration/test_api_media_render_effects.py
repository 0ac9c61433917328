"""Sound effects of seed 004 over real HTTP: what becomes parameters, and every refusal names its field."""

from typing import Any, get_args

import pytest

from tasks.media_render.params import SfxType
from tests.api import Api, wav
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_media_render import PHOTO, SECOND, params_of, start

pytestmark = pytest.mark.slow

MUSIC = ("music.wav", "audio/wav", wav())


def effect(**changes: Any) -> dict[str, Any]:
    return {"sfxType": "click", **changes}


def test_d072_d073_d074_the_documents_own_switches_become_parameters(api: Api):
    made = api.project(PHOTO, SECOND)
    switches = {"sfx": True, "sfxTypes": ["click", "camera-shutter", "whoosh"], "sfxVolume": 0.4}
    assert start(api, projectId=made["projectId"], **switches).status_code == 202
    params = params_of(api)
    assert (params["sfx"], params["sfx_volume"]) == (True, 0.4)
    assert params["sfx_types"] == ["click", "camera-shutter", "whoosh"]
    assert (params["sfx_placements"], params["clip_volume"]) == ([], 1.0)


@pytest.mark.parametrize(
    ("asked", "sfx", "types"),
    [
        ({"sfx": True}, True, ["click", "camera-shutter"]),  # D-073: what is used when none is named
        ({"sfx": True, "sfxTypes": []}, True, ["click", "camera-shutter"]),
        ({"sfxTypes": ["pop"]}, True, ["pop"]),
        ({"sfx": False, "sfxTypes": ["pop"]}, False, ["pop"]),
        ({}, False, ["click", "camera-shutter"]),
    ],
)
def test_d072_d073_effects_are_on_when_asked_for(
    api: Api, asked: dict[str, Any], sfx: bool, types: list[str]
):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], **asked).status_code == 202
    params = params_of(api)
    assert (params["sfx"], params["sfx_types"], params["sfx_volume"]) == (sfx, types, 0.55)


def test_d075_to_d081_the_documents_own_placements_become_parameters(api: Api):
    made = api.project(PHOTO, ("02-proof.png", *SECOND[1:]), ("03-photo.png", *PHOTO[1:]))
    answer = start(
        api,
        projectId=made["projectId"],
        sfxPlacements=[
            {"sfxType": "camera-shutter", "clipFileName": "02-proof.png", "offsetSeconds": 0, "volume": 0.6},
            {"sfxType": "whoosh", "startTime": 7.2, "durationSeconds": 0.8, "volume": 0.45},
            {"sfxType": "pop", "clipAssetId": made["uploads"][0]["assetId"], "offsetSeconds": 0.5},
        ],
    )
    assert answer.status_code == 202, answer.text
    assert params_of(api)["sfx_placements"] == [
        {
            "sfx_type": "camera-shutter",
            "start_s": None,
            "clip_asset_id": made["uploads"][1]["assetId"],
            "offset_s": 0.0,
            "duration_s": None,
            "volume": 0.6,
        },
        {
            "sfx_type": "whoosh",
            "start_s": 7.2,
            "clip_asset_id": None,
            "offset_s": 0.0,
            "duration_s": 0.8,
            "volume": 0.45,
        },
        {
            "sfx_type": "pop",
            "start_s": None,
            "clip_asset_id": made["uploads"][0]["assetId"],
            "offset_s": 0.5,
            "duration_s": None,
            "volume": None,
        },
    ]


def test_d098_to_d107_every_effect_is_taken_on_cuts_and_placed(api: Api):
    made = api.project(PHOTO, SECOND)
    names = list(get_args(SfxType))
    placed = [effect(sfxType=name, startTime=0.5) for name in names]
    answer = start(api, projectId=made["projectId"], sfx=True, sfxTypes=names, sfxPlacements=placed)
    assert answer.status_code == 202, answer.text
    assert [item["sfx_type"] for item in params_of(api)["sfx_placements"]] == names


@pytest.mark.parametrize(
    ("placed", "param"),
    [
        ({"startTime": 0}, "sfxType"),  # D-076
        (effect(sfxType="kazoo", startTime=0), "sfxType"),
        (effect(sfxType="Click", startTime=0), "sfxType"),
        (effect(), ""),  # D-075: neither a time nor a clip
        (effect(durationSeconds=1), ""),
        (effect(startTime=-1), "startTime"),  # D-077
        (effect(startTime="1"), "startTime"),
        (effect(startTime=6), "startTime"),  # when the video ends
        (effect(clipFileName="nothing.png"), "clipFileName"),  # D-078
        (effect(clipAssetId="asset_nothing"), "clipAssetId"),
        (effect(clipFileName="music.wav"), "clipFileName"),  # it has no place among the visuals
        (effect(startTime=1, clipFileName="01-photo.png"), "clipFileName"),
        (effect(clipFileName="01-photo.png", offsetSeconds=-0.5), "offsetSeconds"),  # D-079
        (effect(clipFileName="02-photo.png", offsetSeconds=3), "offsetSeconds"),
        (effect(clipFileName="01-photo.png", offsetSeconds="1"), "offsetSeconds"),
        (effect(startTime=1, offsetSeconds=1), "offsetSeconds"),
        (effect(startTime=1, durationSeconds=0), "durationSeconds"),  # D-080
        (effect(startTime=1, volume=1.1), "volume"),  # D-081
        (effect(startTime=1, volume=-0.1), "volume"),
        (effect(startTime=1, pitch=2), "pitch"),
    ],
)
def test_d003_d075_a_placement_that_cannot_be_met_names_its_field(
    api: Api, placed: dict[str, Any], param: str
):
    made = api.project(PHOTO, SECOND, MUSIC)
    answer = start(api, projectId=made["projectId"], sfxPlacements=[effect(startTime=1), placed])
    check_error(answer, 400, "invalid_request", f"sfxPlacements[1]{'.' * bool(param)}{param}")


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("sfx", "yes", "sfx"),
        ("sfxTypes", ["click", "kazoo"], "sfxTypes[1]"),
        ("sfxTypes", "click", "sfxTypes"),
        ("sfxTypes", ["click"] * 51, "sfxTypes"),
        ("sfxVolume", 1.01, "sfxVolume"),  # D-074
        ("sfxVolume", -1, "sfxVolume"),
        ("sfxVolume", True, "sfxVolume"),
        ("sfxPlacements", {}, "sfxPlacements"),
        ("sfxPlacements", [effect(startTime=1)] * 33, "sfxPlacements"),
        ("sfxPlacements", [effect(startTime=1)] * 1001, "sfxPlacements"),
        ("clipVolume", 2, "clipVolume"),
    ],
)
def test_d003_a_switch_that_cannot_be_met_names_itself(api: Api, field: str, value: Any, param: str):
    made = api.project(PHOTO, SECOND, put=False)
    answer = start(api, projectId=made["projectId"], **{field: value})
    check_error(answer, 400, "invalid_request", param)


def test_clips_may_be_muted(api: Api):
    made = api.project(PHOTO)
    assert start(api, projectId=made["projectId"], clipVolume=0).status_code == 202
    assert params_of(api)["clip_volume"] == 0
