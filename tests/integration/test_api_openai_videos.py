"""/v1/videos as OpenAI's own Python client uses it, base_url apart; a test plays the worker."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import openai
import pytest
from sqlalchemy import update

from farm.asset import NewAsset
from farm.doors import assets
from farm.doors.accounts import caller_of
from farm.doors.jobs import job as job_of
from farm.doors.jobs import job_artifacts
from farm.store.schema import accounts, artifacts, jobs
from tests.api import Api, api_under, png, statements
from tests.receiver import answer, receiving

# It marks every call of its own: OpenAI ends its service in 2026. What stays of it is the shape.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

FILM = b"\0\0\0\x18ftypmp42 a film of some length" * 50


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with api_under(tmp_path_factory.mktemp("home")) as api:
        yield api


@pytest.fixture
def api(standing: Api) -> Api:
    """With a customer of this test's own."""
    name = standing.hall.ids.public("customer")
    return replace(standing, key=standing.new_key(name), account=name)


@pytest.fixture
def client(api: Api) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key=api.key, max_retries=0) as made:
        yield made


def finish(api: Api, video_id: str, path: Path) -> None:
    api.finish_job(video_id, FILM, path, ended_at=api.clock.now())


def test_a_video_is_made_polled_and_downloaded(api: Api, client: openai.OpenAI, tmp_path: Path) -> None:
    made = client.videos.create(prompt="A fox at sunset", model="animatic", seconds="8", size="1280x720")
    assert made.id.startswith("video_")
    assert (made.object, made.status, made.progress) == ("video", "queued", 0)
    assert (made.model, made.seconds, made.size, made.prompt) == (
        "animatic",
        "8",
        "1280x720",
        "A fox at sunset",
    )
    with pytest.raises(openai.ConflictError) as early:
        client.videos.download_content(made.id)
    assert early.value.code == "video_not_ready"

    finish(api, made.id, tmp_path / "v.mp4")
    done = client.videos.poll(made.id)
    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    assert done.completed_at and done.completed_at >= done.created_at
    assert client.videos.download_content(made.id).read() == FILM
    raw = client.videos.with_raw_response.retrieve(made.id)
    assert raw.headers["openai-poll-after-ms"] == "2000"
    with pytest.raises(openai.BadRequestError) as thumbnail:
        client.videos.download_content(made.id, variant="thumbnail")
    assert thumbnail.value.param == "variant"


def test_what_is_not_said_is_openais_default(api: Api, client: openai.OpenAI) -> None:
    made = client.videos.create(prompt="A fox")
    assert (made.model, made.seconds, made.size) == ("auto", "4", "720x1280")
    assert made.model_extra and made.model_extra["model_actual"] == "animatic"


def test_a_picture_comes_as_a_file_as_a_url_or_as_an_asset(api: Api, client: openai.OpenAI) -> None:
    upright = io.BytesIO(png(30, 40))
    upright.name = "cover.png"
    made = client.videos.create(prompt="She turns around", input_reference=upright)
    params = job_of(api.hall, None, made.id).params
    assert (made.size, params["image"][:6]) == ("720x960", "asset_")  # its own shape

    again = client.videos.create(
        prompt="She turns back",
        size="720x1280",
        extra_body={"input_reference": {"file_id": params["image"]}},  # the client itself takes files alone
    )
    assert job_of(api.hall, None, again.id).params["image"] == params["image"]
    assert again.size == "720x1280"

    with pytest.raises(openai.BadRequestError) as inside:
        inner = {"input_reference": {"image_url": "http://169.254.169.254/latest"}}
        client.videos.create(prompt="x", extra_body=inner)
    assert (inside.value.param, inside.value.code) == ("input_reference.image_url", "url_refused")
    with pytest.raises(openai.BadRequestError) as foreign:
        client.videos.create(prompt="x", extra_body={"input_reference": {"file_id": "asset_of_another"}})
    assert foreign.value.param == "input_reference.file_id"
    account = caller_of(api.hall, api.key).account
    (sound,) = assets.declare(api.hall, account, [NewAsset("a.wav", "audio/wav", 44, {})])
    with pytest.raises(openai.BadRequestError, match=r"a\.wav is no picture"):
        client.videos.create(prompt="x", extra_body={"input_reference": {"file_id": sound.id}})
    with pytest.raises(openai.BadRequestError) as text:
        client.videos.create(prompt="x", input_reference=("a.png", b"no picture"))
    assert text.value.param == "input_reference"


