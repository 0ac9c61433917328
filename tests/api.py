"""A real API on a free port: uvicorn, SQLite and a blob folder under one temporary FARM_HOME, no worker."""

import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import event, insert, select, update

from farm.api.app import create_app
from farm.clock import SystemClock
from farm.doors.accounts import create_key, ensure_account
from farm.doors.batch_tally import add_ended
from farm.doors.hall import Hall, open_hall
from farm.settings import Settings
from farm.store.rows import AnyRow
from farm.store.schema import accounts, artifacts, jobs, media_projects, tasks
from tests.farm import laid_out

MEDIA_RENDER = "/api/v1/media-render"
POLL_S = 0.6  # between two looks at a status: 100 a minute, where a key has 120


def png(width: int = 16, height: int = 16, colour: tuple[int, int, int] = (200, 60, 40)) -> bytes:
    """A real PNG of one colour."""
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A real WAV of silence."""
    return as_wav(bytes(int(seconds * rate) * 2), rate)


def as_wav(data: bytes, rate: int) -> bytes:
    """Samples of 16 bits and one channel as a file."""
    head = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + head
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


class MovedClock:
    """The system's clock, moved by `ahead_s`: a test lets time pass by adding to it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        return SystemClock().now() + self.ahead_s


@dataclass
class Api:
    """A served farm and one customer's key. Time passes by `clock.ahead_s += …`."""

    url: str
    key: str
    app: FastAPI
    hall: Hall
    clock: MovedClock
    account: str = "ada"

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client that sends this key, by default the customer's own."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)

    def only_job(self) -> dict[str, Any]:
        """The customer's one job, as soon as it is there."""
        deadline = time.monotonic() + 20
        with self.client() as client:
            while not (found := client.get("/farm/v1/jobs").json()["data"]):
                assert time.monotonic() < deadline, "no job was made"
                time.sleep(0.02)
        (only,) = found
        job: dict[str, Any] = only
        return job

    def project(self, *files: tuple[str, str, bytes], put: bool = True) -> dict[str, Any]:
        """Declare (name, content type, bytes) files as a media project, and upload them."""
        declared = [
            {"fileName": name, "contentType": kind, "fileSize": len(data)} for name, kind, data in files
        ]
        with self.client() as client:
            made = client.post(f"{MEDIA_RENDER}/uploads", json={"projectName": "Trip", "files": declared})
            assert made.status_code == 200, made.text
            answer: dict[str, Any] = made.json()
        for (_, kind, data), upload in zip(files, answer["uploads"], strict=True):
            if put:
                sent = httpx.put(upload["uploadUrl"], content=data, headers={"Content-Type": kind})
                assert sent.status_code == 200, sent.text
        return answer

    def finish(self, project_id: str, content: bytes, path: Path, **changes: Any) -> None:
        """As `finish_job`, for the project's latest render."""
        with self.hall.store.read() as connection:
            query = select(media_projects.c.job_id).where(media_projects.c.id == project_id)
            job_id = connection.execute(query).scalar_one()
        self.finish_job(job_id, content, path, **changes)

    def finish_job(self, job_id: str, content: bytes, path: Path, **changes: Any) -> None:
        """Play the worker and the scheduler: the job has ended, and `content` is its MP4 if it succeeded."""
        with self.hall.store.write() as connection:
            job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
            values = {"state": "completed", "charged_mc": job.held_mc, **changes}
            if values["state"] == "completed":
                key = f"attempts/{job.account_id}/{job.id}/1/video.mp4"
                path.write_bytes(content)
                self.app.state.desk.blobs.put(key, path, "video/mp4")
                connection.execute(insert(artifacts).values(_artifact(job, key, len(content))))
            connection.execute(update(jobs).where(jobs.c.seq == job.seq).values(values))
            connection.execute(update(tasks).where(tasks.c.job_seq == job.seq).values(state="succeeded"))
            add_ended(connection, [job.seq])

    def expire_artifacts(self) -> None:
        """All finished files of the customer have had their time."""
        with self.hall.store.write() as connection:
            own = select(accounts.c.id).where(accounts.c.name == self.account).scalar_subquery()
            expired = update(artifacts).where(artifacts.c.account_id == own)
            connection.execute(expired.values(expires_at=self.clock.now() - 1))

    def new_key(self, account: str, *, tier: str = "enterprise", is_operator: bool = False) -> str:
        """A key of another account, which is made when missing."""
        made = create_key(self.hall, ensure_account(self.hall, account, tier), is_operator=is_operator)
        return made.text


def _artifact(job: AnyRow, key: str, size_bytes: int) -> dict[str, Any]:
    return {
        "id": f"art_{job.id}",
        "account_id": job.account_id,
        "job_seq": job.seq,
        "task_id": 1,
        "attempt_id": 1,
        "name": "video",
        "file_name": f"{job.id}.mp4",
        "display_name": job.params.get("output_file_name", f"{job.id}.mp4"),
        "content_type": "video/mp4",
        "size_bytes": size_bytes,
        "blob_key": key,
        "created_at": job.created_at,
    }


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app on a free loopback port; yields its base URL once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def api_under(home: Path, **settings: Any) -> Iterator[Api]:
    """A served farm with its data under `home` and one customer."""
    chosen = Settings(home=home, **settings)
    clock = MovedClock()
    laid_out(chosen.store_url).close()
    hall = replace(open_hall(chosen), clock=clock)
    app = create_app(chosen, hall)
    try:
        with serving(app) as url:
            key = create_key(hall, ensure_account(hall, "ada", "enterprise")).text
            yield Api(url=url, key=key, app=app, hall=hall, clock=clock)
    finally:
        hall.close()


@pytest.fixture(scope="session")
def served_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for all tests that do not change its settings."""
    with api_under(tmp_path_factory.mktemp("api")) as served:
        yield served


@pytest.fixture
def api(served_api: Api) -> Api:
    """The API with a customer of this test's own, who has called nothing yet."""
    served_api.clock.ahead_s = 0.0
    name = served_api.hall.ids.public("customer")
    return replace(served_api, key=served_api.new_key(name), account=name)


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """What the farm's store is told meanwhile."""
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    event.listen(api.hall.store.engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(api.hall.store.engine, "before_cursor_execute", note)
