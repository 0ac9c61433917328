"""What every part of the queue benchmark stands on: servers, processes, the disk's own speed."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis

from farm.broker.valkey import EmbeddedValkey
from tests.postgres import Postgres

JOBS = 3000
WARM_UP = 100
SLOTS = 2
TOGETHER = 16  # submits in one transaction
PATIENCE_S = 120.0
_LOOK_S = 0.01
_SYNCS = 200


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="kinefarm-queue-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A server with its own defaults: every commit waits for the disk."""
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop("fast")


@contextmanager
def valkey(folder: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(folder / "valkey")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def process(environment: Mapping[str, str], log: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m WORDS` while the block runs."""
    with log.open("w") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *words], env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def environment(**more: str) -> dict[str, str]:
    """This process's own without any FARM_ variable, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    return kept | more


def until(look: Callable[[], object], meaning: str, pause_s: float = _LOOK_S) -> None:
    """Wait for a true answer. Fails after `PATIENCE_S`, saying what was waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, f"still not so: {meaning}"
        time.sleep(pause_s)


def until_consuming(url: str) -> None:
    """Wait for a Celery worker that waits for messages."""
    with redis.Redis.from_url(url) as client:
        until(lambda: any(c["cmd"] == "brpop" for c in client.client_list()), "a worker consumes")


def sync_ms(folder: Path) -> float:
    """What one small write takes until it is on the disk, the median of many."""
    path, block, found = folder / "sync", os.urandom(4096), []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            os.write(handle, block)
            os.fdatasync(handle)
            found.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    return statistics.median(found)


def percentile(values: "list[float]", share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