def test_json_does_as_well_as_a_form(api: Api) -> None:
    with api.client() as plain:
        made = plain.post("/v1/videos", json={"prompt": "A fox", "seconds": "6", "size": "640x360"})
        assert made.status_code == 200, made.text
        assert (made.json()["seconds"], made.json()["size"]) == ("6", "640x360")
        for body, param in (
            ({}, "prompt"),
            ({"prompt": "x", "seconds": "soon"}, "seconds"),
            ({"prompt": "x", "seconds": "16"}, "seconds"),
            ({"prompt": "x", "size": "large"}, "size"),
            ({"prompt": "x", "size": "9000x10"}, "size"),
            ({"prompt": "x", "model": "sora-9"}, "model"),
            ({"prompt": "x", "input_reference": {}}, "input_reference"),
        ):
            refused = plain.post("/v1/videos", json=body)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text


def test_an_idempotency_key_and_an_sdks_retry_make_one_video(api: Api, client: openai.OpenAI) -> None:
    key = {"Idempotency-Key": "mine"}
    first = client.videos.create(prompt="A fox", extra_headers=key)
    assert client.videos.create(prompt="A fox", extra_headers=key).id == first.id


def test_all_are_listed_page_by_page_whatever_call_made_them(api: Api, client: openai.OpenAI) -> None:
    names = [client.videos.create(prompt=f"film {number}").id for number in range(3)]
    with api.client() as plain:
        names.append(plain.post("/v1/video/generations", json={"prompt": "another"}).json()["id"])
        plain.post("/v1/images/generations", json={"prompt": "no film"}, headers={"Prefer": "respond-async"})
    assert [video.id for video in client.videos.list(limit=2)] == names[::-1]  # the client turns the pages
    assert [video.id for video in client.videos.list(limit=3, order="asc")] == names
    page = client.videos.list(limit=2, after=names[2])
    assert ([video.id for video in page.data], page.has_more) == ([names[1], names[0]], False)
    with pytest.raises(openai.BadRequestError) as nowhere:
        client.videos.list(after="video_of_nobody")
    assert nowhere.value.param == "after"


def test_a_deleted_video_is_gone_with_its_file(api: Api, client: openai.OpenAI, tmp_path: Path) -> None:
    kept, gone, early = (client.videos.create(prompt="A fox").id for _ in range(3))
    finish(api, kept, tmp_path / "a.mp4")
    finish(api, gone, tmp_path / "b.mp4")
    told = client.videos.delete(gone)
    assert (told.id, told.deleted, told.object) == (gone, True, "video.deleted")
    assert job_artifacts(api.hall, None, gone) == []
    for call in (client.videos.retrieve, client.videos.download_content, client.videos.delete):
        with pytest.raises(openai.NotFoundError):
            call(gone)
    assert [video.id for video in client.videos.list()] == [early, kept]
    client.videos.delete(early)  # one that is being made is called off
    with api.hall.store.read() as connection:
        asked = connection.execute(jobs.select().where(jobs.c.id == early)).one().cancel_asked_at
    assert asked is not None


