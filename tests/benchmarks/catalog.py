"""The catalog path: one CSV of 100,000 rows through the command, the API and PostgreSQL; then its cancel.

Real processes: PostgreSQL, Valkey, `farm api`, `farm scheduler`, `farm batch submit`. There is no worker: the
rows only queue.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from farm.broker.valkey import EmbeddedValkey
from tests.benchmarks.report import Benchmark, Row
from tests.postgres import Postgres
from tests.running import answers

ROWS = 100_000
_FARM = (sys.executable, "-m", "farm.cli.main")
_MB = 1024  # in the kB of /proc
_LOOK_S = 0.02
_POLL_S = 0.5
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class _Run:
    accepted_s: float
    known_s: float
    cancelled_s: float
    api_mb: float
    command_mb: float
    scheduler_mb: float


def run(runs: int) -> Sequence[Row]:
    """Send the same catalog `runs` times, each time to a new database."""
    folder = Path(tempfile.mkdtemp(prefix="kinefarm-catalog-"))
    folder.chmod(0o755)
    try:
        catalog = _catalog(folder / "catalog.csv")
        server = Postgres(folder)
        try:
            found = [_once(folder / str(number), server.fresh(), catalog) for number in range(runs)]
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
    return [
        Row.median(f"{ROWS} rows accepted", [r.accepted_s for r in found], "s", target=60),
        Row.median("the same rows sent again", [r.known_s for r in found], "s"),
        Row.median("cancel done", [r.cancelled_s for r in found], "s", target=5),
        Row.median("API, peak memory", [r.api_mb for r in found], "MB", target=300),
        Row.median("command, peak memory", [r.command_mb for r in found], "MB", target=300),
        Row.median("scheduler, peak memory", [r.scheduler_mb for r in found], "MB"),
    ]


def _catalog(path: Path) -> Path:
    with path.open("w") as file:
        file.write("sku,headline,seconds\n")
        file.writelines(f'SKU-{number:06d},"Offer {number}, today only",0.5\n' for number in range(ROWS))
    return path


def _once(home: Path, database_url: str, catalog: Path) -> _Run:
    home.mkdir()
    with ExitStack() as stack:
        valkey = EmbeddedValkey(home / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
        environment = kept | {
            "FARM_HOME": str(home / "home"),
            "FARM_DATABASE_URL": database_url,
            "FARM_REDIS_URL": valkey.url,
            "NO_COLOR": "1",
        }
        _farm(environment, "migrate")
        key = _farm(environment, "keys", "create", "--account", "local", "--tier", "local").splitlines()[-1]
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        api = stack.enter_context(_started(environment, home / "api.log", "api", "--port", str(port)))
        scheduler = stack.enter_context(_started(environment, home / "scheduler.log", "scheduler"))
        _until(lambda: answers(url), "the API serves")
        environment |= {"FARM_URL": url, "FARM_API_KEY": key}
        columns = ("--map", "sku=custom_id", "--map", "headline=echo", "--map", "seconds=sleep_s")
        words = ("batch", "submit", str(catalog), "--kind", "probe", *columns, "--open")
        batch_id, accepted_s, command_mb = _measured(environment, home / "submit.log", *words)
        _, known_s, _ = _measured(environment, home / "again.log", *words, "--batch", batch_id)
        cancelled_s = _cancelled(url, key, batch_id)
        return _Run(accepted_s, known_s, cancelled_s, _peak_mb(api.pid), command_mb, _peak_mb(scheduler.pid))


def _cancelled(url: str, key: str, batch_id: str) -> float:
    """Seconds from the call until every job has ended."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{url}/farm/v1", headers=headers, timeout=60) as client:
        counts = client.get(f"/batches/{batch_id}").json()["counts"]
        assert counts["total"] == counts["queued"] == ROWS, counts
        began = time.time()  # the clock that the farm notes the end by
        client.post(f"/batches/{batch_id}/cancel").raise_for_status()

        def ended() -> bool:
            time.sleep(_POLL_S)
            return bool(client.get(f"/batches/{batch_id}").json()["state"] == "cancelled")

        _until(ended, "the batch is cancelled")
        after = client.get(f"/batches/{batch_id}").json()
        assert after["counts"]["cancelled"] == ROWS, after
        return float(after["ended_at"]) - began


def _measured(environment: Mapping[str, str], log: Path, *words: str) -> tuple[str, float, float]:
    """Run a command to its end: what it printed last, how long it took, its peak memory."""
    began, peak = time.perf_counter(), 0.0
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*_FARM, *words], env=dict(environment), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        while process.poll() is None:
            peak = max(peak, _peak_mb(process.pid))
            time.sleep(_LOOK_S)
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    assert process.returncode == 0, log.read_text()
    return said.splitlines()[-1], time.perf_counter() - began, peak


@contextmanager
def _started(environment: Mapping[str, str], log: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as output:
        process = subprocess.Popen(
            [*_FARM, *words], env=dict(environment), stdout=output, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _farm(environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run([*_FARM, *words], env=dict(environment), capture_output=True, text=True, check=True)
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / _MB for line in status.splitlines() if "VmHWM" in line), 0.0)


def _until(look: Callable[[], bool], meaning: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, f"still not so: {meaning}"
        time.sleep(_LOOK_S)


BENCHMARK = Benchmark("catalog", "100,000 rows through the command and the API; their cancel", run)
