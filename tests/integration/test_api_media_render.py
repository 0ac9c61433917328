"""Seed 004 over real HTTP, up to the worker: uploads, PUT, job, status, download, and every refusal."""

import json
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from farm.api.surfaces.media_render.wire import RenderRequest
from farm.doors.accounts import create_key, ensure_account
from farm.doors.assets import project, project_assets
from farm.doors.jobs import cancel, list_jobs
from farm.media_types import CONTENT_TYPES
from tasks.media_render.params import TransitionType
from tests.api import MEDIA_RENDER, Api, api_under, png, wav
from tests.integration.test_api_envelope import check_error

pytestmark = pytest.mark.slow

PHOTO = ("01-photo.png", "image/png", png())
SECOND = ("02-photo.png", "image/png", png(colour=(10, 200, 30)))
MUSIC = ("music.wav", "audio/wav", wav())


def uploads(api: Api, **body: Any) -> httpx.Response:
    with api.client() as client:
        return client.post(f"{MEDIA_RENDER}/uploads", json=body)


def file(**changes: Any) -> dict[str, Any]:
    return {"fileName": "a.png", "contentType": "image/png", "fileSize": 100, **changes}


def start(api: Api, **body: Any) -> httpx.Response:
    with api.client() as client:
        return client.post(f"{MEDIA_RENDER}/jobs", json=body)


def status(api: Api, project_id: str, suffix: str = "") -> httpx.Response:
    with api.client() as client:
        return client.get(f"{MEDIA_RENDER}/jobs/{project_id}{suffix}")


def params_of(api: Api) -> dict[str, Any]:
    """The parameters of the newest job's only task, as a worker would get them."""
    return dict(list_jobs(api.hall, None, limit=1)[0].params)


# --- uploads ---------------------------------------------------------------------------------------


def test_d008_to_d050_the_documents_own_uploads_request(api: Api):
    answer = uploads(
        api,
        projectName="Launch montage",
        files=[
            file(
                fileName="intro.mp4",
                contentType="video/mp4",
                fileSize=52428800,
                durationSeconds=12,
                width=1920,
                height=1080,
            ),
            file(fileName="product.png", fileSize=2048000, width=1600, height=1200),
            file(fileName="music.mp3", contentType="audio/mpeg", fileSize=8192000, durationSeconds=90),
        ],
    )
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"projectId", "directoryPrefix", "uploads", "mediaCounts", "analysisCostBasis"}
    assert body["projectId"].startswith("mrproj_")  # D-039
    assert body["directoryPrefix"].endswith(f"/media-render/{body['projectId']}/")  # D-040
    assert [u["fileName"] for u in body["uploads"]] == ["intro.mp4", "product.png", "music.mp3"]  # D-046
    assert [u["mediaType"] for u in body["uploads"]] == ["video", "image", "audio"]  # D-045
    for upload in body["uploads"]:
        assert upload["assetId"].startswith("asset_")  # D-041
        assert upload["uploadUrl"].startswith("http")  # D-042
        assert (upload["method"], upload["expiresIn"]) == ("PUT", 900)  # D-043, D-047
        assert upload["objectKey"].endswith(upload["assetId"])  # D-044
    assert body["mediaCounts"] == {"image": 1, "video": 1, "audio": 1}  # D-048
    assert body["analysisCostBasis"] == {  # D-049, D-050
        "visionAnalysis": {"images": 1, "videos": 1},
        "audioAnalysis": {"audioFiles": 1, "videos": 1},
    }
    account = ensure_account(api.hall, api.account, "enterprise")
    assert project(api.hall, account, body["projectId"]).name == "Launch montage"  # D-009
    kept = project_assets(api.hall, account, body["projectId"])
    assert [asset.size_bytes for asset in kept] == [52428800, 2048000, 8192000]  # D-013
    assert [asset.meta for asset in kept] == [  # D-014, D-015
        {"duration_s": 12, "width": 1920, "height": 1080},
        {"width": 1600, "height": 1200},
        {"duration_s": 90},
    ]


