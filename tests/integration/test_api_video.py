"""/v1/video/generations over HTTP on a farm that has Kling and Seedance: what is asked, priced and told.

Nothing runs here: a test plays the worker. What a farm makes of it is in test_videos_made.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from farm.api.surfaces.generations.video_view import View
from farm.doors.accounts import caller_of, ensure_account
from farm.doors.batches import batch
from farm.doors.jobs import job as job_of
from farm.doors.served import served
from farm.job import Job
from farm.store.schema import tasks
from tests.api import Api, api_under, png, statements
from tests.receiver import Receiver, answer, receiving

PROVIDERS = """
[providers.kuaishou]
pool = "gpu-generate"
resource = "io"
remote = true
[providers.bytedance]
pool = "gpu-generate"
resource = "io"
remote = true
[auto]
text-to-video = "kling-o3-pro-t2v"
image-to-video = "kling-o3-pro-i2v"
"""
ROUTES = "".join(
    f"""
[routes.{capability}.{model}-{short}]
offers = [{{ provider = "{provider}", price = "1", estimated_s = 60.0 }}]
"""
    for model, provider in (("kling-o3-pro", "kuaishou"), ("kling-v3", "kuaishou"), ("seedance", "bytedance"))
    for capability, short in (("text-to-video", "t2v"), ("image-to-video", "i2v"))
)
OUTBOUND = """
[outbound]
allow_hosts = ["127.0.0.1:{port}"]
"""
DRONE = "A drone shot over a coastal city at golden hour, cinematic"


@dataclass(frozen=True)
class Studio:
    """The farm, a customer, and a server of pictures that is also told of ends."""

    api: Api
    pictures: Receiver

    @property
    def picture_url(self) -> str:
        return f"http://127.0.0.1:{self.pictures.port}/source-image.png"

    def post(self, path: str = "/v1/video/generations", **body: Any) -> httpx.Response:
        with self.api.client() as client:
            return client.post(path, json=body)

    def makes(self, **body: Any) -> dict[str, Any]:
        made = self.post(**{"prompt": DRONE, **body})
        assert made.status_code == 202, made.text
        told: dict[str, Any] = made.json()
        return told

    def get(self, path: str) -> dict[str, Any]:
        with self.api.client() as client:
            answered = client.get(path)
        assert answered.status_code == 200, answered.text
        told: dict[str, Any] = answered.json()
        return told

    def job(self, job_id: str) -> Job:
        return job_of(self.api.hall, None, job_id)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home, config = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("config")
    with receiving() as pictures:
        (config / "providers.toml").write_text(PROVIDERS + ROUTES)
        (config / "farm.toml").write_text(OUTBOUND.format(port=pictures.port))
        (config / "moderation.toml").write_text('[moderation]\nwords = ["zeppelin"]\n')
        with api_under(home, config_dir=config) as api:
            yield Studio(api, pictures)


@pytest.fixture
def studio(standing: Studio) -> Studio:
    """A customer of this test's own, and no pictures prepared."""
    standing.pictures.script.clear()
    standing.pictures.heard.clear()
    name = standing.api.hall.ids.public("customer")
    return replace(standing, api=replace(standing.api, key=standing.api.new_key(name), account=name))


def test_c056_c078_to_c090_c094_the_answer_is_the_documents(studio: Studio) -> None:
    made = studio.post(
        model="auto",  # C-057
        prompt=DRONE,  # C-058
        duration=5,
        aspect_ratio="16:9",
        webhook_url=f"{studio.pictures.url}/video",  # C-064
    )
    assert made.status_code == 202  # C-094
    told = made.json()
    created = told.pop("created_at")  # C-089
    assert len(created) == 20 and created.endswith("Z")
    assert told.pop("id").startswith("vgen_")  # C-078
    assert told.pop("warnings")  # no worker is here
    assert told == {
        "object": "video.generation",  # C-079
        "model": "auto",  # C-080
        "model_actual": "kling-o3-pro-t2v",  # C-081, C-090
        "status": "processing",  # C-082
        "prompt": DRONE,  # C-083
        "image_url": None,
        "credits": 60,  # C-085
        "failover_used": False,  # C-086
        "output_url": None,  # C-087
        "data": [],
        "webhook_url": f"{studio.pictures.url}/video",  # C-088
    }


