"""A whole farm of real processes, in either shape, for tests that use it as its customers do.

`embedded` is `farm up` with nothing set. `production` is PostgreSQL, Valkey and S3, named by environment
variables only, with two API processes, a scheduler and workers that share nothing but those variables.
"""

import copy
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

import httpx
import pytest
from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.catalog import read_catalog
from farm.doors.accounts import create_key, ensure_account
from farm.doors.hall import Hall
from farm.ports import steady_port
from farm.secrets import Secrets
from farm.settings import Settings
from farm.store.engine import Store
from farm.store.rows import AnyRow
from farm.store.schema import attempts, jobs
from tests.postgres import Postgres
from tests.processes import below, command_of
from tests.s3 import S3Server
from tests.worker_farm import FAST

PATIENCE_S = 120.0
FARM = (sys.executable, "-m", "farm.cli.main")
SECRET = "a secret that both API processes share, long enough"
POOLS = ("cpu-render", "gpu-generate", "asr-align", "vision-describe")
# A provider where nobody answers: for what a farm tells of one that fails.
NOBODY = """
[providers.nobody]
pool = "cpu-render"
remote = true
url = "http://127.0.0.1:9"
[routes.probe.big]
offers = [{ provider = "nobody", price = "1", estimated_s = 1.0 }]
"""
WAIT_S = 30  # what one call waits for a job's end; polling would use up the key's calls


