"""The studio's videos over HTTP: asked for, followed, downloaded, shared, deleted. The worker is played."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.doors import backup
from farm.settings import Settings
from tests.api import api_under, png
from tests.studio import PNG, Studio, offering_api, refused, studio

__all__ = ["offering_api", "studio"]  # fixtures
pytestmark = pytest.mark.slow


def upload(customer: Studio, content: bytes = b"", name: str = "me.png") -> str:
    answer = customer.call("POST", "/api/upload-image", files={"image": (name, content or png(), PNG)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["filename"])


# --- asking -----------------------------------------------------------------------------------------


def test_b025_to_b040_a_video_is_queued_with_all_that_was_said(studio: Studio) -> None:
    said: dict[str, Any] = {
        "prompt": "a fox in the snow",  # B-026
        "model": "wan-t2v",  # B-027
        "negative_prompt": "blurry",  # B-028
        "width": 832,  # B-029
        "height": 480,  # B-030
        "frames": 41,  # B-031
        "steps": 4,  # B-032
        "cfg": 6.5,  # B-033
        "seed": 7,  # B-034
        "sampler": "sa_solver",  # B-035
        "scheduler": "beta",  # B-036
        "shift": 8.0,  # B-037
        "frame_rate": 16,  # B-038
    }
    made = studio.asked("/api/generate", {**said, "project_id": 12})  # B-039
    assert (made["status"], made["credits"]) == ("queued", 21)  # B-429
    params = studio.params(made["job_id"])  # B-040
    assert {name: params[name] for name in said} == said
    listed = studio.get("/api/generations").json()["generations"][0]
    assert (listed["project_id"], listed["id"]) == (12, made["generation_id"])


def test_b034_minus_one_is_a_random_seed_and_b027_no_model_is_the_farms_choice(studio: Studio) -> None:
    params = studio.params(studio.video(seed=-1)["job_id"])
    assert (params["seed"], params["model"]) == (None, "auto")


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "prompt"),
        ({"prompt": ""}, 400, "prompt"),
        ({"prompt": "\U0001f98a" * 2001}, 400, "prompt"),
        ({"prompt": "a fox", "frames": True}, 400, "frames"),
        ({"prompt": "a fox", "frames": "81"}, 400, "frames"),
        ({"prompt": "a fox", "frames": 5000}, 403, "frames"),
        ({"prompt": "a fox", "seed": -2}, 400, "seed"),
        ({"prompt": "a fox", "model": "sora-9"}, 400, "model"),
        ({"prompt": "a fox", "model": "hunyuan-t2v"}, 503, "model"),
        ({"prompt": "a fox", "size": "832x480"}, 400, "size"),
        ({"prompt": "a fox", "project_id": 0}, 400, "project_id"),
        ({"prompt": "a fox", "image_filename": "nothing.png"}, 404, "image_filename"),
        ({"prompt": "a fox", "end_image_filename": "nothing.png"}, 400, "image_filename"),
        ({"prompt": "a fox", "model": "wan-i2v"}, 400, "image_filename"),
        ({"prompt": "a fox", "model": "flux"}, 400, "model"),
    ],
)
def test_b004_b006_what_cannot_be_is_refused_by_its_field(
    studio: Studio, body: dict[str, Any], status: int, param: str
) -> None:
    assert refused(studio.post("/api/generate", body)) == (status, param)


def test_b026_two_thousand_code_points_are_a_prompt(studio: Studio) -> None:
    assert studio.video(prompt="\U0001f98a" * 2000)["job_id"]


def test_x21_pictures_a_sound_and_a_video_are_handed_in_by_file_name(studio: Studio) -> None:
    first, last = upload(studio), upload(studio, png(colour=(0, 0, 9)))
    job = studio.params(studio.video(model="wan-i2v", image_filename=first)["job_id"])
    assert job["image"] == first.removesuffix(".png")
    job = studio.params(
        studio.video(model="wan-flf", image_filename=first, end_image_filename=last)["job_id"]
    )
    assert job["last_image"] == last.removesuffix(".png")
    made = studio.asked("/api/generate-audio", {"prompt": "calm piano"})
    sound = studio.finish(made["job_id"], b"mp3", "audio/mpeg")
    job = studio.params(studio.video(model="wan-s2v", image_filename=first, audio_filename=sound)["job_id"])
    assert job["audio"] and job["image"]
    _, film = studio.made()
    job = studio.params(
        studio.video(model="wan-animate", image_filename=first, driving_video_filename=film)["job_id"]
    )
    assert job["video"] and job["image"]
    wrong = {"prompt": "a fox", "model": "wan-t2v", "image_filename": first}
    assert refused(studio.post("/api/generate", wrong)) == (400, "image_filename")
    mixed = {"prompt": "a fox", "image_filename": film}
    assert refused(studio.post("/api/generate", mixed)) == (400, "image_filename")


def test_b007_b031_b471_x24_free_makes_480p_and_81_frames(studio: Studio) -> None:
    free = studio.other("free")
    large = {"prompt": "a fox", "width": 1280, "height": 720}
    assert refused(free.post("/api/generate", large)) == (403, "width")
    assert refused(free.post("/api/generate", {"prompt": "a fox", "frames": 82})) == (403, "frames")
    params = free.params(free.video(model="ltx-t2v")["job_id"])
    assert (params["width"], params["height"], params["frames"]) == (864, 480, 81)
    assert params["watermark"] is True  # B-471
    assert studio.params(studio.video(model="ltx-t2v")["job_id"])["watermark"] is False  # B-476
    without = httpx.post(f"{studio.api.url}/api/generate", json={"prompt": "a fox"})
    assert refused(without) == (401, None)


def test_b471_the_native_api_and_its_batches_are_no_way_around_the_tier(studio: Studio) -> None:
    free = studio.other("free")
    large = {"kind": "generate-video", "params": {"prompt": "a fox", "width": 1280, "height": 720}}
    assert free.post("/farm/v1/jobs", large).json()["error"]["param"] == "params.width"
    assert free.post("/farm/v1/jobs", large).status_code == 403
    made = free.post("/farm/v1/jobs", {"kind": "generate-video", "params": {"prompt": "a fox"}}).json()
    assert free.params(made["id"])["watermark"] is True
    refused_batch = free.post("/farm/v1/batches", {"kind": "generate-video", "jobs": [large]})
    assert refused_batch.json()["error"]["param"] == "jobs[0].params.width"


def test_b039_a_job_of_a_project_is_asked_for_again(studio: Studio) -> None:
    asked, _ = studio.made(project_id=12)
    again = studio.post(f"/farm/v1/jobs/{asked['job_id']}/retry")
    assert again.status_code == 202, again.text
    assert studio.get("/api/generations").json()["generations"][0]["project_id"] == 12


def test_the_same_key_makes_one_video(studio: Studio) -> None:
    sent = [
        studio.post("/api/generate", {"prompt": "a fox"}, headers={"Idempotency-Key": "fox-1"})
        for _ in range(2)
    ]
    assert sent[0].json() == sent[1].json()
    assert len(studio.get("/api/generations").json()["generations"]) == 1


# --- following --------------------------------------------------------------------------------------


def test_b041_to_b045_x26_a_job_is_followed_to_its_end(studio: Studio) -> None:
    job_id = studio.video(model="wan-t2v")["job_id"]
    queued = studio.status(job_id)  # B-042
    assert (queued["status"], queued["progress"], queued["position"]) == ("queued", 0, 1)
    assert queued["filename"] is None and queued["error"] is None
    name = studio.finish(job_id)
    done = studio.status(job_id)
    assert (done["status"], done["progress"], done["filename"]) == ("completed", 100, name)  # B-043
    assert done["url"] == f"/api/video/{name}" and done["position"] is None
    failed = studio.video()["job_id"]
    values = {"failure_class": "policy", "error_code": "content_policy_violation"}
    studio.end(failed, "failed", **values, error_message="Words that are not allowed.")
    assert studio.status(failed)["status"] == "error"  # B-044
    assert studio.status(failed)["error"] == "Words that are not allowed."
    cancelled = studio.video()["job_id"]
    studio.end(cancelled, "cancelled")
    assert studio.status(cancelled)["status"] == "cancelled"
    assert refused(studio.get("/api/status")) == (400, "job_id")
    assert refused(studio.get("/api/status?job_id=job_nothing")) == (404, "job_id")
    assert refused(studio.other().get(f"/api/status?job_id={job_id}")) == (404, "job_id")
    bucket = studio.get(f"/api/status?job_id={job_id}").headers["X-RateLimit-Limit"]
    assert bucket == "120"  # B-045, X-41: every 2 s is 30 a minute


def test_b061_b062_a_job_is_cancelled_by_its_owner_alone(studio: Studio) -> None:
    job_id = studio.video()["job_id"]
    assert refused(studio.other().post("/api/cancel", {"job_id": job_id})) == (404, "job_id")
    said = studio.asked("/api/cancel", {"job_id": job_id})
    assert said == {"job_id": job_id, "status": "cancelled", "cancelled": True}
    assert studio.is_called_off(job_id)
    asked, _ = studio.made()
    said = studio.asked("/api/cancel", {"job_id": asked["job_id"]})
    assert (said["status"], said["cancelled"]) == ("completed", False)
    assert refused(studio.post("/api/cancel", {})) == (400, "job_id")


def test_b063_to_b066_the_queue_shows_its_length_and_the_callers_own_places(studio: Studio) -> None:
    before = studio.get("/api/queue").json()["queue_length"]
    jobs = [studio.video()["job_id"] for _ in range(3)]
    studio.other().video()
    said = studio.get("/api/queue").json()
    assert said["queue_length"] == before + 4  # B-064
    assert [job["job_id"] for job in said["jobs"]] == jobs  # B-065
    places = [job["position"] for job in said["jobs"]]  # B-066
    assert places == sorted(places) and said["position"] == places[0] and len(set(places)) == 3


def test_b067_without_a_worker_the_backend_is_offline(studio: Studio) -> None:
    said = studio.get("/api/comfyui/status").json()
    assert (said["online"], said["status"], said["workers"], said["gpu_workers"]) == (False, "offline", 0, 0)


# --- the file ---------------------------------------------------------------------------------------


def test_b046_b047_b049_the_owner_downloads_the_bytes_and_nobody_else(studio: Studio) -> None:
    content = bytes(range(256)) * 40
    _, name = studio.made(content)
    answer = studio.get(f"/api/video/{name}")
    assert answer.content == content
    assert answer.headers["Content-Type"] == "video/mp4"  # B-049
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert refused(studio.other().get(f"/api/video/{name}")) == (404, "filename")  # B-047
    assert refused(httpx.get(f"{studio.api.url}/api/video/{name}")) == (401, None)
    assert refused(studio.get(f"/api/image/{name}")) == (404, "filename")
    assert studio.call("HEAD", f"/api/video/{name}").headers["Content-Length"] == str(len(content))


def test_b046_one_range_at_a_time(studio: Studio) -> None:
    content = bytes(range(256)) * 40
    _, name = studio.made(content)

    def part(wanted: str) -> httpx.Response:
        return studio.get(f"/api/video/{name}", headers={"Range": wanted})

    some = part("bytes=100-299")
    assert (some.status_code, some.content) == (206, content[100:300])
    assert some.headers["Content-Range"] == f"bytes 100-299/{len(content)}"
    assert part("bytes=-10").content == content[-10:]
    assert part("bytes=10000-").content == content[10000:]
    beyond = part("bytes=999999-")
    assert refused(beyond) == (416, "Range")
    assert beyond.headers["Content-Range"] == f"bytes */{len(content)}"
    assert refused(part("bytes=0-1,3-4")) == (416, "Range")
    assert refused(part("bytes=9-1")) == (400, "Range")


NAMES = (
    "..%2F..%2Fsecret.key",
    "%2e%2e",
    "made.mp4%00.png",
    "-i",
    "file%3A%2F%2F%2Fetc%2Fpasswd",
    "a" * 300,
    "..\\..\\x",
    "%E2%80%AEgpj.exe",
    "'%20OR%201=1",
    "%25",
    "made-*.mp4",
    "made-%25.mp4",
)


@pytest.mark.parametrize("folder", ["video", "image", "audio", "input-image"])
def test_attacks_on_a_file_name_find_nothing(studio: Studio, folder: str) -> None:
    studio.made()
    for name in NAMES:
        for token in ("", "?token=share_guess"):
            answer = studio.get(f"/api/{folder}/{name}{token}")
            assert answer.status_code == 404, answer.text
            assert "made" not in answer.text and "/" not in answer.json()["error"]


# --- the library ------------------------------------------------------------------------------------


def test_b050_to_b052_the_history_has_full_metadata_page_by_page(studio: Studio) -> None:
    asked, name = studio.made(model="wan-t2v", negative_prompt="blurry", cfg=6.5, sampler="euler")
    later = [studio.video()["generation_id"] for _ in range(2)]
    said = studio.get("/api/generations").json()
    assert [one["id"] for one in said["generations"]] == [*reversed(later), asked["generation_id"]]
    assert (said["limit"], said["offset"], said["has_more"]) == (50, 0, False)
    made = said["generations"][-1]
    expected = {
        "status": "completed", "prompt": "a fox in the snow", "negative_prompt": "blurry", "model": "wan-t2v",
        "width": 832, "height": 480, "frames": 81, "frame_rate": 24, "seed": 7, "cfg": 6.5,
        "sampler": "euler", "duration_seconds": 3.375, "filename": name, "url": f"/api/video/{name}",
        "is_favorite": False, "is_public": False, "share_token": None, "credits": asked["credits"],
        "error": None, "type": "video",
    }  # fmt: skip
    assert {field: made[field] for field in expected} == expected
    assert made["files"][0]["size_bytes"] == len(b"a film")
    path = f"/api/generations/{asked['generation_id']}"
    assert studio.get(path).json() == made
    assert refused(studio.other().get(path)) == (404, "id")
    page = studio.get("/api/generations?limit=1&offset=1").json()
    assert [one["id"] for one in page["generations"]] == [later[0]] and page["has_more"]
    for query, param in (("limit=201", "limit"), ("limit=0", "limit"), ("offset=-1", "offset")):
        assert refused(studio.get(f"/api/generations?{query}")) == (400, param)
    assert studio.other().get("/api/generations").json()["generations"] == []


def test_b053_a_deleted_generation_is_gone_with_its_file(studio: Studio) -> None:
    asked, name = studio.made()
    path = f"/api/generations/{asked['generation_id']}"
    token = studio.asked(f"{path}/share", {})["share_token"]
    assert refused(studio.other().call("DELETE", path)) == (404, "id")
    assert studio.call("DELETE", path).json() == {"deleted": True, "id": asked["generation_id"]}
    assert studio.get("/api/generations").json()["generations"] == []
    assert refused(studio.get(f"/api/video/{name}")) == (404, "filename")
    assert httpx.get(f"{studio.api.url}/api/video/{name}?token={token}").status_code == 404
    assert httpx.get(f"{studio.api.url}/api/share/{token}").status_code == 404
    assert refused(studio.call("DELETE", path)) == (404, "id")
    running = studio.video()
    studio.call("DELETE", f"/api/generations/{running['generation_id']}")
    assert studio.is_called_off(running["job_id"])
    assert refused(studio.call("DELETE", "/api/generations/99999999999999999999")) == (400, "id")


def test_b054_b055_a_favourite_is_toggled(studio: Studio) -> None:
    asked, _ = studio.made()
    path = f"/api/generations/{asked['generation_id']}/favorite"
    assert studio.asked(path, {})["is_favorite"] is True
    assert studio.get("/api/generations").json()["generations"][0]["is_favorite"] is True
    assert studio.post(path).json()["is_favorite"] is False
    assert refused(studio.other().post(path)) == (404, "id")


def test_b056_b057_b059_b048_a_link_opens_one_video_to_whoever_has_it(studio: Studio) -> None:
    asked, name = studio.made(b"shared bytes")
    path = f"/api/generations/{asked['generation_id']}/share"
    unfinished = studio.video()
    assert studio.post(f"/api/generations/{unfinished['generation_id']}/share").status_code == 409
    shared = studio.post(path).json()
    token = shared["share_token"]  # B-057
    assert len(token) >= 22 and studio.post(path).json()["share_token"] == token
    visitor = httpx.Client(base_url=studio.api.url)
    with visitor:
        seen = visitor.get(f"/api/share/{token}").json()  # B-059: no key
        assert (seen["prompt"], seen["filename"]) == ("a fox in the snow", name)
        assert not {"account", "credits", "job_id", "id", "share_token"} & set(seen)
        film = visitor.get(seen["url"])  # B-048
        assert (film.content, film.headers["Content-Type"]) == (b"shared bytes", "video/mp4")
        _, private = studio.made()
        assert visitor.get(f"/api/video/{private}?token={token}").status_code == 404
        assert studio.other().get(f"/api/video/{name}?token={token}").content == b"shared bytes"
        guesses = [token[:-1], token[:-1] + ("0" if token[-1] != "0" else "1"), "share_", "%", "share_%"]
        for guess in guesses:
            assert visitor.get(f"/api/share/{guess}").status_code == 404
            assert visitor.get(f"/api/video/{name}", params={"token": guess}).status_code == 404
        studio.call("DELETE", path)
        assert visitor.get(f"/api/share/{token}").status_code == 404
        assert visitor.get(seen["url"]).status_code == 404
        assert studio.post(path).json()["share_token"] != token


def test_b058_b060_the_gallery_shows_what_is_public(studio: Studio) -> None:
    asked, name = studio.made(b"public bytes")
    _, private = studio.made()
    path = f"/api/generations/{asked['generation_id']}/public"
    assert studio.post(path).json() == {"id": asked["generation_id"], "is_public": True}
    with httpx.Client(base_url=studio.api.url) as visitor:
        shown = visitor.get("/api/gallery/community").json()["generations"]
        assert shown[0]["filename"] == name
        assert private not in str(shown)
        assert visitor.get(shown[0]["url"]).content == b"public bytes"
        assert "X-RateLimit-Remaining" in visitor.get("/api/gallery/community?limit=1").headers
        assert studio.post(path).json()["is_public"] is False
        assert name not in visitor.get("/api/gallery/community").text
        assert visitor.get(shown[0]["url"]).status_code == 404
    running = studio.video()
    assert studio.post(f"/api/generations/{running['generation_id']}/public").status_code == 409


def test_b056_a_link_still_opens_its_video_in_a_farm_that_was_put_back(tmp_path: Path) -> None:
    with api_under(tmp_path / "home") as api:
        customer = Studio(api, tmp_path)
        asked, name = customer.made(b"kept bytes")
        link = customer.asked(f"/api/generations/{asked['generation_id']}/share", {})
        backup.back_up(api.app.state.desk.settings, tmp_path / "backup")
    backup.put_back(Settings(home=tmp_path / "other"), tmp_path / "backup")
    with api_under(tmp_path / "other") as api:
        check = backup.adopt(api.hall, api.app.state.desk.blobs, "test", {})
        assert check.missing == ()
        assert httpx.get(api.url + link["url"]).json()["filename"] == name
        assert httpx.get(api.url + link["video_url"]).content == b"kept bytes"


# --- from one video to the next ---------------------------------------------------------------------


def test_b075_to_b079_b451_x17_a_video_in_another_style_costs_by_ten_seconds(studio: Studio) -> None:
    _, name = studio.made()
    body = {"video_filename": name, "prompt": "oil painting", "strength": 0.6}
    made = studio.asked("/api/generate-v2v", body)
    assert made["credits"] == 3  # 3.375 s
    params = studio.params(made["job_id"])
    assert (params["strength"], params["frames"], params["width"]) == (0.6, 81, 832)
    long = studio.video(frames=481)
    told = {"width": 1920, "height": 1080, "frames": 481, "frame_rate": 24}
    name = studio.finish(long["job_id"], told=told)
    made = studio.asked("/api/generate-v2v", {**body, "video_filename": name})
    assert made["credits"] == 9  # 20.04 s are three tens begun
    assert studio.params(made["job_id"])["width"] == 1280
    name = studio.finish(studio.video()["job_id"], told={"duration_s": 50.5})  # of which no frames are known
    assert studio.asked("/api/generate-v2v", {**body, "video_filename": name})["credits"] == 18
    name = studio.finish(studio.video()["job_id"], told={"duration_s": 61.5})
    long_one = {**body, "video_filename": name}
    assert refused(studio.post("/api/generate-v2v", long_one)) == (400, "video_filename")
    for wrong, field in (
        ({"video_filename": "nothing.mp4"}, "video_filename"),
        ({"strength": 1.5}, "strength"),
        ({"prompt": ""}, "prompt"),
        ({"model": "wan-t2v"}, "video_filename"),
    ):
        assert refused(studio.post("/api/generate-v2v", {**body, **wrong}))[1] == field
    assert refused(studio.other().post("/api/generate-v2v", body)) == (404, "video_filename")


def test_x24_a_video_larger_than_the_tier_is_brought_down_and_a_longer_one_is_named(studio: Studio) -> None:
    """Its size was nobody's wish; how long it is cannot be changed."""
    guest = studio.other("free")
    large = {"width": 1920, "height": 1080, "frames": 49, "frame_rate": 24}
    body = {"video_filename": guest.finish(guest.video()["job_id"], told=large), "prompt": "oil painting"}
    params = guest.params(guest.asked("/api/generate-v2v", body)["job_id"])
    assert (params["width"], params["height"], params["frames"]) == (853, 480, 49)
    long = {"width": 832, "height": 480, "frames": 121, "frame_rate": 24}
    body["video_filename"] = guest.finish(guest.video()["job_id"], told=long)
    answer = guest.post("/api/generate-v2v", body)
    assert (*refused(answer), answer.json()["code"]) == (403, "video_filename", "tier_limit")


def test_b072_to_b074_the_video_to_extend_is_named_by_file_or_by_generation(studio: Studio) -> None:
    asked, name = studio.made()
    _, other = studio.made()
    for body, status, field in (
        ({}, 400, "video_filename"),
        ({"video_filename": "nothing.mp4"}, 404, "video_filename"),
        ({"generation_id": 10**9}, 404, "generation_id"),
        ({"generation_id": asked["generation_id"], "video_filename": other}, 400, "video_filename"),
    ):
        assert refused(studio.post("/api/extend-video", body)) == (status, field)
    stranger = {"generation_id": asked["generation_id"], "video_filename": name}
    assert refused(studio.other().post("/api/extend-video", stranger)) == (404, "generation_id")