def test_c059_c084_c090_c092_a_picture_makes_it_image_to_video(studio: Studio) -> None:
    studio.pictures.script = [answer(200, png(64, 36))]
    told = studio.makes(image_url=studio.picture_url, duration=5, aspect_ratio="9:16")
    assert (told["model_actual"], told["credits"]) == ("kling-o3-pro-i2v", 30)
    assert told["image_url"] == studio.picture_url  # C-084
    params = studio.job(told["id"]).params
    assert (params["width"], params["height"]) == (720, 1280)  # as asked, not as the picture
    assert params["image"].startswith("asset_")  # C-092: what the model begins with


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ((64, 36), (1280, 720)),
        ((30, 40), (720, 960)),
        ((50, 50), (720, 720)),
        ((900, 30), (1680, 720)),  # no wider than 21:9
    ],
)
def test_c091_without_an_aspect_ratio_the_picture_says_it(
    studio: Studio, picture: tuple[int, int], size: tuple[int, int]
) -> None:
    studio.pictures.script = [answer(200, png(*picture))]
    told = studio.makes(image_url=studio.picture_url)
    params = studio.job(told["id"]).params
    assert (params["width"], params["height"]) == size


@pytest.mark.parametrize(
    ("aspect_ratio", "resolution", "size"),
    [
        ("21:9", "720p", (1680, 720)),  # C-061
        ("16:9", "1080p", (1920, 1080)),  # C-062
        ("4:3", "480p", (640, 480)),
        ("1:1", None, (720, 720)),  # C-062: 720p without a word
        ("3:4", None, (720, 960)),
        ("9:16", "480p", (480, 854)),
        (None, None, (1280, 720)),
    ],
)
def test_c061_c062_the_shorter_side_is_the_resolution(
    studio: Studio, aspect_ratio: str | None, resolution: str | None, size: tuple[int, int]
) -> None:
    told = studio.makes(aspect_ratio=aspect_ratio, resolution=resolution)
    params = studio.job(told["id"]).params
    assert (params["width"], params["height"]) == size


def test_c063_c065_c068_to_c074_everything_that_may_be_said_reaches_the_job(studio: Studio) -> None:
    studio.pictures.script = [answer(200, png(20 + number, 20)) for number in range(4)]
    url = studio.picture_url
    told = studio.makes(
        model="seedance-1.5-pro",
        duration=7.5,  # C-060
        failover=False,  # C-063
        webhook_url=studio.pictures.url,
        webhook_auto_retry=True,  # C-065
        character_reference_url=f"{url}?primary",  # C-068
        character_references=[f"{url}?1", f"{url}?2"],  # C-069
        style_reference_url=f"{url}?style",  # C-071
        camera_angle="isometric",  # C-070
        camera_control={"pan": 6, "zoom": -2},  # C-072
        cfg_scale=0.5,  # C-073
        motion=0.9,  # C-073
        negative_prompt="text",
        seed=7,
    )
    job = studio.job(told["id"])
    params = job.params
    assert (told["model"], told["model_actual"]) == ("seedance-1.5-pro", "seedance-t2v")
    assert (params["length_s"], params["failover"], params["seed"]) == ("7.5", False, 7)
    assert job.auto_retry
    assert len(params["images"]) == 3 and params["style_image"] not in params["images"]
    (task,) = job.tasks
    with studio.api.hall.store.read() as connection:
        row = connection.execute(select(tasks.c.params, tasks.c.inputs).where(tasks.c.id == task.id)).one()
    assert row.params["prompt"] == (
        f"{DRONE}. Isometric view, pan right, then slow zoom out, fast, dynamic movement."
    )
    assert (row.params["cfg"], len(row.inputs)) == (0.5, 4)
    assert told["prompt"] == DRONE  # told back as it was written