def test_d012_d016_to_d038_every_content_type_of_the_document_is_taken(api: Api):
    pictures = ["jpeg", "png", "gif", "webp", "svg+xml", "heic", "heif"]
    videos = ["mp4", "mpeg", "quicktime", "x-msvideo", "webm", "x-matroska"]
    sounds = ["mpeg", "mp3", "mp4", "m4a", "x-m4a", "wav", "x-wav", "webm", "ogg", "aac"]
    families = {"image": pictures, "video": videos, "audio": sounds}
    document = [f"{family}/{name}" for family, names in families.items() for name in names]
    assert sorted(document) == sorted(CONTENT_TYPES)
    files = [file(fileName=f"{number}", contentType=kind) for number, kind in enumerate(document)]
    answer = uploads(api, files=files)
    assert answer.status_code == 200
    assert answer.json()["mediaCounts"] == {"image": 7, "video": 6, "audio": 10}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "files"),
        ({"files": []}, "files"),
        ({"files": [file()] * 501}, "files"),
        ({"files": [{"contentType": "image/png", "fileSize": 1}]}, "files[0].fileName"),
        ({"files": [{"fileName": "a.png", "fileSize": 1}]}, "files[0].contentType"),
        ({"files": [{"fileName": "a.png", "contentType": "image/png"}]}, "files[0].fileSize"),
        ({"files": [file(), file(contentType="image/bmp")]}, "files[1].contentType"),
        ({"files": [file(contentType="image/PNG")]}, "files[0].contentType"),
        ({"files": [file(fileSize=0)]}, "files[0].fileSize"),
        ({"files": [file(fileSize=True)]}, "files[0].fileSize"),
        ({"files": [file(fileSize="100")]}, "files[0].fileSize"),
        ({"files": [file(fileSize=10.5)]}, "files[0].fileSize"),
        ({"files": [file(fileName="")]}, "files[0].fileName"),
        ({"files": [file(fileName="../../etc/passwd")]}, "files[0].fileName"),
        ({"files": [file(fileName="a\\b.png")]}, "files[0].fileName"),
        ({"files": [file(fileName="a\nb.png")]}, "files[0].fileName"),
        ({"files": [file(fileName="photo\u202egnp.exe")]}, "files[0].fileName"),
        ({"files": [file(fileName="x" * 256)]}, "files[0].fileName"),
        ({"files": [file(durationSeconds=-1)]}, "files[0].durationSeconds"),
        ({"files": [file(width=0)]}, "files[0].width"),
        ({"files": [file(colour="red")]}, "files[0].colour"),
        ({"files": [file()], "surprise": 1}, "surprise"),
        ({"files": [file()], "projectName": 7}, "projectName"),
        ({"files": "a.png"}, "files"),
    ],
)
def test_d003_d010_to_d015_an_upload_that_is_declared_wrong_names_its_field(api: Api, body, param):
    check_error(uploads(api, **body), 400, "invalid_request", param)


def test_odd_but_honest_names_are_taken(api: Api):
    names = ["-i", "file:x.png", "фото.png", "a" * 255, "日本 語.png", "%{pts}.png", "👩‍🚀.png"]
    answer = uploads(api, files=[file(fileName=name) for name in names])
    assert [upload["fileName"] for upload in answer.json()["uploads"]] == names


def test_a_file_larger_than_the_farm_takes_is_413(api: Api):
    limit = api.hall.catalog.limits.upload_max_bytes
    check_error(uploads(api, files=[file(fileSize=limit + 1)]), 413, "payload_too_large", "files[0].fileSize")
    assert uploads(api, files=[file(fileSize=limit)]).status_code == 200


# --- PUT -------------------------------------------------------------------------------------------


def test_d052_the_url_takes_the_bytes_and_needs_no_key(api: Api):
    api.project(PHOTO)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(png(), "image/jpeg"), (png() + b"x", "image/png"), (png()[:-1], "image/png")],
    ids=["D-053 another type", "D-054 too long", "D-054 too short"],
)
def test_what_was_not_declared_is_refused_and_not_kept(api: Api, content: bytes, kind: str):
    made = api.project(PHOTO, put=False)
    url = made["uploads"][0]["uploadUrl"]
    refused = httpx.put(url, content=content, headers={"Content-Type": kind})
    assert refused.status_code in (400, 403)  # S3 says that the signature does not match
    check_error(start(api, projectId=made["projectId"]), 400, "invalid_request", PHOTO[0])