def test_a_finished_video_is_remixed_with_its_own_seed(
    api: Api, client: openai.OpenAI, tmp_path: Path
) -> None:
    old = client.videos.create(prompt="A fox", model="animatic", seconds="4", size="1280x720")
    with pytest.raises(openai.ConflictError):
        client.videos.remix(old.id, prompt="A wolf")
    finish(api, old.id, tmp_path / "v.mp4")
    with api.hall.store.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == old.id).values(result={"generate": {"seed": 77}}))
    new = client.videos.remix(old.id, prompt="A wolf")
    assert (new.prompt, new.remixed_from_video_id, new.size) == ("A wolf", old.id, "1280x720")
    assert job_of(api.hall, None, new.id).params["seed"] == 77


def test_a_remix_is_marked_by_the_tier_of_now(api: Api, tmp_path: Path) -> None:
    key = api.new_key("climber", tier="free")
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key=key, max_retries=0) as climber:
        old = climber.videos.create(prompt="A fox", model="animatic").id
        finish(api, old, tmp_path / "v.mp4")
        assert job_of(api.hall, None, climber.videos.remix(old, prompt="A wolf").id).params["watermark"]
        with api.hall.store.write() as connection:
            connection.execute(update(accounts).where(accounts.c.name == "climber").values(tier="pro"))
        new = climber.videos.remix(old, prompt="A wolf")
    assert not job_of(api.hall, None, new.id).params["watermark"]


def test_a_page_costs_as_many_queries_as_one_video(api: Api, client: openai.OpenAI) -> None:
    for _ in range(2):
        client.videos.create(prompt="A fox")
    newest = client.videos.list().data[0].id
    with statements(api) as one:
        client.videos.list(limit=1, after=newest)
    for _ in range(6):
        client.videos.create(prompt="A fox")
    with statements(api) as eight:
        first = client.videos.list(limit=8)
    assert len(first.data) == 8 and len(eight) <= len(one), eight


def test_a_failed_one_says_why_and_an_expired_one_is_gone(
    api: Api, client: openai.OpenAI, tmp_path: Path
) -> None:
    failed = client.videos.create(prompt="A fox").id
    why = {"failure_class": "timeout", "error_code": "timeout", "error_message": "Too slow."}
    api.finish_job(failed, b"", tmp_path / "x", state="failed", charged_mc=0, **why)
    told = client.videos.poll(failed)
    assert told.status == "failed" and told.error is not None
    assert told.error.code == "generation_timeout"
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content(failed)

    old = client.videos.create(prompt="A fox").id
    finish(api, old, tmp_path / "v.mp4")
    with api.hall.store.write() as connection:
        connection.execute(update(artifacts).values(expires_at=1.0))
    with pytest.raises(openai.NotFoundError) as expired:
        client.videos.download_content(old)
    assert expired.value.code == "output_expired"


def test_a_range_of_the_film_may_be_asked_for(api: Api, client: openai.OpenAI, tmp_path: Path) -> None:
    made = client.videos.create(prompt="A fox").id
    finish(api, made, tmp_path / "v.mp4")
    with api.client() as plain:
        part = plain.get(f"/v1/videos/{made}/content", headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, FILM[4:12])
    assert part.headers["content-type"] == "video/mp4"


def test_errors_have_a_code_and_a_request_id(api: Api, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.videos.retrieve("video_nobody")
    assert missing.value.code == "not_found" and missing.value.request_id
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.videos.list()
        assert refused.value.code == "authentication_error"
    assert httpx.get(f"{api.url}/v1/videos").status_code == 401


def test_a_url_is_fetched_for_the_first_picture(tmp_path: Path) -> None:
    with receiving() as pictures:
        config = tmp_path / "config"
        config.mkdir()
        (config / "farm.toml").write_text(f'[outbound]\nallow_hosts = ["127.0.0.1:{pictures.port}"]\n')
        pictures.script = [answer(200, png(40, 40))]
        with api_under(tmp_path / "home", config_dir=config) as own, own.client() as plain:
            reference = {"image_url": f"http://127.0.0.1:{pictures.port}/a.png"}
            made = plain.post("/v1/videos", json={"prompt": "x", "input_reference": reference})
            assert (made.status_code, made.json()["size"]) == (200, "720x720"), made.text