def test_c074_sound_is_made_where_the_model_makes_any(studio: Studio) -> None:
    assert studio.job(studio.makes(model="kling-v3", sound=True)["id"]).params["sound"] is True
    refused = studio.post(prompt=DRONE, model="seedance-1.5-pro", sound=True)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "sound")
    drawn = studio.post(prompt=DRONE, model="animatic", sound=True)
    assert drawn.json()["error"]["param"] == "sound"


def test_c066_c067_c075_c076_shots_become_tasks_of_one_job(studio: Studio) -> None:
    """The document's own example, which names a character and two further prompts."""
    studio.pictures.script = [answer(200, png()) for _ in range(3)]
    url = studio.picture_url
    told = studio.makes(
        model="kling-v3",
        prompt="Camera pans right over a dense neon-lit cyberpunk city. Flying cars zip past.",
        multi_shot_prompts=[
            "Cut to a close-up of a cyborg detective lighting a cigarette.",
            "The camera pulls back quickly to reveal the detective is standing on the edge of a skyscraper.",
        ],
        ai_director_mode=True,
        aspect_ratio="16:9",
        character_reference_url=f"{url}?character",
        character_references=[f"{url}?char1"],
        camera_angle="isometric",
        style_reference_url=f"{url}?style",
        duration=10,
    )
    assert told["id"].startswith("vgen_")
    assert (told["model_actual"], told["credits"]) == ("kling-v3-t2v", 90)  # three videos of one model
    job = studio.job(told["id"])
    assert [task.name for task in job.tasks] == ["shot-1", "shot-2", "frame-2", "shot-3", "render"]
    assert job.params["transitions"] == ["hard_cut", "continuous"]  # C-075, by the words

    studio.pictures.script = [answer(200, png(40, 40))]
    anchored = studio.makes(
        model="kling-o3-pro",
        keyframe_url=url,  # C-076
        multi_shot_prompts=["The tower at night"],
        transitions="Hard Cut",
        motion=[0.9, 0.1],
    )
    params = studio.job(anchored["id"]).params
    assert (params["is_anchor"], params["transitions"], params["length_s"]) == (True, ["hard_cut"], "10")
    assert [shot["motion"] for shot in params["shots"]] == [0.9, 0.1]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"duration": 2}, "duration"),  # C-060
        ({"duration": 16}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"model": "kling-v3", "duration": 12}, "duration"),  # C-077: V3 makes ten seconds
        ({"aspect_ratio": "2:1"}, "aspect_ratio"),
        ({"resolution": "4k"}, "resolution"),
        ({"model": "sora-9"}, "model"),
        ({"failover": "yes"}, "failover"),
        ({"character_references": ["https://a.test/1"] * 4}, "character_references"),  # C-069
        ({"camera_control": {"pan": 11}}, "camera_control.pan"),
        ({"camera_control": [{"pan": 1}, {"tilt": -11}]}, "camera_control[1].tilt"),
        ({"cfg_scale": "high"}, "cfg_scale"),
        ({"multi_shot_prompts": ["b"], "motion": [0.5, 2]}, "motion[1]"),
        ({"camera_control": [{"pan": 1}, {}]}, "camera_control"),
        ({"cfg_scale": -1}, "cfg_scale"),
        ({"motion": 1.5}, "motion"),
        ({"transitions": "crossfade"}, "transitions"),
        ({"multi_shot_prompts": ["b"], "transitions": ["hard cut", "crossfade"]}, "transitions"),
        ({"multi_shot_prompts": ["b"], "transitions": "star wipe"}, "transitions"),
        ({"multi_shot_prompts": ["b", ""]}, "multi_shot_prompts[1]"),
        ({"multi_shot_prompts": ["b"] * 12}, "multi_shot_prompts"),
        ({"multi_shot_prompts": ["b"] * 5, "duration": 5}, "duration"),
        ({"image_url": "http://127.0.0.1/a.png"}, "image_url"),
        ({"character_references": ["http://169.254.169.254/"]}, "character_references[0]"),
        ({"character_reference_url": "http://2130706433/"}, "character_reference_url"),
        ({"style_reference_url": "file:///etc/passwd"}, "style_reference_url"),
        ({"keyframe_url": "http://[::ffff:127.0.0.1]/"}, "keyframe_url"),
        ({"keyframe_url": "https://a.test/1", "image_url": "https://a.test/2"}, "keyframe_url"),
        ({"image_url": ""}, "image_url"),
        ({"image_url": f"https://a.test/{'x' * 2000}"}, "image_url"),
        ({"webhook_url": "http://10.0.0.1/hook"}, "webhook_url"),
        ({"seed": -1}, "seed"),
        ({"aspect_ration": "9:16"}, "aspect_ration"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field_and_holds_nothing(
    studio: Studio, body: dict[str, Any], param: str
) -> None:
    refused = studio.post(**{"prompt": DRONE, **body})
    assert refused.status_code == 400, refused.text
    error = refused.json()["error"]
    assert (error["param"], error["type"]) == (param, "invalid_request_error"), error
    with studio.api.client() as client:
        assert client.get("/farm/v1/jobs").json()["data"] == []


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/video/generations", {"prompt": "A zeppelin"}, "prompt"),
        (
            "/v1/video/generations",
            {"prompt": "A field", "multi_shot_prompts": ["A zeppelin over it"]},
            "multi_shot_prompts[0]",
        ),
        (
            "/v1/video/generations/batch",
            {"prompts": [{"prompt": "a"}, {"prompt": "zeppelins? A zeppelin"}]},
            "prompts[1].prompt",
        ),
        ("/v1/videos", {"prompt": "A zeppelin"}, "prompt"),
    ],
)
def test_c016_words_that_are_not_allowed_are_refused_before_any_picture_is_fetched(
    studio: Studio, path: str, body: dict[str, Any], param: str
) -> None:
    refused = studio.post(
        path, **body, **({} if path == "/v1/videos" else {"style_reference_url": studio.picture_url})
    )
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, "content_policy_violation", param)
    assert studio.pictures.heard == []