def test_a_text_with_a_pictures_name_is_never_rendered(api: Api):
    text = b"just a text, not a picture".ljust(len(png()))
    made = api.project(PHOTO, put=False)
    httpx.put(made["uploads"][0]["uploadUrl"], content=text, headers={"Content-Type": "image/png"})
    refused = start(api, projectId=made["projectId"])
    assert refused.json()["code"] in ("invalid_request", "asset_unreadable")  # refused at PUT, or by its head
    assert (refused.status_code, PHOTO[0] in refused.json()["error"]["message"]) == (400, True)


def test_signed_urls_end_after_fifteen_minutes(tmp_path: Path):
    with api_under(tmp_path / "farm", blobs_url=str(tmp_path / "blobs")) as api:
        made = api.project(PHOTO)
        start(api, projectId=made["projectId"])
        api.finish(made["projectId"], b"an MP4", tmp_path / "out.mp4")
        down = status(api, made["projectId"], "/download").json()["downloadUrl"]
        api.clock.ahead_s += 901
        up = made["uploads"][0]["uploadUrl"]
        for refused in (httpx.get(down), httpx.put(up, content=PHOTO[2], headers={"Content-Type": PHOTO[1]})):
            assert (refused.status_code, refused.json()["code"]) == (403, "url_expired")


# --- jobs ------------------------------------------------------------------------------------------


def test_d056_d130_x29_the_smallest_request(api: Api):
    made = api.project(SECOND, PHOTO, MUSIC)
    answer = start(api, projectId=made["projectId"], aspectRatio="9:16", outputFileName="rendered.mp4")
    assert answer.status_code == 202
    assert answer.json() == {
        "projectId": made["projectId"],
        "status": "queued",
        "progress": 0,
        "outputReady": False,
        "estimatedCredits": 2.0,
    }
    params = params_of(api)
    assert params["transition_types"] == ["crossfade"] and params["bgm_asset_id"] is None
    assert (params["output_file_name"], params["name"]) == ("rendered.mp4", "Trip")


def test_d058_d059_a_directory_prefix_starts_the_same_project(api: Api):
    made = api.project(PHOTO)
    prefix = made["directoryPrefix"]
    answer = start(api, projectName="Launch", sourceDirectoryPrefix=prefix, projectId=made["projectId"])
    assert answer.status_code == 202 and answer.json()["projectId"] == made["projectId"]
    assert params_of(api)["name"] == "Launch"
    other = api.project(SECOND)["directoryPrefix"].removesuffix("/")
    assert start(api, sourceDirectoryPrefix=other).status_code == 202  # its final slash is not needed
    check_error(
        start(api, sourceDirectoryPrefix=other, projectId=made["projectId"]),
        400,
        "invalid_request",
        "sourceDirectoryPrefix",
    )


def test_a_prefix_leads_nowhere_else(api: Api):
    made = api.project(PHOTO)
    foreign = uploads_of_another(api)
    for prefix in (
        "../",
        f"{made['directoryPrefix']}../",
        "/etc/",
        "a\\b",
        made["directoryPrefix"] + "..%2f/..",
    ):
        answer = start(api, sourceDirectoryPrefix=prefix)
        check_error(answer, 400, "invalid_request", "sourceDirectoryPrefix")
    check_error(start(api, sourceDirectoryPrefix=foreign["directoryPrefix"]), 404, "not_found")


def test_anothers_project_does_not_exist(api: Api):
    foreign = uploads_of_another(api)["projectId"]
    check_error(start(api, projectId=foreign), 404, "not_found", "projectId")
    check_error(status(api, foreign), 404, "not_found", "projectId")
    check_error(status(api, foreign, "/download"), 404, "not_found", "projectId")
    check_error(status(api, "mrproj_nothing"), 404, "not_found", "projectId")


def test_anothers_file_cannot_be_named(api: Api):
    foreign = uploads_of_another(api)["uploads"][0]["assetId"]
    made = api.project(PHOTO)
    placements = [{"assetId": foreign, "startTime": 0}]
    check_error(
        start(api, projectId=made["projectId"], clipPlacements=placements),
        400,
        "invalid_request",
        "clipPlacements[0].assetId",
    )


