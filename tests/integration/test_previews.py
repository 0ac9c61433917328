"""What a running job looks like, from the broker to who asks for it, over a real Valkey and a real API.

Issue 6, Build 3: preview frames. OpenAI's own client reads them as the partial images of a stream (C-027).
"""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import redis
from PIL import Image
from sqlalchemy import update
from typer.testing import CliRunner

from farm.broker.valkey import EmbeddedValkey
from farm.cli.jobs import app
from farm.preview import MOST_BYTES, Preview
from farm.store.schema import artifacts, jobs
from tests.api import Api, api_under, png
from workers.media.previewing import jpeg_of

pytestmark = pytest.mark.slow

FOX = {"kind": "generate-image", "params": {"prompt": "a fox", "model": "animatic"}}


def jpeg(shade: int) -> bytes:
    return jpeg_of(Image.fromarray(np.full((24, 32, 3), shade, np.uint8)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    made = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def broker(server: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, server: EmbeddedValkey) -> Iterator[Api]:
    with api_under(tmp_path_factory.mktemp("previews"), redis_url=server.url) as api:
        yield api


def started(house: Api) -> str:
    """A job that a worker has begun with."""
    with house.client() as client:
        made = client.post("/farm/v1/jobs", json=FOX)
    assert made.status_code == 202, made.text
    assert made.json()["preview_url"] is None
    return is_now(house, made.json()["id"], "running")


def is_now(house: Api, job_id: str, state: str, **more: str) -> str:
    with house.hall.store.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(state=state, **more))
    return job_id


def seen(house: Api, job_id: str, key: str | None = None) -> httpx.Response:
    with house.client(key) as client:
        return client.get(f"/farm/v1/jobs/{job_id}/preview")


def code(answer: httpx.Response) -> str:
    assert answer.status_code == 404, answer.text
    return str(answer.json()["error"]["code"])


def test_the_latest_is_shown_while_the_job_runs_and_to_nobody_else(house: Api, broker: redis.Redis) -> None:
    job_id = started(house)
    assert code(seen(house, job_id)) == "preview_missing"
    for shade in (10, 200):
        house.hall.live.show(job_id, Preview(jpeg(shade), "generate", 1.5))
    answer = seen(house, job_id)
    assert (answer.status_code, answer.content) == (200, jpeg(200))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    with house.client() as client:
        assert client.get(client.get(f"/farm/v1/jobs/{job_id}").json()["preview_url"]).content == jpeg(200)
    assert code(seen(house, job_id, house.new_key("stranger"))) == "not_found"
    assert seen(house, job_id, house.new_key("chief", is_operator=True)).content == jpeg(200)
    assert httpx.get(f"{house.url}/farm/v1/jobs/{job_id}/preview").status_code == 401
    (key,) = broker.keys(f"*preview*{job_id}")
    assert 0 < broker.ttl(key) <= 600
    is_now(house, job_id, "completed")
    assert code(seen(house, job_id)) == "preview_missing"  # its files are what it made
    with house.client() as client:
        assert client.get(f"/farm/v1/jobs/{job_id}").json()["preview_url"] is None


def test_farm_jobs_preview_saves_it(house: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_URL", house.url)
    monkeypatch.setenv("FARM_API_KEY", house.key)
    job_id, path = started(house), tmp_path / "now.jpg"
    asks = ["preview", job_id, "-o", str(path)]
    assert "no preview" in str(CliRunner().invoke(app, asks).exception) and not path.exists()
    house.hall.live.show(job_id, Preview(jpeg(30), "generate", 1.5))
    done = CliRunner().invoke(app, asks)
    assert done.exit_code == 0 and path.read_bytes() == jpeg(30), done.output


def test_what_lies_in_the_broker_may_be_anything(house: Api, broker: redis.Redis) -> None:
    job_id = started(house)
    good = {"jpeg": jpeg(10), "task": "generate", "at": "1.5"}
    key = f"farm:preview:{job_id}"
    for part, value in (
        ("jpeg", b"<html><script>"),
        ("jpeg", jpeg(10) + bytes(MOST_BYTES)),
        ("at", b"soon"),
        ("task", b"\xff\xfe"),
    ):
        broker.hset(key, mapping={**good, part: value})  # type: ignore[dict-item]  # bytes beside texts
        assert code(seen(house, job_id)) == "preview_missing"
    broker.delete(key)
    broker.set(key, b"no hash")
    assert code(seen(house, job_id)) == "preview_missing"


def test_who_follows_the_job_hears_of_each(house: Api, broker: redis.Redis) -> None:
    job_id = started(house)
    heard: list[tuple[str, Any]] = []
    with house.client() as client, client.stream("GET", f"/farm/v1/jobs/{job_id}/events") as answer:
        name = ""
        for text in answer.iter_lines():
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            if text.startswith("data: "):
                heard.append((name, json.loads(text.removeprefix("data: "))))
                if len(heard) == 1:  # it listens since before this event
                    house.hall.live.tell(job_id, {"task": 7, "preview_at": "now"})
                    broker.publish(f"farm:live:{job_id}", "[1]")
                    broker.publish(f"farm:live:{job_id}", "}{")
                    house.hall.live.show(job_id, Preview(jpeg(9), "generate", 2.5))
                if name == "preview":
                    is_now(house, job_id, "cancelled")
    assert [name for name, _ in heard] == ["job", "preview", "job"]
    note = heard[1][1]
    assert note == {"url": f"/farm/v1/jobs/{job_id}/preview", "task": "generate", "at": 2.5}
    assert heard[0][1]["preview_url"] == note["url"]


@contextmanager
def streaming(house: Api, call: str = "generate", **said: Any) -> Iterator[tuple[openai.Stream[Any], str]]:
    """A stream of OpenAI's client, and the job that it waits for."""
    openais = openai.OpenAI(api_key=house.key, base_url=f"{house.url}/v1", max_retries=0)
    with openais as client, house.client() as looking:
        before = {job["id"] for job in looking.get("/farm/v1/jobs?limit=200").json()["data"]}
        asks = getattr(client.images, call)
        events = asks(prompt="a fox", model="animatic", stream=True, **said)
        (made,) = {job["id"] for job in looking.get("/farm/v1/jobs?limit=200").json()["data"]} - before
        yield events, is_now(house, made, "running")


@pytest.mark.parametrize(
    ("call", "said", "family"),
    [("generate", {}, "image_generation"), ("edit", {"image": ("a.png", png(64, 64))}, "image_edit")],
)
def test_c027_c043_openais_client_sees_partial_images_and_then_the_picture(
    house: Api, tmp_path: Path, call: str, said: dict[str, Any], family: str
) -> None:
    got: list[Any] = []
    enough = threading.Event()

    def play(job_id: str) -> None:
        """The worker: it shows previews until enough are heard, some more, and is done."""
        while not enough.wait(0.05):
            house.hall.live.show(job_id, Preview(jpeg(50), "generate", 3.0))
        for _ in range(3):
            house.hall.live.show(job_id, Preview(jpeg(90), "generate", 4.0))
        house.finish_job(job_id, png(), tmp_path / "fox.png", state="completed")
        with house.hall.store.write() as connection:
            mine = artifacts.c.id == f"art_{job_id}"
            connection.execute(update(artifacts).where(mine).values(content_type="image/png"))

    with streaming(house, call, partial_images=2, quality="high", **said) as (events, job_id):
        worker = threading.Thread(target=play, args=[job_id])
        worker.start()
        for event in events:
            got.append(event)
            if len(got) == 2:
                enough.set()
        worker.join()
    kinds = [event.type for event in got]
    assert kinds == [f"{family}.partial_image"] * 2 + [f"{family}.completed"]
    assert [event.partial_image_index for event in got[:2]] == [0, 1]
    assert (got[0].output_format, got[0].size, got[0].quality) == ("jpeg", "32x24", "high")
    assert b64decode(got[0].b64_json).startswith(b"\xff\xd8\xff")
    assert (got[2].output_format, got[2].size, b64decode(got[2].b64_json)) == ("png", "16x16", png())
    assert got[2].usage.total_tokens == 0


def test_a_stream_whose_job_fails_ends_with_why(house: Api) -> None:
    why = {"failure_class": "policy", "error_code": "content_policy_violation", "error_message": "No."}
    with streaming(house) as (events, job_id):
        is_now(house, job_id, "failed", **why)
        with pytest.raises(openai.APIError, match=r"No\.") as caught:
            list(events)
    assert caught.value.code == "content_policy_violation"
