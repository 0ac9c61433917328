"""A farm's processes for tests that kill them: each part started alone, and again after it was killed.

Everything runs on this machine and is reached by FARM_* variables; blobs lie in FARM_HOME. Start parts from a
thread that stays: some die with the thread that started them.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.catalog import read_catalog
from farm.doors.accounts import create_key, ensure_account
from farm.doors.hall import Hall
from farm.net.guard import Guard
from farm.ports import steady_port
from farm.secrets import Secrets
from farm.settings import Settings
from farm.store.clock import clock_of
from farm.store.engine import Store
from farm.store.schema import workers
from farm.store.schema_version import migrate
from tests.postgres import Postgres
from tests.processes import children_of, command_of
from tests.running import answers, eventually

ENGINE = r"workers\.engine_main"
FARM = (sys.executable, "-m", "farm.cli.main")
_SECRET = "a secret that all processes of the chaos share"
_STOP_S = 20.0


@dataclass
class Part:
    """One process of the farm, and those it starts."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    url: str | None = None
    started_at: float = 0.0
    _said: int = 0  # bytes of log when it was started
    _asked: bool = False  # to stop, since it was started

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def serves(self) -> bool:
        """Whether it has come so far, since it was started, that it does its work."""
        if not self.runs:
            return False
        if self.url is not None:
            return answers(self.url)
        return b"_ready" in self.log.read_bytes()[self._said :]

    def start(self) -> None:
        self.started_at, self._asked = now(), False
        self._said = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """kill -9, and wait until it is gone. Whatever it started is left to itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ask_to_stop(self) -> None:
        """Once: a worker that is asked again leaves without a farewell."""
        if self.process is not None and self.runs and not self._asked:
            self._asked = True
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()

    def stop(self) -> None:
        """In good order, by force after a while."""
        if self.process is None or not self.runs:
            return
        self.ask_to_stop()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def engines(self) -> list[int]:
        """The engine processes of a worker."""
        if not self.runs:
            return []
        return [pid for pid in children_of(self.pid) if re.search(ENGINE, command_of(pid))]


@dataclass
class House:
    """The parts by name, the database and the broker. `hall` is the test's own view of the store."""

    folder: Path
    settings: Settings
    valkey: EmbeddedValkey
    parts: dict[str, Part]
    urls: Sequence[str]
    hall: Hall
    postgres: Postgres | None = None
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.hall.store

    def named(self, prefix: str) -> list[Part]:
        return [part for name, part in self.parts.items() if name.startswith(prefix)]

    def key(self, account: str, *, balance_mc: int | None = None) -> str:
        """An operator's key (only they may submit probes) of an account made when missing."""
        made = ensure_account(self.hall, account, "enterprise", balance_mc=balance_mc)
        return create_key(self.hall, made, is_operator=True).text

    def until_ready(self) -> None:
        """Wait until the API answers everywhere and every worker is online."""
        for url in self.urls:
            eventually(partial(answers, url), f"the API answers at {url}")
        wanted = {part.pid for part in self.named("worker")}
        eventually(lambda: wanted <= self._online(), "the workers are online")

    def _online(self) -> set[int]:
        query = select(workers.c.pid).where(workers.c.state == "online")
        with self.store.read() as connection:
            return set(connection.scalars(query))


@contextmanager
def house(
    folder: Path,
    config: str,
    pools: Mapping[str, int],
    *,
    postgres: Postgres | None = None,
    apis: int = 1,
    schedulers: int = 1,
) -> Iterator[House]:
    """Start it all. `pools` names the slots of each pool's one worker; without `postgres` it is SQLite."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "farm.toml").write_text(config)
    with ExitStack() as stack:
        valkey = EmbeddedValkey(folder / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        environment = _environment(folder, valkey.url, postgres)
        hall = _hall(folder, environment)
        stack.callback(hall.close)
        ports = [steady_port() for _ in range(apis)]
        parts = {
            name: Part(name, [*FARM, *words], environment, folder / f"{name}.log")
            for name, words in _commands(pools, ports, schedulers).items()
        }
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for number, url in enumerate(urls, 1):
            parts[f"api-{number}"].url = url
        for part in parts.values():
            stack.callback(part.stop)
            part.start()
        for part in parts.values():  # all are asked before any is waited for
            stack.callback(part.ask_to_stop)
        made = House(folder, _settings(environment), valkey, parts, urls, hall, postgres)
        made.until_ready()
        yield made


def _commands(pools: Mapping[str, int], ports: Sequence[int], schedulers: int) -> dict[str, list[str]]:
    found = {f"api-{number}": ["api", "--port", str(port)] for number, port in enumerate(ports, 1)}
    found |= {f"scheduler-{number}": ["scheduler"] for number in range(1, schedulers + 1)}
    for pool, slots in pools.items():
        name = f"worker-{pool}"
        found[name] = ["worker", pool, "--slots", str(slots), "--name", name]
    return found


def _environment(folder: Path, redis_url: str, postgres: Postgres | None) -> dict[str, str]:
    """A clean environment: no FARM_* of the developer's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    made = {
        "FARM_HOME": str(folder / "home"),
        "FARM_DATABASE_URL": postgres.fresh() if postgres else f"sqlite:///{folder / 'farm.sqlite3'}",
        "FARM_REDIS_URL": redis_url,
        "FARM_SECRET_KEY": _SECRET,
        "FARM_CONFIG_DIR": str(folder / "config"),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }
    return kept | made


def _settings(environment: Mapping[str, str]) -> Settings:
    names = ("home", "database_url", "redis_url", "secret_key", "config_dir")
    return Settings.model_validate({name: environment[f"FARM_{name.upper()}"] for name in names})


def _hall(folder: Path, environment: Mapping[str, str]) -> Hall:
    settings = _settings(environment)
    store = Store(settings.store_url)
    migrate(store)
    catalog = read_catalog(settings)
    guard = Guard(catalog.outbound)
    return Hall(store, catalog, Secrets.of(settings), clock=clock_of(store), guard=guard)


def now() -> float:
    """The clock that all of a run's notes share."""
    return time.time()