def test_d084_d085_d086_d087_controls_become_parameters(api: Api):
    made = api.project(PHOTO, SECOND, MUSIC)
    photo, second, music = (upload["assetId"] for upload in made["uploads"])
    answer = start(
        api,
        projectId=made["projectId"],
        aspectRatio="4:5",
        assetDurations=[
            {"assetId": photo, "durationSeconds": 4},
            {"fileName": SECOND[0], "durationSeconds": 3.5},
        ],
        clipPlacements=[
            {"fileName": SECOND[0], "startTime": 0, "durationSeconds": 3, "transitionType": "none"},
            {
                "assetId": photo,
                "startTime": 3,
                "sourceStartTime": 1,
                "sourceEndTime": 5,
                "transitionType": "fade",
            },
        ],
        transitionTypes=["fade", "ken-burns"],
        hookText="The product finally makes sense",
        bgm=True,
        bgmFileName=MUSIC[0],
        bgmVolume=0.5,
        outputFileName="launch-montage",
    )
    assert answer.status_code == 202, answer.text
    params = params_of(api)
    assert params["durations"] == [
        {"asset_id": photo, "duration_s": 4.0},
        {"asset_id": second, "duration_s": 3.5},
    ]
    assert [(p["asset_id"], p["start_s"], p["duration_s"]) for p in params["placements"]] == [
        (second, 0.0, 3.0),
        (photo, 3.0, None),
    ]
    assert (params["placements"][1]["source_end_s"], params["placements"][1]["transition_type"]) == (
        5.0,
        "fade",
    )
    assert params["transition_types"] == ["fade", "ken-burns"]
    assert (params["bgm_asset_id"], params["bgm_volume"]) == (music, 0.5)  # D-068, D-069, D-071
    assert params["hook_text"] == "The product finally makes sense"  # D-067
    assert params["output_file_name"] == "launch-montage.mp4"  # D-083


def test_switches_that_are_off_and_empty_fields_are_accepted(api: Api):
    made = api.project(PHOTO)
    off = {
        "instructions": "",
        "targetDurationSeconds": None,
        "aiAnalysis": False,
        "visionAnalysis": False,
        "audioAnalysis": False,
        "textOnScreen": False,
        "sfx": False,
        "sfxTypes": [],
        "sfxPlacements": [],
        "textOverlays": [],
        "voiceover": False,
        "bgm": False,
        "bgmQuery": "",
        "hookText": "",
        "clipPlacements": [],
        "assetDurations": [],
        "transitionTypes": [],
    }
    assert start(api, projectId=made["projectId"], **off).status_code == 202


def test_null_is_as_good_as_nothing_and_an_unknown_field_is_one_even_so(api: Api):
    """As clients send it that write all of their fields."""
    made = api.project(PHOTO)
    fields = set(RenderRequest.model_json_schema()["properties"]) - {"projectId"}
    assert start(api, projectId=made["projectId"], **dict.fromkeys(fields)).status_code == 202
    check_error(start(api, projectId=made["projectId"], surprise=None), 400, "invalid_request", "surprise")
    nameless = [{"fileName": PHOTO[0], "durationSeconds": None}]
    answer = start(api, projectId=made["projectId"], assetDurations=nameless)
    check_error(answer, 400, "invalid_request", "assetDurations[0].durationSeconds")
    assert uploads(api, files=[file(width=None)], projectName=None).status_code == 200


@pytest.mark.parametrize("kind", get_args(TransitionType))
def test_d108_to_d120_every_transition_is_taken_in_rotation_and_for_one_clip(api: Api, kind: str):
    made = api.project(PHOTO)
    place = {**PLACE, "transitionType": kind}
    answer = start(api, projectId=made["projectId"], transitionTypes=["none", kind], clipPlacements=[place])
    assert answer.status_code == 202
    assert params_of(api)["transition_types"] == ["none", kind]
    assert params_of(api)["placements"][0]["transition_type"] == kind


def test_d082_the_api_documents_list_every_transition(api: Api):
    schemas = httpx.get(f"{api.url}/openapi.json").json()["components"]["schemas"]
    asked = schemas["RenderRequest"]["properties"]["transitionTypes"]["anyOf"][0]["items"]
    placed = schemas["ClipPlacement"]["properties"]["transitionType"]["anyOf"][0]
    assert asked["enum"] == placed["enum"] == list(get_args(TransitionType))