def test_a_picture_that_is_none_is_refused_at_its_field(studio: Studio) -> None:
    studio.pictures.script = [answer(200, b"<html>gone</html>")]
    error = studio.post(prompt=DRONE, image_url=studio.picture_url).json()["error"]
    assert (error["param"], error["code"]) == ("image_url", "asset_unreadable")


def test_x43_a_model_that_nobody_here_offers_says_which_setting(studio: Studio) -> None:
    refused = studio.post(prompt=DRONE, model="wan-t2v")
    assert refused.status_code == 503 and refused.headers["Retry-After"]
    assert refused.json()["error"]["code"] == "provider_unavailable"
    assert "routes.text-to-video.wan-t2v" in refused.json()["error"]["message"]


def test_x24_a_tier_says_how_large_and_by_itself_only_as_large(studio: Studio) -> None:
    free = replace(studio, api=replace(studio.api, key=studio.api.new_key("freeloader", tier="free")))
    params = studio.job(free.makes(aspect_ratio="16:9")["id"]).params
    assert (params["width"], params["height"], params["watermark"]) == (854, 480, True)
    refused = free.post(prompt=DRONE, resolution="1080p")
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "resolution")
    assert refused.json()["error"]["message"].startswith("resolution: ")


def test_c095_to_c102_c116_how_a_video_stands(studio: Studio, tmp_path: Path) -> None:
    told = studio.makes()
    path = f"/v1/video/generations/{told['id']}"  # C-095
    waiting = studio.get(path)
    assert (waiting["status"], waiting["error"], waiting["completed_at"]) == ("pending", None, None)  # C-096
    with studio.api.client() as client:
        assert client.get(path).headers["X-RateLimit-Limit"] == "120"  # C-116: every ten seconds is little
        assert client.get(path, headers={"Authorization": "Bearer x"}).status_code == 401

    studio.api.finish_job(told["id"], b"a film", tmp_path / "v.mp4", ended_at=told_at(studio, told["id"], 63))
    done = studio.get(path)
    assert (done["status"], done["credits"], done["error"]) == ("completed", 60, None)  # C-098
    assert done["completed_at"] > done["created_at"]  # C-101
    assert "adjusted_credits" not in done and "credits_refunded" not in done  # C-102: nothing was cheaper
    assert done["data"] == [{"url": done["output_url"]}]
    assert httpx.get(done["output_url"]).content == b"a film"


