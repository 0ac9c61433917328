"""The `farm` command as users run it: real processes, an environment of their own, no fixed sleeps."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FARM = (sys.executable, "-P", "-m", "farm.cli.main")
PATIENCE_S = 120.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment with its own FARM_HOME and no other FARM_* variable."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    return bare | {"FARM_HOME": str(home), "COLUMNS": "200", **more}


def farm(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `farm` with these words to its end."""
    return subprocess.run(
        [*FARM, *words],
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def farm_json(home: Path, *words: str, **variables: str) -> Any:
    """What `farm … --json` prints. It must succeed."""
    done = farm(home, *words, "--json", **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def eventually(happens: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Look until it happens."""
    deadline = time.monotonic() + patience_s
    while not happens():
        assert time.monotonic() < deadline, f"did not happen within {patience_s:g} s: {what}"
        time.sleep(0.05)


@dataclass
class Background:
    """A `farm` command that runs on; its output lies in two files."""

    home: Path
    process: subprocess.Popen[bytes]
    out_path: Path
    err_path: Path

    @property
    def out(self) -> str:
        return self.out_path.read_text()

    @property
    def err(self) -> str:
        return self.err_path.read_text()

    @property
    def url(self) -> str:
        """Where a `farm up` serves, once it said so."""
        return next(
            line.removeprefix("ready ") for line in self.out.splitlines() if line.startswith("ready ")
        )

    def until_ready(self) -> "Background":
        def said() -> bool:
            assert self.process.poll() is None, self.err
            return any(line.startswith("ready ") for line in self.out.splitlines())

        eventually(said, "the ready line")
        return self

    def signalled(self, number: int) -> int:
        """Send a signal; the exit code it leads to."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(home: Path, *words: str, variables: Mapping[str, str] | None = None) -> Iterator[Background]:
    """Run `farm` with these words beside the test; it is stopped at the end, by force if it must be."""
    home.mkdir(parents=True, exist_ok=True)
    out_path, err_path = home / f"{words[0]}.out", home / f"{words[0]}.err"
    with out_path.open("wb") as out, err_path.open("wb") as err:
        process = subprocess.Popen(
            [*FARM, *words], env=environment(home, **(variables or {})), stdout=out, stderr=err
        )
    try:
        yield Background(home, process, out_path, err_path)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