PLACE = {"fileName": PHOTO[0], "startTime": 0}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"surprise": 1}, "surprise"),  # D-003
        ({"project_id": "x"}, "project_id"),
        ({"aspectRatio": "2:1"}, "aspectRatio"),  # D-061
        ({"transitionTypes": ["teleport"]}, "transitionTypes[0]"),
        ({"transitionTypes": "fade"}, "transitionTypes"),
        ({"bgm": True}, "bgm"),  # D-068
        ({"bgm": "yes"}, "bgm"),
        ({"bgm": True, "bgmFileName": "nothing.mp3"}, "bgmFileName"),
        ({"bgm": True, "bgmFileName": PHOTO[0]}, "bgmFileName"),
        ({"bgm": True, "bgmAssetId": "asset_x"}, "bgmAssetId"),
        ({"bgmVolume": 1.1}, "bgmVolume"),  # D-071
        ({"bgmVolume": -0.1}, "bgmVolume"),
        ({"bgmVolume": True}, "bgmVolume"),
        ({"bgmVolume": "0.5"}, "bgmVolume"),
        ({"assetDurations": [{"durationSeconds": 3}]}, "assetDurations[0]"),
        ({"assetDurations": [{"fileName": PHOTO[0]}]}, "assetDurations[0].durationSeconds"),
        (
            {"assetDurations": [{"fileName": PHOTO[0], "durationSeconds": 0}]},
            "assetDurations[0].durationSeconds",
        ),
        ({"assetDurations": [{"fileName": "x.png", "durationSeconds": 1}]}, "assetDurations[0].fileName"),
        ({"assetDurations": [{"fileName": MUSIC[0], "durationSeconds": 1}]}, "assetDurations[0]"),
        ({"clipPlacements": [{"startTime": 0}]}, "clipPlacements[0]"),  # D-085
        ({"clipPlacements": [PLACE, {**PLACE, "startTime": 2}]}, "clipPlacements[1]"),
        ({"clipPlacements": [{**PLACE, "startTime": -1}]}, "clipPlacements[0].startTime"),
        ({"clipPlacements": [{**PLACE, "fileName": MUSIC[0]}]}, "clipPlacements[0]"),
        (
            {"clipPlacements": [{**PLACE, "sourceStartTime": 5, "sourceEndTime": 5}]},
            "clipPlacements[0].sourceEndTime",
        ),
        ({"clipPlacements": [{**PLACE, "transitionType": "star-wipe"}]}, "clipPlacements[0].transitionType"),
        ({"clipPlacements": [{**PLACE, "speed": 2}]}, "clipPlacements[0].speed"),
        ({"hookText": "x" * 301}, "hookText"),
        ({"outputFileName": "a/b.mp4"}, "outputFileName"),
        ({"outputFileName": "..\\b.mp4"}, "outputFileName"),
        ({"outputFileName": "movie.avi"}, "outputFileName"),
        ({"outputFileName": ".mp4"}, "outputFileName"),
        ({"outputFileName": "x" * 126 + ".mp4"}, "outputFileName"),
        ({"outputFileName": ""}, "outputFileName"),
        ({"outputFileName": "a\nb.mp4"}, "outputFileName"),
    ],
)
def test_d003_a_request_that_cannot_be_met_names_its_field(api: Api, body: dict[str, Any], param: str):
    made = api.project(PHOTO, MUSIC)
    check_error(start(api, projectId=made["projectId"], **body), 400, "invalid_request", param)
    check_error(status(api, made["projectId"]), 404, "not_found")  # and nothing was started


def test_d057_a_project_must_be_named(api: Api):
    check_error(start(api), 400, "invalid_request", "projectId")
    check_error(start(api, sourceDirectoryPrefix=""), 400, "invalid_request", "projectId")
    project_id = api.project(PHOTO)["projectId"]
    assert start(api, projectId=project_id, sourceDirectoryPrefix="").status_code == 202


def test_d131_there_must_be_something_to_see(api: Api):
    made = api.project(MUSIC)
    check_error(start(api, projectId=made["projectId"]), 400, "invalid_request", "projectId")


