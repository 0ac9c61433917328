"""The studio under test: an API that offers some of the document's models, and a worker that is played."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update

from farm.doors.jobs import job
from farm.store.schema import artifacts, jobs, tasks
from tests.api import Api, api_under

# Models of the document, as if the animatic could draw them: prices and rules are the catalog's own.
OFFERED = """
[routes.text-to-video.wan-t2v]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.text-to-video.ltx-t2v]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.image-to-video.wan-i2v]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.first-last-frame.wan-flf]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.sound-to-video.wan-s2v]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.video-to-video.v2v]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.video-to-video.wan-animate]
offers = [{ provider = "animatic", price = "1", estimated_s = 4.0 }]
[routes.text-to-image.sd15]
offers = [{ provider = "animatic", price = "1", estimated_s = 1.0 }]
[routes.text-to-image.flux]
offers = [{ provider = "animatic", price = "1", estimated_s = 1.0 }]
[routes.text-to-image.flux-dev]
offers = [{ provider = "animatic", price = "1", estimated_s = 1.0 }]
[routes.image-edit.flux-edit]
offers = [{ provider = "animatic", price = "1", estimated_s = 1.0 }]
"""
MP4, PNG, MP3 = "video/mp4", "image/png", "audio/mpeg"
NOTHING: Mapping[str, Any] = MappingProxyType({})
_SUFFIXES = {MP4: ".mp4", PNG: ".png", MP3: ".mp3"}


class Studio:
    """One customer of the studio: calls the API as its client, and plays the worker behind it."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self._folder = folder

    def other(self, tier: str = "enterprise") -> "Studio":
        """Another customer of the same farm."""
        name = self.api.hall.ids.public("customer")
        key = self.api.new_key(name, tier=tier)
        return Studio(replace(self.api, key=key, account=name), self._folder)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> httpx.Response:
        return self.call("POST", path, **({} if body is None else {"json": body}), **options)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.api.client(verify=False) as client:  # no certificates are read for loopback
            return client.request(method, path, **options)

    def asked(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a call that is accepted."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def video(self, **body: Any) -> dict[str, Any]:
        return self.asked("/api/generate", {"prompt": "a fox in the snow", **body})

    def params(self, job_id: str) -> dict[str, Any]:
        """What became of a request."""
        return dict(job(self.api.hall, None, job_id).params)

    def is_called_off(self, job_id: str) -> bool:
        """Whether somebody asked for it to stop."""
        query = select(jobs.c.cancel_asked_at).where(jobs.c.id == job_id)
        with self.api.hall.store.read() as connection:
            return connection.scalar(query) is not None

    def status(self, job_id: str) -> dict[str, Any]:
        answer = self.get("/api/status", params={"job_id": job_id})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def finish(
        self,
        job_id: str,
        content: bytes = b"a film",
        content_type: str = MP4,
        told: Mapping[str, Any] = NOTHING,
    ) -> str:
        """The worker is done, and the scheduler has settled it. Returns the file's name."""
        api = self.api
        name = f"made-{api.hall.ids.public('x')[2:14]}{_SUFFIXES[content_type]}"
        with api.hall.store.write() as connection:
            job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
            key = f"attempts/{job.account_id}/{job.id}/1/{name}"
            path = self._folder / name
            path.write_bytes(content)
            api.app.state.desk.blobs.put(key, path, content_type)
            row = {
                "id": api.hall.ids.public("art"),
                "account_id": job.account_id,
                "job_seq": job.seq,
                "task_id": 1,
                "attempt_id": 1,
                "name": content_type.partition("/")[0],
                "file_name": name,
                "display_name": f"result{_SUFFIXES[content_type]}",
                "content_type": content_type,
                "size_bytes": len(content),
                "blob_key": key,
                "meta": dict(told),
                "created_at": job.created_at,
            }
            connection.execute(insert(artifacts).values(row))
        self.end(job_id, charged_mc=job.held_mc, result={"generate": dict(told)})
        return name

    def end(self, job_id: str, state: str = "completed", **values: Any) -> None:
        """The job has ended, however."""
        with self.api.hall.store.write() as connection:
            job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
            ended = {"state": state, "ended_at": self.api.clock.now(), **values}
            connection.execute(update(jobs).where(jobs.c.seq == job.seq).values(ended))
            of_task = "succeeded" if state == "completed" else state
            connection.execute(update(tasks).where(tasks.c.job_seq == job.seq).values(state=of_task))

    def made(self, content: bytes = b"a film", **body: Any) -> tuple[dict[str, Any], str]:
        """A video that is finished: what the call answered, and the file's name."""
        asked = self.video(**body)
        told = {"width": 832, "height": 480, "frames": 81, "frame_rate": 24, "duration_s": 3.375, "seed": 7}
        return asked, self.finish(asked["job_id"], content, told=told)


def refused(answer: httpx.Response) -> tuple[int, str | None]:
    """The status and the field of a refusal, which is a sentence under `error` (B-004)."""
    said = answer.json()
    assert isinstance(said["error"], str) and said["error"], answer.text
    return answer.status_code, said.get("param")


@pytest.fixture(scope="module")
def offering_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API that offers OFFERED."""
    folder = tmp_path_factory.mktemp("studio")
    config = folder / "config"
    config.mkdir()
    (config / "providers.toml").write_text(OFFERED)
    with api_under(folder / "home", config_dir=config) as api:
        yield api


@pytest.fixture
def studio(offering_api: Api, tmp_path: Path) -> Studio:
    """A customer of this test's own."""
    offering_api.clock.ahead_s = 0.0
    return Studio(offering_api, tmp_path).other()
