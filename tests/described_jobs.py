"""Plays worker and scheduler for jobs of describe-scenes: the real performer on the uploaded files, here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from farm.errors import TaskFailure
from farm.store.schema import assets, jobs, tasks
from tests.api import Api, png
from workers.context import InputFile, TaskInput
from workers.vision_describe.describe_scenes import perform
from workers.vision_describe.describing import decency, measured

DESCRIBE = "/postproduction/v1/describe-scenes"
RED, GREEN, BLUE = (200, 40, 30), (30, 150, 60), (30, 60, 200)
Pictures = Sequence[bytes]


def pictures(count: int = 3) -> list[bytes]:
    """Red, green, blue, red …"""
    return [png(32, 20, (RED, GREEN, BLUE)[number % 3]) for number in range(count)]


def call(api: Api, said: object = None, images: Pictures | None = None, **headers: str) -> httpx.Response:
    """The document's form: `images` again and again, and `metadata`."""
    sent = {"X-API-Key": api.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    files = [
        ("images", (f"scene-{number:02}.png", data))
        for number, data in enumerate(pictures() if images is None else images, 1)
    ]
    text = said if isinstance(said, str) else json.dumps(said)
    data = {} if said is None else {"metadata": text}
    return httpx.post(api.url + DESCRIBE, data=data, files=files, headers=sent, timeout=60)


class _Context:
    """A performer's context."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir

    def progress(self, fraction: float, stage: str = "") -> None:
        """Nobody watches."""

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        """Nobody reads."""


def without_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has none of the extra readers, and nothing that looks for nudity."""
    monkeypatch.setattr(measured, "installed_readers", lambda: ())
    monkeypatch.setattr(decency, "installed_look", lambda: None)


def work(api: Api, job_id: str, folder: Path) -> None:
    """A worker describes the job's scenes, and the scheduler settles it."""
    with api.hall.store.read() as connection:
        job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
        task = connection.execute(select(tasks).where(tasks.c.job_seq == job.seq)).one()
        wanted = [image["asset_id"] for image in task.params["images"]]
        rows = connection.execute(select(assets).where(assets.c.id.in_(wanted))).all()
    inputs = {}
    for row in rows:
        path = folder / row.id
        path.write_bytes(api.app.state.desk.blobs.read(row.blob_key, 0, row.size_bytes))
        inputs[row.id] = InputFile(path, row.file_name, row.content_type)
    given = TaskInput("describe-scenes", "describe", task.params, inputs, provider="eyes", model="measured")
    try:
        done = perform(given, _Context(folder))  # type: ignore[arg-type]  # a context as far as it needs one
    except TaskFailure as failure:
        said = {"failure_class": failure.failure, "error_code": failure.public_code}
        _end(api, job.seq, state="failed", error_message=failure.message, charged_mc=0, **said)
    else:
        _end(api, job.seq, state="completed", result={"describe": done.result}, charged_mc=job.held_mc)


def _end(api: Api, job_seq: int, **values: Any) -> None:
    with api.hall.store.write() as connection:
        connection.execute(update(jobs).where(jobs.c.seq == job_seq).values(ended_at=1.0, **values))
        connection.execute(update(tasks).where(tasks.c.job_seq == job_seq).values(state="succeeded"))
