"""Surface C's calls for pictures at the door: what is taken, refused, and answered before any worker.

The rows are INVENTORY's C-027 … C-055, and X-08, X-09, X-14, X-43, X-44, X-45.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from farm.doors import jobs
from farm.doors.accounts import ensure_account
from farm.job import Job
from tests.api import Api, png

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
STYLE = "style_reference_url"
ASYNC = {"Prefer": "respond-async"}


def asks(api: Api, path: str = GENERATIONS, key: str | None = None, **body: Any) -> httpx.Response:
    with api.client(key) as client:
        return client.post(path, json=body, headers=ASYNC)


def edits(api: Api, files: list[tuple[str, bytes]], **texts: str) -> httpx.Response:
    sent = [(name, (f"{name}.png", content, "image/png")) for name, content in files]
    with api.client() as client:
        return client.post(EDITS, data=texts, files=sent, headers=ASYNC)


def job_of(api: Api, answer: httpx.Response) -> Job:
    assert answer.status_code == 202, answer.text
    account = ensure_account(api.hall, api.account, "enterprise")
    return jobs.job(api.hall, account.id, answer.json()["id"])


def transparent_png(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.new("RGBA", (width, height), (0, 0, 0, 0)).save(file, "PNG")
    return file.getvalue()


def test_c027_c029_to_c033_what_a_call_says_is_what_is_asked_for(api: Api) -> None:
    said: dict[str, Any] = {"model": "animatic", "prompt": "A serene Japanese garden at sunset", "n": 4}
    said |= {"size": "1536x1024", "background": "transparent", "quality": "hd", "output_format": "webp"}
    job = job_of(api, asks(api, **said, camera_angle="isometric", user="u-1", style="vivid", seed=3))
    assert job.id.startswith("img_") and job.surface == "generations"
    asked = {
        "width": 1536,
        "height": 1024,
        "count": 4,
        "background": "transparent",
        "quality": "hd",
        "seed": 3,
    }
    assert {name: job.params[name] for name in asked} == asked
    assert job.params["camera_angle"] == "isometric"  # C-036


@pytest.mark.parametrize("quality", ["standard", "hd", "auto", "low", "medium", "high", "xhigh", "max"])
def test_c033_openais_clients_say_quality_in_many_words(api: Api, quality: str) -> None:
    job = job_of(api, asks(api, prompt="a fox", quality=quality))
    assert job.params["quality"] == ("hd" if quality in ("hd", "high", "xhigh", "max") else "standard")


def test_x08_sizes_of_the_lists_and_any_multiples_of_sixteen(api: Api) -> None:
    """C-030."""
    for size in ("1024x1024", "1536x1024", "1024x1536", "1792x1024", "512x512", "832x480", "auto"):
        job = job_of(api, asks(api, prompt="a fox", size=size))
        width, height = (1024, 1024) if size == "auto" else map(int, size.split("x"))
        assert (job.params["width"], job.params["height"]) == (width, height)


def test_x24_a_tier_has_its_largest_picture_and_its_mark(api: Api) -> None:
    key = api.new_key(f"{api.account}-free", tier="free")
    made = asks(api, key=key, prompt="a fox", size="1536x1024")
    assert made.status_code == 202, made.text
    account = ensure_account(api.hall, f"{api.account}-free", "free")
    assert jobs.job(api.hall, account.id, made.json()["id"]).params["watermark"] is True
    refused = asks(api, key=key, prompt="a fox", size="1536x1536")
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "size")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"n": 5}, "n", id="C-032, X-14"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"size": "1000x1000"}, "size"),
        ({"size": "1024"}, "size"),
        ({"size": "16x16"}, "size"),
        ({"size": "3856x512"}, "size"),
        ({"model": "sora-9"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"quality": "superb"}, "quality"),
        ({"background": "pink"}, "background"),
        ({"response_format": "jpeg"}, "response_format"),
        pytest.param(
            {"character_references": ["https://a.example/1.png"] * 4}, "character_references", id="C-034"
        ),
        ({"camera_angle": "low;angle"}, "camera_angle"),
        ({"webhook_url": "http://127.0.0.1/hook"}, "webhook_url"),
        ({"style_reference_url": "http://169.254.169.254/latest"}, "style_reference_url"),
        ({"character_reference_url": "file:///etc/passwd"}, "character_reference_url"),
        ({"character_references": ["http://[::1]/a.png"]}, "character_references[0]"),
        ({"stream": True, "partial_images": 4}, "partial_images"),
    ],
)
def test_bad_input_is_refused_by_the_calls_own_field(api: Api, body: dict[str, Any], param: str) -> None:
    refused = asks(api, **{"prompt": "a fox", **body})
    assert refused.status_code == 400, refused.text
    error = refused.json()["error"]
    assert (error["param"], error["type"]) == (param, "invalid_request_error")


def test_null_is_as_good_as_left_out(api: Api) -> None:
    names = ("model", "n", "size", "quality", "background", "response_format", "seed", "webhook_url")
    nothing: dict[str, Any] = dict.fromkeys(names)
    job = job_of(api, asks(api, prompt="a fox", **nothing))
    assert (job.params["model"], job.params["count"]) == ("auto", 1)


@pytest.mark.parametrize(
    "model", ["dall-e-3", "gpt-image-1", "seedream-3.0", "flux-pro", "stable-diffusion-3"]
)
def test_x43_c028_a_model_that_nobody_runs_here_names_the_setting(api: Api, model: str) -> None:
    refused = asks(api, prompt="a fox", model=model, style_reference_url="http://127.0.0.1/never-fetched")
    assert refused.status_code == 503 and refused.headers["Retry-After"]
    error = refused.json()["error"]
    assert error["code"] == "provider_unavailable"
    assert f"routes.text-to-image.{model}" in error["message"]


@pytest.fixture
def impatient(api: Api) -> Iterator[Api]:
    """The API, which holds no call for pictures for longer than a moment."""
    desk = api.app.state.desk
    rules = desk.hall.catalog.api.model_copy(update={"pictures_s": 0.05})
    hall = replace(desk.hall, catalog=desk.hall.catalog.model_copy(update={"api": rules}))
    api.app.state.desk = replace(desk, hall=hall)
    yield api
    api.app.state.desk = desk


def test_x44_what_is_not_done_in_time_is_answered_504_with_the_job(impatient: Api) -> None:
    with impatient.client() as client:
        late = client.post(GENERATIONS, json={"prompt": "a fox"})
        assert late.status_code == 504
        assert late.headers["x-should-retry"] == "false"
        said = late.json()
        assert said["id"] in said["error"]["message"] and said["error"]["code"] == "generation_pending"
        status = client.get(said["status_url"])
        assert status.json()["status"] in ("PENDING", "PROCESSING")


def test_x45_an_sdks_retry_joins_the_first_call(api: Api) -> None:
    with api.client() as client:
        first, again, other = (
            client.post(
                GENERATIONS, json={"prompt": "one"}, headers=ASYNC | {"x-stainless-retry-count": count}
            )
            for count in ("0", "1", "0")
        )
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]


def test_c043_c045_c046_c047_c048_c050_an_edit_keeps_its_files(api: Api) -> None:
    answer = edits(
        api,
        [("image", png(48, 32)), ("mask", png(48, 32, (255, 255, 255)))],
        prompt="a hand",
        outpaint_direction="all",
        size="1024x1024",
        n="2",
        user="somebody",
    )
    job = job_of(api, answer)
    assert job.id.startswith("edit_") and job.kind == "edit-image"
    assert (job.params["outpaint"], job.params["width"], job.params["count"]) == ("all", 1024, 2)
    assert len(job.params["images"]) == 1 and job.params["mask"]


def test_c051_several_pictures_come_as_openais_clients_send_them(api: Api) -> None:
    job = job_of(api, edits(api, [("image[]", png(48, 32)), ("image[]", png(20, 20))], prompt="both"))
    assert len(job.params["images"]) == 2


@pytest.mark.parametrize(
    ("files", "texts", "param"),
    [
        ([], {"prompt": "x"}, "image"),
        ([("image", b"no picture")], {"prompt": "x"}, "image"),
        pytest.param([("image", png(48, 32)), ("mask", png(32, 48))], {"prompt": "x"}, "mask", id="C-046"),
        ([("image", png())] * 9, {"prompt": "x"}, "image"),
        ([("image", png())], {}, "prompt"),
        ([("image", png())], {"prompt": "x", "outpaint_direction": "north"}, "outpaint_direction"),
        ([("image", png())], {"prompt": "x", "size": "99x99"}, "size"),
        ([("image", png())], {"prompt": "x", "n": "7"}, "n"),
        (
            [("image", png())],
            {"prompt": "x", "style_reference_url": "http://10.0.0.1/a.jpg"},
            "style_reference_url",
        ),
        ([("face", png())], {"prompt": "x"}, "face"),
    ],
)
def test_a_bad_edit_is_refused_by_its_field(
    api: Api, files: list[tuple[str, bytes]], texts: dict[str, str], param: str
) -> None:
    refused = edits(api, files or [("mask", png())], **texts)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == param


@pytest.mark.parametrize("model", ["seedream-v4.5-edit", "wan-2.6-image-edit"])
def test_c044_x43_a_remote_edit_model_names_the_setting(api: Api, model: str) -> None:
    refused = edits(api, [("image", png())], prompt="x", model=model)
    assert refused.status_code == 503
    assert f"routes.image-edit.{model}" in refused.json()["error"]["message"]


def test_an_edit_is_sent_as_a_form_and_a_form_may_break(api: Api) -> None:
    with api.client() as client:
        wrong = client.post(EDITS, json={"prompt": "x"})
        broken = client.post(
            EDITS, content=b"--b\r\nnonsense", headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "Content-Type")
    assert broken.status_code == 400


def test_the_same_edit_under_one_key_is_one_job(api: Api) -> None:
    sent = {"image": ("a.png", png(), "image/png")}
    headers = ASYNC | {"Idempotency-Key": "once"}
    with api.client() as client:
        first, again = (
            client.post(EDITS, data={"prompt": "x"}, files=sent, headers=headers) for _ in range(2)
        )
    assert first.json()["id"] == again.json()["id"] and again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "kind", "prefix"),
    [
        pytest.param("remove-background", "remove-background", "rmbg", id="C-053, X-09"),
        pytest.param("upscale", "upscale-image", "upscale", id="C-054"),
        pytest.param("restore", "restore-image", "restore", id="C-055"),
    ],
)
def test_a_utility_takes_a_file_and_answers_as_a_job(api: Api, path: str, kind: str, prefix: str) -> None:
    with api.client() as client:
        made = client.post(f"/api/generate/{path}", files={"image": ("a.png", png(), "image/png")})
        assert made.status_code == 202, made.text
        said = made.json()
        assert said["status"] == "PENDING" and said["credits"] == 1
        assert said["id"].startswith(f"{prefix}_") and job_of(api, made).kind == kind
        assert client.get(f"/api/generate/status/{said['id']}").json()["id"] == said["id"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("upscale", {"image_url": "https://a.example/a.png", "scale": 5}, "scale"),
        ("upscale", {"image_url": "https://a.example/a.png", "scale": 1}, "scale"),
        ("remove-background", {}, "image_url"),
        ("restore", {"image_url": "http://127.0.0.1/a.png"}, "image_url"),
        ("restore", {"image_url": "https://a.example/a.png", "model": "nobody"}, "model"),
    ],
)
def test_a_bad_utility_call_is_refused_by_its_field(
    api: Api, path: str, body: dict[str, Any], param: str
) -> None:
    refused = asks(api, f"/api/generate/{path}", **body)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == param


@pytest.mark.parametrize("path", [GENERATIONS, "/api/generate/remove-background", "/api/generate/upscale"])
def test_a_body_that_is_no_object_is_refused_in_the_same_words(api: Api, path: str) -> None:
    with api.client() as client:
        refused = client.post(path, json=["a fox"])
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "The body must be a JSON object."