def test_c102_a_cheaper_stand_in_costs_less_and_says_so(studio: Studio) -> None:
    """How an attempt comes to one is tests/conformance/test_served.py's; here is what is told of it."""
    hall, desk = studio.api.hall, studio.api.app.state.desk
    job = studio.job(studio.makes()["id"])
    cheaper = replace(served(hall, None, job.id), failover_used=True, credits_mc=30_000, adjusted_mc=30_000)
    told = View(desk, job, cheaper, None, studio.api.url).status().model_dump()
    assert (told["credits"], told["adjusted_credits"], told["failover_used"]) == (30, 30, True)


def told_at(studio: Studio, job_id: str, later_s: float) -> float:
    return studio.job(job_id).created_at + later_s


def test_c099_c100_c093_x05_a_failed_one_says_why_and_costs_nothing(studio: Studio, tmp_path: Path) -> None:
    late, broken, refused = (studio.makes()["id"] for _ in range(3))
    for job_id, cause, code, message in (
        (late, "timeout", "deadline_exceeded", "The job did not end by its deadline."),
        (broken, "transient", "provider_down", "The service answered 502."),
        (refused, "policy", "content_policy_violation", "The service refused the prompt."),
    ):
        failed = {"failure_class": cause, "error_code": code, "error_message": message}
        studio.api.finish_job(job_id, b"", tmp_path / "x", state="failed", charged_mc=0, **failed)
    told = [studio.get(f"/v1/video/generations/{job_id}") for job_id in (late, broken, refused)]
    assert [one["status"] for one in told] == ["failed"] * 3  # C-099
    assert told[0]["error"] == {  # C-093, C-100, X-04
        "message": "Video generation timed out after 10 minutes",
        "type": "server_error",
        "code": "generation_timeout",
    }
    assert (told[1]["error"]["type"], told[1]["error"]["code"]) == ("server_error", "generation_failed")
    assert told[2]["error"]["code"] == "content_policy_violation"
    assert [(one["credits"], one["credits_refunded"]) for one in told] == [(0, 60)] * 3
    assert told[0]["output_url"] is None and told[0]["data"] == []


def test_c093_ten_minutes_are_counted_from_the_call(studio: Studio) -> None:
    job = studio.job(studio.makes()["id"])
    assert job.deadline is not None and 599 <= job.deadline - job.created_at <= 601


def test_c103_to_c115_the_debug_block_is_the_seeds(studio: Studio) -> None:
    told = studio.get(f"/v1/video/generations/{studio.makes()['id']}")
    assert list(told["debug"]) == [
        "provider_requested",  # C-103
        "provider_actual",  # C-104
        "submission_failover_used",  # C-105
        "submission_failover_reason",  # C-106
        "routing_safe_fallback_applied",  # C-107
        "routing_fallback_reason",  # C-108
        "routing_preferred_provider",  # C-109
        "routing_legacy_provider",  # C-110
        "routing_confidence_margin",  # C-111
        "async_capacity_failover_attempted",  # C-112
        "async_capacity_failover_reason",  # C-113
        "prediction_id_original",  # C-114
        "prediction_id_current",  # C-115
    ]
    assert told["debug"]["provider_requested"] == told["model_actual"] == "kling-o3-pro-t2v"


def test_another_accounts_video_is_not_there(studio: Studio) -> None:
    told = studio.makes()
    with studio.api.client(studio.api.new_key("mallory")) as stranger:
        assert stranger.get(f"/v1/video/generations/{told['id']}").status_code == 404


