"""One process under the supervisor: started, watched, stopped; its output goes to its own log file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from farm.parent import die_with_parent

# This very command, whatever lies in the working directory (-P).
FARM = (sys.executable, "-P", "-m", "farm.cli.main")
_LOG_MAX_BYTES = 10_000_000
_STEADY_S = 60.0
_PAUSE_S = 0.5
_PAUSE_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the farm. `needed`: `farm up` is not ready without it. `at`: where to look at it."""

    name: str
    argv: tuple[str, ...]
    needed: bool = True
    at: str = ""


class Child:
    """A part that runs, or waits to be started again."""

    def __init__(self, part: Part, environment: Mapping[str, str], log_dir: Path) -> None:
        self.part = part
        self.log_path = log_dir / f"{part.name}.log"
        self.crashes = 0
        self.restart_at: float | None = None
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._read_to = 0

    @property
    def pid(self) -> int | None:
        """The running process, if any."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it in a process group of its own, tied to this process. Call it from the main thread:
        Linux ends the tie with the thread that made it."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_MAX_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
            self._read_to = 0
        with self.log_path.open("ab") as log:
            self._read_to = max(self._read_to, log.tell()) if self.crashes else log.tell()
            self._process = subprocess.Popen(
                self.part.argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal reaches the supervisor alone
                preexec_fn=die_with_parent,  # one prctl call, nothing that needs a lock
            )
        self._started_at = time.monotonic()
        self.restart_at = None

    def ended(self) -> int | None:
        """The exit code once it has ended (negative: the signal), else None. Sets `restart_at`."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        self._signal_group(signal.SIGKILL)  # whatever it left behind
        steady = time.monotonic() - self._started_at > _STEADY_S
        self.crashes = 1 if steady else self.crashes + 1
        self._process = None
        pause_s = min(_PAUSE_MAX_S, _PAUSE_S * 2 ** (self.crashes - 1))
        self.restart_at = time.monotonic() + pause_s
        return code

    def is_due(self) -> bool:
        """Whether its pause after a crash is over."""
        return self._process is None and self.restart_at is not None and time.monotonic() >= self.restart_at

    def ask_to_stop(self) -> None:
        """SIGTERM: finish what must be finished and go."""
        if self._process is not None:
            self._process.terminate()

    def has_stopped(self) -> bool:
        """Whether nothing of it runs any more."""
        if self._process is None:
            return True
        if self._process.poll() is None:
            return False
        self._signal_group(signal.SIGKILL)
        self._process = None
        return True

    def kill(self) -> None:
        """SIGKILL, to it and to what it started."""
        if self._process is not None:
            self._signal_group(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def fresh_lines(self) -> list[str]:
        """Whole lines logged since the last call."""
        with self._log_from(self._read_to) as log:
            data = log.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return whole.decode(errors="replace").splitlines()

    def last_lines(self, count: int) -> list[str]:
        """The end of its log."""
        with self._log_from(max(0, self.log_path.stat().st_size - 8192)) as log:
            return log.read().decode(errors="replace").splitlines()[-count:]

    def _log_from(self, position: int) -> IO[bytes]:
        log = self.log_path.open("rb")
        log.seek(position)
        return log

    def _signal_group(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