def test_only_what_has_arrived_is_rendered(api: Api):
    made = api.project(PHOTO, SECOND, put=False)
    upload = made["uploads"][0]
    assert httpx.put(upload["uploadUrl"], content=PHOTO[2], headers={"Content-Type": PHOTO[1]}).is_success
    check_error(start(api, projectId=made["projectId"]), 400, "invalid_request", SECOND[0])
    placed = [{"fileName": PHOTO[0], "startTime": 0}]  # what is not used need not be there
    assert start(api, projectId=made["projectId"], clipPlacements=placed).status_code == 202


def test_two_files_of_one_name_must_be_told_apart(api: Api):
    made = api.project(PHOTO, PHOTO)
    named = [{"fileName": PHOTO[0], "durationSeconds": 1}]
    check_error(
        start(api, projectId=made["projectId"], assetDurations=named),
        400,
        "invalid_request",
        "assetDurations[0].fileName",
    )
    assert start(api, projectId=made["projectId"]).status_code == 202


def test_music_may_be_switched_off_though_it_is_named(api: Api):
    made = api.project(PHOTO, MUSIC)
    assert start(api, projectId=made["projectId"], bgm=False, bgmFileName=MUSIC[0]).status_code == 202
    assert params_of(api)["bgm_asset_id"] is None


def test_naming_music_is_asking_for_it(api: Api):
    made = api.project(PHOTO, MUSIC)
    assert (
        start(api, projectId=made["projectId"], bgmAssetId=made["uploads"][1]["assetId"]).status_code == 202
    )
    assert params_of(api)["bgm_asset_id"] == made["uploads"][1]["assetId"]


# --- status and download ---------------------------------------------------------------------------


def test_d138_to_d151_from_queued_to_the_file(api: Api, tmp_path: Path):
    made = api.project(PHOTO)
    project_id = made["projectId"]
    start(api, projectId=project_id, outputFileName="my trip.mp4")
    assert status(api, project_id).json() == {  # D-138
        "projectId": project_id,
        "status": "queued",  # D-139
        "progress": 0,
        "outputReady": False,
        "creditsUsed": 0,  # D-136
        "errorMessage": None,
    }
    early = status(api, project_id, "/download")
    check_error(early, 409, "output_not_ready")  # D-150
    assert early.headers["x-should-retry"] == "false"

    api.finish(project_id, b"an MP4, let us say", tmp_path / "out.mp4", charged_mc=4500)
    assert status(api, project_id).json() == {
        "projectId": project_id,
        "status": "completed",  # D-140
        "progress": 100,  # D-142
        "outputReady": True,  # D-143
        "creditsUsed": 4.5,  # D-144
        "errorMessage": None,
    }
    given = status(api, project_id, "/download").json()  # D-148
    downloaded = httpx.get(given["downloadUrl"])  # D-149: no key
    assert downloaded.content == b"an MP4, let us say"
    assert downloaded.headers["content-type"] == "video/mp4"
    assert 'filename="my trip.mp4"' in downloaded.headers["content-disposition"]
    assert (given["expiresIn"], given["fileName"]) == (900, "my trip.mp4")


def test_d146_d147_polling_as_the_document_says_never_meets_the_limit(api: Api):
    """Every 5 seconds; the API's own document says so too. A tight loop does meet it."""
    project_id = api.project(PHOTO)["projectId"]
    start(api, projectId=project_id)
    with api.client() as client:

        def poll() -> httpx.Response:
            return client.get(f"{MEDIA_RENDER}/jobs/{project_id}")

        for _ in range(30):
            assert poll().status_code == 200
            api.clock.ahead_s += 5
        answers = [poll() for _ in range(121)]
        check_error(answers[-1], 429, "rate_limited")
        said = client.get("/openapi.json").json()["paths"][f"{MEDIA_RENDER}/jobs/{{projectId}}"]["get"]
    assert "every 5 seconds, every 15 for long" in said["description"]


def test_d007_an_expired_output_is_refused_and_its_status_stays(api: Api, tmp_path: Path):
    project_id = api.project(PHOTO)["projectId"]
    start(api, projectId=project_id)
    api.finish(project_id, b"an MP4", tmp_path / "out.mp4")
    api.expire_artifacts()
    gone = status(api, project_id, "/download")
    check_error(gone, 404, "output_expired")
    assert status(api, project_id).json()["status"] == "completed"