def test_c117_the_alias_takes_and_answers_the_same(studio: Studio) -> None:
    made = studio.post("/v1/video/generate", prompt=DRONE, duration=5, aspect_ratio="9:16")
    assert made.status_code == 202
    alias, direct = made.json(), studio.makes(duration=5, aspect_ratio="9:16")
    assert alias.keys() == direct.keys()
    assert studio.job(alias["id"]).params == studio.job(direct["id"]).params


def test_x45_an_sdks_own_retry_joins_its_first_call(studio: Studio) -> None:
    studio.pictures.script = [answer(200, png())]
    body = {"prompt": DRONE, "image_url": studio.picture_url}
    with studio.api.client() as client:
        first = client.post("/v1/video/generations", json=body, headers={"x-stainless-retry-count": "0"})
        again = client.post("/v1/video/generations", json=body, headers={"x-stainless-retry-count": "1"})
    assert first.json()["id"] == again.json()["id"]
    assert studio.pictures.connections and len(studio.pictures.heard) == 1  # nor is its picture fetched again


BATCH = [
    {"prompt": "Product showcase video, rotating 360 degrees"},
    {"prompt": "Social media clip, dynamic transitions"},
    {"prompt": "Aerial drone shot over mountains at sunset"},
]


def test_c118_to_c130_x12_a_batch_is_one_call(studio: Studio) -> None:
    studio.pictures.script = [answer(200, png())]
    prompts = [{**BATCH[0], "image_url": studio.picture_url}, *BATCH[1:]]  # C-119 to C-121
    hook = studio.pictures.url  # C-123
    body = {"prompts": prompts, "model": "auto", "aspect_ratio": "16:9", "duration": 5, "webhook_url": hook}
    with studio.api.client() as client:
        before = int(client.post("/v1/video/generations", json={}).headers["X-RateLimit-Remaining"])
        made = client.post("/v1/video/generations/batch", json=body)
    assert made.status_code == 202, made.text  # C-118
    assert int(made.headers["X-RateLimit-Remaining"]) == before - 1
    told = made.json()
    assert told["batch_id"].startswith("video_batch_") and told["total_jobs"] == 3  # C-124, C-125
    assert [job.keys() for job in told["jobs"]] == [{"id", "prompt", "status", "credits"}] * 3
    assert all(job["id"].startswith("vid_") for job in told["jobs"])  # C-126
    assert [job["prompt"] for job in told["jobs"]] == [one["prompt"] for one in BATCH]  # C-127
    assert {job["status"] for job in told["jobs"]} == {"pending"}  # C-128
    assert [job["credits"] for job in told["jobs"]] == [30, 60, 60]  # C-129
    assert told["credits_charged"] == 150  # C-130
    params = [studio.job(job["id"]).params for job in told["jobs"]]
    assert {(one["length_s"], one["width"]) for one in params} == {("5.0", 1280)}  # C-122
    kept = batch(studio.api.hall, None, told["batch_id"])
    assert (kept.webhook_url, kept.state) == (hook, "closed")
    assert studio.job(told["jobs"][0]["id"]).webhook_url is None  # told once, at the end of all


def test_c131_to_c143_each_of_a_batch_goes_its_own_way(studio: Studio, tmp_path: Path) -> None:
    studio.pictures.script = [answer(200, png())]
    prompts = [{**BATCH[0], "image_url": studio.picture_url}, *BATCH[1:]]
    told = studio.post("/v1/video/generations/batch", prompts=prompts).json()
    done, broken, waiting = (job["id"] for job in told["jobs"])
    studio.api.finish_job(done, b"a film", tmp_path / "v")
    failed = {"failure_class": "crash", "error_code": "engine_crash", "error_message": "It broke."}
    studio.api.finish_job(broken, b"", tmp_path / "x", state="failed", charged_mc=0, **failed)

    now = studio.get(f"/v1/video/generations/batch/{told['batch_id']}")  # C-132
    counts = {word: now[word] for word in ("total_jobs", "completed", "failed", "pending", "processing")}
    assert counts == {  # C-133 to C-136; C-131: one failed, one waits, one is done
        "total_jobs": 3,
        "completed": 1,
        "failed": 1,
        "pending": 1,
        "processing": 0,
    }
    first, second, third = now["jobs"]
    assert (first["id"], first["prompt"], first["image_url"], first["status"]) == (
        done,  # C-137
        BATCH[0]["prompt"],  # C-138
        studio.picture_url,  # C-139
        "completed",  # C-140
    )
    assert httpx.get(first["output_url"]).content == b"a film"  # C-141
    assert (second["error_message"], second["credits"], second["output_url"]) == (
        "It broke.",
        0,
        None,
    )  # C-142
    assert (third["id"], third["error_message"], third["credits"]) == (waiting, None, 60)  # C-143
    assert studio.get(f"/v1/video/generations/{waiting}")["status"] == "pending"  # one by one, too