def eventually(
    look: Callable[[], object], meaning: str, patience_s: float = PATIENCE_S, pause_s: float = 0.05
) -> Any:
    """The first true answer of `look`. Fails, saying what was waited for, after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still not so: {meaning}"
        time.sleep(pause_s)
    return seen


@dataclass
class RunningFarm:
    """How a test reaches a farm, and its processes. `urls` are all its API processes."""

    shape: str
    urls: Sequence[str]
    key: str
    environment: Mapping[str, str]
    roots: list["subprocess.Popen[str]"]
    logs: Path
    valkey: EmbeddedValkey | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.settings.store_url)
        self.stack.callback(self.store.close)

    @property
    def settings(self) -> Settings:
        """As the farm's own processes read them."""
        names = ("home", "database_url", "blobs_url", "secret_key", "config_dir")
        found = {name: self.environment.get(f"FARM_{name.upper()}") for name in names}
        return Settings.model_validate({name: value for name, value in found.items() if value is not None})

    @property
    def url(self) -> str:
        return self.urls[0]

    def customer(self, name: str, tier: str = "pro", *, balance_mc: int | None = None) -> Self:
        """The same farm through a new key of another account, which is made when missing."""
        hall = Hall(self.store, read_catalog(self.settings), Secrets.of(self.settings))
        account = ensure_account(hall, name, tier, balance_mc=balance_mc)
        seen = copy.copy(self)
        seen.key = create_key(hall, account).text
        return seen

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Run one more `farm` command in the farm's environment; it is stopped with the farm."""
        log = self.logs / f"more-{len(self.roots)}.log"
        process = self.stack.enter_context(_started([*FARM, *words], self.environment, log))
        self.roots.append(process)
        return process

    def run(self, *words: str) -> str:
        """Run a `farm` command in the farm's environment to its end. It must succeed; returns its stdout."""
        return _run(*words, environment=self.environment)

    def call(self, method: str, path: str, *, at: int = 0, **options: Any) -> httpx.Response:
        """Call an API process with the farm's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, self.urls[at] + path, headers=headers, timeout=60, **options)

    def submit(self, kind: str, **params: Any) -> str:
        answer = self.call("POST", "/farm/v1/jobs", json={"kind": kind, "params": params})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def upload(self, path: Path, content_type: str) -> dict[str, str]:
        """Upload a file. Returns it as media-render's params name it."""
        declared = {"file_name": path.name, "content_type": content_type, "size_bytes": path.stat().st_size}
        answer = self.call("POST", "/farm/v1/assets", json=declared)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        put = httpx.put(
            made["upload_url"], content=path.read_bytes(), headers={"Content-Type": content_type}, timeout=60
        )
        assert put.status_code in (200, 201, 204), put.text
        asset = made["asset"]
        return {"asset_id": asset["id"], "file_name": path.name, "media_kind": asset["media_kind"]}

    def job(self, job_id: str, *, at: int = 0) -> dict[str, Any]:
        answer = self.call("GET", f"/farm/v1/jobs/{job_id}", at=at)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, job_id: str, *, at: int = 0) -> dict[str, Any]:
        """The job once it has ended."""
        path, states = f"/farm/v1/jobs/{job_id}", ("completed", "failed", "cancelled")

        def waited() -> dict[str, Any] | None:
            answer = self.call("GET", path, at=at, params={"wait": WAIT_S})
            assert answer.status_code == 200, answer.text
            return dict(answer.json()) if answer.json()["state"] in states else None

        return dict(eventually(waited, f"{job_id} has ended"))

    def well_under_way(self, job_id: str, progress: float = 0.1) -> AnyRow:
        """The job's running attempt, once it has come this far."""
        found = eventually(
            lambda: [a for a in self.attempts(job_id) if a.state == "running" and a.progress >= progress],
            f"{job_id} is under way",
        )
        return found[0]  # type: ignore[no-any-return]  # eventually answers what look did

    def attempts(self, job_id: str) -> list[AnyRow]:
        query = select(attempts).join(jobs, jobs.c.seq == attempts.c.job_seq).where(jobs.c.id == job_id)
        with self.store.read() as connection:
            return list(connection.execute(query.order_by(attempts.c.id)))

    def outcomes(self, job_id: str) -> list[str | None]:
        return [attempt.outcome for attempt in self.attempts(job_id)]

    def artifacts(self, job_id: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/farm/v1/jobs/{job_id}/artifacts").json()["data"])

    def download(self, job_id: str, name: str, path: Path) -> Path:
        """Fetch an artifact through its signed URL."""
        found = self.call("GET", f"/farm/v1/jobs/{job_id}/artifacts/{name}").json()
        answer = httpx.get(found["download_url"], timeout=60)
        assert answer.status_code == 200, answer.text
        path.write_bytes(answer.content)
        return path

    def online(self) -> list[dict[str, Any]]:
        """The workers that are here now."""
        found = self.call("GET", "/farm/v1/workers").json()["data"]
        return [worker for worker in found if worker["state"] == "online"]

    def processes(self, pattern: str) -> list[int]:
        """The farm's own processes whose command line matches."""
        roots = [process.pid for process in self.roots if process.poll() is None]
        pids = [*roots, *(pid for root in roots for pid in below(root))]
        return [pid for pid in pids if re.search(pattern, command_of(pid))]

    def kill(self, pattern: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the one process that matches. Returns its id."""
        (pid,) = self.processes(pattern)
        os.kill(pid, number)
        return pid


@contextmanager
def embedded_farm(
    folder: Path,
    *,
    fast: bool = False,
    pools: Sequence[str] = POOLS,
    flower: bool = False,
    config: str = "",
    providers: str = "",
) -> Iterator[RunningFarm]:
    """`farm up`, with nothing set but its home; `config` is more of farm.toml, `providers` providers.toml."""
    environment = _environment(folder, fast, config, providers)
    command = [*FARM, "up", "--port", "0", "--pools", ",".join(pools)]
    command += ["--flower" if flower else "--no-flower"]
    with _started(command, environment, folder / "up.log") as process, ExitStack() as stack:
        ready = eventually(
            lambda: re.search(r"^ready (\S+)$", (folder / "up.log").read_text(), re.MULTILINE),
            "farm up is ready",
        )
        key = (Path(environment["FARM_HOME"]) / "run" / "key").read_text().strip()
        yield RunningFarm("embedded", [ready.group(1)], key, environment, [process], folder, stack=stack)


@contextmanager
def production_farm(
    folder: Path,
    postgres: Postgres,
    s3: S3Server,
    *,
    fast: bool = False,
    pools: Sequence[str] = POOLS,
    config: str = "",
) -> Iterator[RunningFarm]:
    """Every part by itself, reaching the others through FARM_* variables only."""
    with ExitStack() as stack:
        valkey = EmbeddedValkey(folder / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        environment = _environment(folder, fast, config) | dict(s3.environment(folder.name))
        environment |= {
            "FARM_DATABASE_URL": postgres.fresh(),
            "FARM_REDIS_URL": valkey.url,
            "FARM_SECRET_KEY": SECRET,
        }
        _run("migrate", environment=environment)
        key = _run(
            "keys", "create", "--account", "local", "--tier", "local", "--operator", environment=environment
        ).splitlines()[-1]
        ports = [steady_port(), steady_port()]
        commands = [[*FARM, "api", "--port", str(port)] for port in ports]
        commands += [[*FARM, "scheduler"]]
        commands += [[*FARM, "worker", pool, "--name", f"{pool}-1"] for pool in pools]
        roots = stack.enter_context(_all_started(commands, environment, folder))
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        farm = RunningFarm("production", urls, key, environment, roots, folder, valkey, stack)
        for url in urls:
            eventually(partial(answers, url), f"the API answers at {url}")
        eventually(lambda: len(farm.online()) == len(pools), "the workers are online", pause_s=0.3)
        yield farm


@pytest.fixture(scope="session")
def running_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    """One embedded farm for all tests that only use it, with /metrics at a port that no other farm takes."""
    folder, config = tmp_path_factory.mktemp("farm"), f"[metrics]\nport = {steady_port()}\n"
    with embedded_farm(folder, pools=("cpu-render",), config=config, providers=NOBODY) as farm:
        yield farm


@pytest.fixture(scope="module", params=["embedded", "production"])
def either_farm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFarm]:
    """A farm in each shape: what passes in one must pass in the other."""
    folder = tmp_path_factory.mktemp(str(request.param))
    if request.param == "embedded":
        with embedded_farm(folder, fast=True) as farm:
            yield farm
        return
    postgres, s3 = request.getfixturevalue("postgres"), request.getfixturevalue("s3_server")
    with production_farm(folder, postgres, s3, fast=True) as farm:
        yield farm


def _environment(folder: Path, fast: bool, more: str = "", providers: str = "") -> dict[str, str]:
    """A clean environment: no FARM_* of the developer's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    environment = kept | {"FARM_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    if fast or more or providers:
        config = folder / "config"
        config.mkdir(exist_ok=True)
        (config / "farm.toml").write_text((FAST if fast else "") + more)
        (config / "providers.toml").write_text(providers)
        environment["FARM_CONFIG_DIR"] = str(config)
    return environment


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[str]"]:
    """A process whose output goes to a file; stopped with all its children afterwards."""
    with log.open("w") as output:
        process = _spawn(command, environment, output)
        try:
            yield process
        finally:
            _stop([process])


@contextmanager
def _all_started(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], logs: Path
) -> Iterator[list["subprocess.Popen[str]"]]:
    """Several of them at once."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for number, command in enumerate(commands):
            with (logs / f"part-{number}.log").open("w") as output:
                processes.append(_spawn(command, environment, output))
        yield processes
    finally:
        _stop(processes)


def _stop(processes: Sequence["subprocess.Popen[str]"]) -> None:
    """All are asked before any is waited for."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _spawn(
    command: Sequence[str], environment: Mapping[str, str], output: IO[str]
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run(*arguments: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run([*FARM, *arguments], env=dict(environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(url: str) -> bool:
    """Whether an API process is there."""
    try:
        return httpx.get(url + "/healthz").status_code == 200
    except httpx.TransportError:
        return False