def test_d141_d145_a_failed_render_says_why_and_costs_nothing(api: Api, tmp_path: Path):
    project_id = api.project(PHOTO)["projectId"]
    start(api, projectId=project_id)
    why = {"failure_class": "invalid_input", "error_code": "x", "error_message": "01-photo.png is broken."}
    api.finish(project_id, b"", tmp_path / "none", state="failed", charged_mc=0, **why)
    body = status(api, project_id).json()
    assert (body["status"], body["outputReady"], body["creditsUsed"]) == ("failed", False, 0)
    assert body["errorMessage"] == "01-photo.png is broken."
    refused = status(api, project_id, "/download")
    check_error(refused, 409, "render_failed")
    assert "01-photo.png is broken." in refused.json()["error"]["message"]
    assert refused.headers["x-should-retry"] == "false"


def test_a_cancelled_render_shows_as_failed(api: Api, tmp_path: Path):
    project_id = api.project(PHOTO)["projectId"]
    start(api, projectId=project_id)
    cancel(api.hall, None, list_jobs(api.hall, None, limit=1)[0].id)
    api.finish(project_id, b"", tmp_path / "none", state="cancelled", charged_mc=0)
    body = status(api, project_id).json()
    assert (body["status"], body["errorMessage"]) == ("failed", "The render was cancelled.")


def test_x28_a_second_start_waits_for_the_first_and_then_renders_anew(api: Api, tmp_path: Path):
    project_id = api.project(PHOTO)["projectId"]
    assert start(api, projectId=project_id).status_code == 202
    busy = start(api, projectId=project_id, aspectRatio="1:1")
    check_error(busy, 409, "render_in_progress")
    assert busy.headers["x-should-retry"] == "false"
    api.finish(project_id, b"first", tmp_path / "out.mp4")
    assert start(api, projectId=project_id, aspectRatio="1:1").status_code == 202
    assert status(api, project_id).json()["status"] == "queued"
    check_error(status(api, project_id, "/download"), 409, "output_not_ready")
    api.finish(project_id, b"second", tmp_path / "out.mp4")
    assert httpx.get(status(api, project_id, "/download").json()["downloadUrl"]).content == b"second"


def test_a_project_without_a_render_has_no_status(api: Api):
    project_id = api.project(PHOTO)["projectId"]
    check_error(status(api, project_id), 404, "not_found")
    check_error(status(api, project_id, "/download"), 404, "not_found")


def test_d136_a_render_that_cannot_be_paid_is_not_started(api: Api):
    poor = create_key(api.hall, ensure_account(api.hall, "poor", "free", balance_mc=3_000)).text
    with api.client(poor) as client:
        files = [{"fileName": PHOTO[0], "contentType": PHOTO[1], "fileSize": len(PHOTO[2])}]
        ids = []
        for _ in range(2):
            made = client.post(f"{MEDIA_RENDER}/uploads", json={"files": files}).json()
            ids.append(made["projectId"])
            httpx.put(made["uploads"][0]["uploadUrl"], content=PHOTO[2], headers={"Content-Type": PHOTO[1]})
        assert client.post(f"{MEDIA_RENDER}/jobs", json={"projectId": ids[0]}).status_code == 202
        refused = client.post(f"{MEDIA_RENDER}/jobs", json={"projectId": ids[1]})
        check_error(refused, 402, "insufficient_credits")
        assert client.get(f"{MEDIA_RENDER}/jobs/{ids[1]}").status_code == 404


def test_answers_are_json_and_cameled(api: Api):
    made = api.project(PHOTO)
    for answer in (start(api, projectId=made["projectId"]), status(api, made["projectId"])):
        assert answer.headers["content-type"] == "application/json"
        assert not [key for key in json.loads(answer.text) if "_" in key]


def test_public_url_is_what_callers_are_sent_to(tmp_path: Path):
    public = "https://farm.example/"
    with api_under(tmp_path / "farm", public_url=public, blobs_url=str(tmp_path / "blobs")) as served:
        url = served.project(PHOTO, put=False)["uploads"][0]["uploadUrl"]
        assert url.startswith("https://farm.example/farm/v1/blobs/")


def uploads_of_another(api: Api) -> dict[str, Any]:
    with api.client(api.new_key("mallory")) as client:
        made: dict[str, Any] = client.post(f"{MEDIA_RENDER}/uploads", json={"files": [file()]}).json()
    return made