def test_a_batch_costs_as_many_queries_whatever_of_it_is_made(studio: Studio, tmp_path: Path) -> None:
    told = studio.post("/v1/video/generations/batch", prompts=BATCH).json()
    first, *others = (job["id"] for job in told["jobs"])
    path = f"/v1/video/generations/batch/{told['batch_id']}"
    studio.api.finish_job(first, b"a film", tmp_path / "v")
    with statements(studio.api) as one:
        studio.get(path)
    for number, job_id in enumerate(others):
        studio.api.finish_job(job_id, b"a film", tmp_path / f"v{number}")
    with statements(studio.api) as three:
        now = studio.get(path)
    assert all(job["output_url"] for job in now["jobs"]) and len(three) <= len(one), three


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompts"),  # C-119
        ({"prompts": []}, "prompts"),
        ({"prompts": BATCH * 7}, "prompts"),  # 21
        ({"prompts": [BATCH[0], {"prompt": ""}]}, "prompts[1].prompt"),  # C-120
        ({"prompts": [BATCH[0], {"image_url": "https://a.test/x.png"}]}, "prompts[1].prompt"),
        ({"prompts": [BATCH[0], {**BATCH[1], "image_url": "ftp://a.test/x"}]}, "prompts[1].image_url"),
        ({"prompts": BATCH, "duration": 99}, "duration"),
        ({"prompts": BATCH, "model": "kling-v3", "duration": 11}, "duration"),
        ({"prompts": BATCH, "model": "sora-9"}, "model"),
        ({"prompts": BATCH, "webhook_url": "http://127.0.0.1:1/"}, "webhook_url"),
    ],
)
def test_a_batch_with_something_wrong_is_refused_whole(
    studio: Studio, body: dict[str, Any], param: str
) -> None:
    refused = studio.post("/v1/video/generations/batch", **body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
    with studio.api.client() as client:
        assert client.get("/farm/v1/jobs").json()["data"] == []


def test_a_batch_of_another_account_or_sort_is_not_there(studio: Studio) -> None:
    told = studio.post("/v1/video/generations/batch", prompts=BATCH).json()
    with studio.api.client(studio.api.new_key("mallory")) as stranger:
        assert stranger.get(f"/v1/video/generations/batch/{told['batch_id']}").status_code == 404
    with studio.api.client() as client:
        other = client.post("/farm/v1/batches", json={"name": "x"}).json()["id"]
        assert client.get(f"/v1/video/generations/batch/{other}").status_code == 404


def test_c011_making_has_a_bucket_of_its_own(studio: Studio) -> None:
    free = replace(studio, api=replace(studio.api, key=studio.api.new_key("hasty", tier="free")))
    for _ in range(5):
        free.makes()
    assert free.post(prompt=DRONE).status_code == 429
    assert free.get("/v1/models")["object"] == "list"


def test_credits_that_do_not_reach_hold_nothing(studio: Studio) -> None:
    ensure_account(studio.api.hall, "pauper", "enterprise", balance_mc=100_000)
    poor = studio.api.new_key("pauper")
    with studio.api.client(poor) as client:
        body = {"prompts": BATCH}  # 180 credits, where 100 are
        refused = client.post("/v1/video/generations/batch", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (402, "insufficient_credits")
        assert client.get("/farm/v1/jobs").json()["data"] == []
    assert caller_of(studio.api.hall, poor).account.balance_mc == 100_000
