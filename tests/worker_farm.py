"""A small farm of real parts for tests: store, Valkey, the real scheduler, and worker processes to kill.

Use it as a block: `with WorkerFarm(tmp_path, valkey.url) as farm:`.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Row, insert, select, update

from farm.account import Caller
from farm.blobs import open_blobs
from farm.broker.publish import Publisher
from farm.doors.accounts import caller_of, create_key, ensure_account
from farm.doors.hall import open_hall
from farm.doors.submit import submit
from farm.job import JobSpec
from farm.kinds import Params
from farm.settings import Settings
from farm.store.schema import assets, attempts, jobs, workers
from schedulers.loop import Scheduler
from tests.farm import laid_out
from tests.processes import children_of

PATIENCE_S = 60.0
FAST = """
[scheduling]
lease_s = 4.0
beat_s = 0.3
publish_lease_s = 1.0
sweep_s = 0.2
kill_grace_s = 1.0
worker_gone_s = 3.0
[retry.crash]
max_attempts = 3
backoff_s = 0.0
backoff_max_s = 0.0
[retry.timeout]
max_attempts = 2
backoff_s = 0.0
backoff_max_s = 0.0
[retry.disk_full]
max_attempts = 1
backoff_s = 0.0
backoff_max_s = 0.0
"""
_WORKER = """
import logging, sys
logging.basicConfig(level=logging.INFO)
from farm.settings import Settings
from workers.main import run_worker
run_worker(Settings(), sys.argv[1], name=sys.argv[2], slots={'cpu': int(sys.argv[3])})
"""


def until(what: Callable[[], object], meaning: str) -> None:
    """Wait for something to come true. Fails after a while, saying what did not."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, f"still not so: {meaning}"
        time.sleep(0.02)


class WorkerProcess:
    """One worker, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str, home: Path) -> None:
        self.process = process
        self.name = name
        self.home = home

    def engines(self) -> list[int]:
        """Process ids of its engines."""
        return children_of(self.process.pid)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)

    def attempt_folders(self) -> list[Path]:
        """What lies in the work folders now."""
        return [p for p in (self.home / "work").glob("worker-*/*") if p.is_dir()]


class WorkerFarm:
    """Everything but the worker runs in the test's own process."""

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        *,
        blobs_url: str | None = None,
        database_url: str | None = None,
        providers: str = "",
        voices: str = "",
        encode: str = "",
    ) -> None:
        config = folder / "config"
        config.mkdir()
        (config / "farm.toml").write_text(FAST)
        (config / "providers.toml").write_text(providers)
        (config / "voices.toml").write_text(voices)
        (config / "encode.toml").write_text(encode)
        self.home = folder / "home"
        self.settings = Settings(
            home=self.home,
            redis_url=redis_url,
            blobs_url=blobs_url,
            database_url=database_url,
            config_dir=config,
        )
        laid_out(self.settings.store_url).close()
        self.hall = open_hall(self.settings)
        self._publisher = Publisher(redis_url)
        self._stopping = threading.Event()
        scheduler = Scheduler(self.hall, self._publisher.publish)
        self._thread = threading.Thread(target=scheduler.run, args=[self._stopping.is_set])
        self._started: list[WorkerProcess] = []
        account = ensure_account(self.hall, "tester", "local")
        self.caller: Caller = caller_of(self.hall, create_key(self.hall, account).text)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._started:
            if worker.process.poll() is None:
                worker.kill()
            worker.process.wait()
        self._stopping.set()
        self.hall.bell.ring()
        self._thread.join()
        self._publisher.close()
        self.hall.close()

    def worker(self, name: str = "w1", pool: str = "cpu-render", slots: int = 1) -> WorkerProcess:
        """Start a worker and wait until the farm knows it."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, pool, name, str(slots)], env=self.settings.environment()
        )
        worker = WorkerProcess(process, name, self.home)
        self._started.append(worker)
        until(lambda: self._worker_state(process.pid) == "online", f"{name} is online")
        return worker

    def submit(self, params: Params) -> str:
        return submit(self.hall, self.caller, JobSpec.of(params)).job_id

    def job(self, job_id: str) -> Row[Any]:
        with self.hall.store.read() as connection:
            return connection.execute(select(jobs).where(jobs.c.id == job_id)).one()

    def attempts(self, job_id: str) -> list[Row[Any]]:
        query = select(attempts).join(jobs, jobs.c.seq == attempts.c.job_seq).where(jobs.c.id == job_id)
        with self.hall.store.read() as connection:
            return list(connection.execute(query.order_by(attempts.c.id)))

    def outcomes(self, job_id: str) -> list[str | None]:
        return [attempt.outcome for attempt in self.attempts(job_id)]

    def running(self, job_id: str) -> Row[Any]:
        """The attempt of the job that runs now, once one does and has said how far it is."""
        until(lambda: self._running(job_id), f"{job_id} runs")
        return self._running(job_id)[0]

    def ended(self, job_id: str) -> Row[Any]:
        """The job, once it has ended."""
        until(lambda: self.job(job_id).ended_at is not None, f"{job_id} has ended")
        return self.job(job_id)

    @contextmanager
    def paused(self, worker: WorkerProcess) -> Iterator[None]:
        """The worker's process stands still while the block runs."""
        worker.kill(signal.SIGSTOP)
        try:
            yield
        finally:
            worker.kill(signal.SIGCONT)

    def asset(self, content: bytes | None, *, file_name: str, account_id: int | None = None) -> str:
        """An uploaded file; None = one whose bytes are gone."""
        asset_id = self.hall.ids.public("asset")
        row = {
            "id": asset_id,
            "account_id": account_id or self.caller.account.id,
            "file_name": file_name,
            "content_type": "image/jpeg",
            "media_kind": "image",
            "size_bytes": len(content or b""),
            "blob_key": f"uploads/{asset_id}",
            "state": "ready",
            "created_at": self.hall.clock.now(),
        }
        if content is not None:
            local = self.home / "upload"
            local.write_bytes(content)
            open_blobs(self.settings, self.hall.secrets).put(str(row["blob_key"]), local, "image/jpeg")
        with self.hall.store.write() as connection:
            connection.execute(insert(assets).values(row))
        return asset_id

    def worker_state(self, name: str) -> str | None:
        with self.hall.store.read() as connection:
            return connection.scalar(select(workers.c.state).where(workers.c.name == name))

    def take_away(self, attempt_id: int) -> None:
        """Give the attempt to nobody, as a scheduler does that counted it as lost."""
        with self.hall.store.write() as connection:
            connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(token=1))

    def _running(self, job_id: str) -> list[Row[Any]]:
        return [a for a in self.attempts(job_id) if a.state == "running" and a.stage]

    def _worker_state(self, pid: int) -> str | None:
        with self.hall.store.read() as connection:
            return connection.scalar(select(workers.c.state).where(workers.c.pid == pid))
