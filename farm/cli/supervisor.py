"""Runs a whole farm on one machine: starts its parts, restarts what crashes, stops everything at once.

Lives in the main thread of `farm up`; each part is a process of its own. Decides nothing about jobs.
"""

import re
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from farm.cli.child import Child, Part, how_it_ended
from farm.errors import FarmUnavailable
from farm.logs import readable

_LOOK_EVERY_S = 0.25
_HOPELESS_CRASHES = 3
_LAST_LINES = 12
_ALARMING = re.compile(r"\b(WARN|WARNING|ERROR|CRITICAL|FATAL)\b|\[(warning|error|critical)\s*\]|^Traceback ")
_SEVERE = re.compile(r"ERROR|CRITICAL|FATAL|\[(error|critical)|^Traceback ")


class Server(Protocol):
    """An embedded server that the supervisor keeps alive (farm.broker.valkey)."""

    def alive(self) -> bool: ...
    def restart(self) -> None: ...
    def stop(self) -> None: ...


class Voice(Protocol):
    """Where the supervisor speaks."""

    def remark(self, message: str, style: str = "yellow") -> None: ...


class Supervisor:
    """Keeps parts running until it is told to stop."""

    def __init__(
        self,
        parts: Sequence[Part],
        environment: Mapping[str, str],
        log_dir: Path,
        voice: Voice,
        *,
        stop_s: float = 10.0,
    ) -> None:
        self._children = [Child(part, environment, log_dir) for part in parts]
        self._voice = voice
        self._stop_s = stop_s
        self._server: Server | None = None
        self._bell, self._ringer = socket.socketpair()
        self._listening = False
        self._stops_asked = 0

    @property
    def children(self) -> Sequence[Child]:
        return self._children

    @property
    def stopping(self) -> bool:
        """Whether a signal asked it to stop."""
        return self._stops_asked > 0

    def keep(self, server: Server) -> None:
        """Watch an embedded server too; it is stopped last."""
        self._server = server

    def listen_to_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP stop the farm; a second one stops it at once."""
        for end in (self._bell, self._ringer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        self._listening = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only so that it wakes the pause

    def start(self) -> None:
        """Start every part."""
        for child in self._children:
            child.start()

    def run_until(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Watch until `ready` says so, True, or until a stop is asked for, False.

        Raises FarmUnavailable when a needed part keeps crashing, or nothing is ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while not self.stopping:
            self._look()
            self._give_up_on_the_hopeless()
            if ready():
                return True
            if time.monotonic() > deadline:
                raise FarmUnavailable(
                    f"The farm was not ready within {timeout_s:g} s; see {self._log_dir()}."
                )
            self._pause()
        return False

    def run(self) -> None:
        """Watch until a stop is asked for."""
        while not self.stopping:
            self._look()
            self._pause()

    def stop(self) -> None:
        """Stop everything: SIGTERM, `stop_s` seconds, SIGKILL; the embedded server last."""
        for child in self._children:
            child.ask_to_stop()
        deadline = time.monotonic() + self._stop_s
        while not all([child.has_stopped() for child in self._children]):
            if time.monotonic() > deadline or self._stops_asked > 1:
                break
            self._pause()
        for child in self._children:
            child.kill()
        if self._server is not None:
            self._server.stop()
        self._stop_listening()

    def _look(self) -> None:
        if self._server is not None and not self._server.alive():
            self._restart(self._server)
        for child in self._children:
            self._tell_alarms(child)
            code = child.ended()
            if code is not None:
                self._tell_crash(child, code)
            elif child.is_due():
                child.start()

    def _restart(self, server: Server) -> None:
        self._voice.remark("valkey ended; starting it again on the same port", "bold red")
        try:
            server.restart()
        except FarmUnavailable as error:  # the next look tries again; the farm waits for it meanwhile
            self._voice.remark(error.message, "red")

    def _tell_alarms(self, child: Child) -> None:
        for line in map(readable, child.fresh_lines()):
            if _SEVERE.search(line):
                self._voice.remark(f"{child.part.name} | {line}", "red")
            elif _ALARMING.search(line):  # what a warning comes from stands in the log
                self._voice.remark(f"{child.part.name} | {line.splitlines()[0]}", "yellow")

    def _tell_crash(self, child: Child, code: int) -> None:
        pause_s = max(0.0, (child.restart_at or 0.0) - time.monotonic())
        self._voice.remark(
            f"{child.part.name} ended ({how_it_ended(code)}); starting it again in {pause_s:.1f} s."
            f" Log: {child.log_path}",
            "bold red",
        )
        for line in child.last_lines(_LAST_LINES):
            self._voice.remark(f"{child.part.name} | {readable(line)}", "dim")

    def _give_up_on_the_hopeless(self) -> None:
        for child in self._children:
            if child.part.needed and child.crashes >= _HOPELESS_CRASHES:
                raise FarmUnavailable(f"{child.part.name} does not start; its log is {child.log_path}.")

    def _log_dir(self) -> Path:
        return self._children[0].log_path.parent

    def _pause(self) -> None:
        """Sleep a little, or until a signal comes: a child ended, or a stop is asked for."""
        if select.select([self._bell], [], [], _LOOK_EVERY_S)[0]:
            self._bell.recv(4096)

    def _stop_listening(self) -> None:
        if self._listening:
            signal.set_wakeup_fd(-1)
            self._listening = False
        self._bell.close()
        self._ringer.close()

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops_asked += 1
