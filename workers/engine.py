"""The worker's side of one engine process: start it, give it a task, watch the clock, end it for certain.

No engine code runs here, so that heartbeats and cancellation go on while an engine is stuck in C.
"""

import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from farm.errors import FailureClass
from farm.job import Failure
from workers.context import Done
from workers.stop_sign import StopSign
from workers.wire import (
    ANSWER,
    Accepted,
    Begun,
    Dropped,
    Failed,
    Finished,
    LogLine,
    Noted,
    Perform,
    Progress,
    Shown,
    Stop,
    Stopped,
    Warm,
    line,
)

_log = structlog.get_logger(__name__)
_RECEIVE = 1 << 16
_LONGEST_LINE = 64 << 20
_LOG_LINES = 100
_LONGEST_POLL_S = 3600.0
_NONSENSE = Failure(FailureClass.CRASH, "engine_crash", "The engine process said what is no message.")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds from the start of the task: when it is asked to stop, when it is killed unasked; how long one
    that was asked may take; and how long it may show no progress (0: for ever)."""

    soft_s: float
    hard_s: float
    grace_s: float
    no_progress_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineResult:
    """`done` or `failure`; neither when the attempt was stopped by its sign."""

    done: Done | None = None
    failure: Failure | None = None
    log: tuple[str, ...] = ()


class Engine:
    """One long-lived engine process, started when first needed and again after it died or was killed.

    For one thread; its parent must be a thread that stays (see farm/parent.py). `environment` is what its
    process has beyond the worker's own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self.models: tuple[str, ...] = ()  # what it said lies loaded in it

    @property
    def pid(self) -> int | None:
        """The process id, while a process is there."""
        return self._process.pid if self._process is not None else None

    def run(
        self,
        order: Perform,
        limits: Limits,
        sign: StopSign,
        on_progress: Callable[[float, str], None],
        on_log: Callable[[LogLine], None] = lambda _line: None,
        on_purchase: Callable[[Accepted | Dropped], None] = lambda _said: None,
        on_preview: Callable[[bytes], None] = lambda _jpeg: None,
    ) -> EngineResult:
        """Perform one task. When this ends, the engine is idle or its process is gone for certain.

        No callback may block, for while one does nothing watches the engine; but `on_purchase`, which the
        engine itself waits for.
        """
        run = _Run(limits, sign, on_progress, on_log, on_purchase, on_preview)
        with ExitStack() as unless_answered:
            unless_answered.callback(self.close)  # a purchase that cannot be noted: it must not go on
            result = self._answer(run, order)
            if run.models is not None and self._process is not None:
                self.models = run.models
            unless_answered.pop_all()
        return result

    def _answer(self, run: "_Run", order: Perform) -> EngineResult:
        try:
            return self._perform(run, order)
        except _Gone as gone:
            status = self._end(by_us=gone.malformed)
            return EngineResult(failure=_NONSENSE if gone.malformed else _crash(status), log=tuple(run.log))
        except _Overdue as overdue:
            self._end(by_us=True)
            return EngineResult(failure=overdue.failure, log=tuple(run.log))

    def close(self) -> None:
        """End the process, if any, and what it started."""
        if self._process is not None:
            self._end(by_us=True)

    def _perform(self, run: "_Run", order: Perform) -> EngineResult:
        try:
            return run.over(self._ready(), order)
        except _Gone:
            if run.begun:
                raise
        self._end(by_us=True)  # it was dying while idle: the task never reached it
        return run.over(self._ready(), order)

    def _ready(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self._end(by_us=True)  # died while idle
        if self._sock is None:
            self._start()
        assert self._sock is not None
        return self._sock

    def _start(self) -> None:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workers.engine_main", str(there.fileno()), str(os.getpid())],
                env=os.environ | self._environment | {"PYTHONPATH": _import_path()},
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a process group of its own: a kill takes its children too
            )
        here.setblocking(False)
        self._sock = here

    def _end(self, by_us: bool) -> int:
        """Make sure that the process and its group are gone. Returns how it ended (negative: the signal)."""
        process, sock = self._process, self._sock
        assert process is not None
        assert sock is not None
        self._process = self._sock = None
        self.models = ()
        sock.close()
        if not by_us:
            _wait_a_moment(process)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            _log.debug("engine_gone_already", engine=process.pid)
        return process.wait()


class _Gone(Exception):
    """The line was closed, or what came over it was no message."""

    def __init__(self, malformed: bool = False) -> None:
        super().__init__()
        self.malformed = malformed


class _Overdue(Exception):
    """The process is to be killed now; `failure` is None when its sign asked for it."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__()
        self.failure = failure


@dataclass
class _Run:
    """One task on a ready engine."""

    limits: Limits
    sign: StopSign
    on_progress: Callable[[float, str], None]
    on_log: Callable[[LogLine], None]
    on_purchase: Callable[[Accepted | Dropped], None]
    on_preview: Callable[[bytes], None]
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))
    begun: bool = False
    models: tuple[str, ...] | None = None
    _soft_at: float = 0.0
    _still_at: float = math.inf
    _kill_at: float = 0.0
    _shown: tuple[float, str] | None = None
    _asked: bool = False
    _overran: Failure | None = None

    def over(self, sock: socket.socket, order: Perform) -> EngineResult:
        """Say the order and listen until the answer. Raises _Gone and _Overdue."""
        started = time.monotonic()
        self._soft_at = started + self.limits.soft_s
        self._kill_at = started + self.limits.hard_s
        self._moved(started)
        both = select.poll()  # not select: its numbers end at 1023
        both.register(sock, select.POLLIN)
        both.register(self.sign, select.POLLIN)
        _send(sock, line(order))
        pending = b""
        while True:
            self._watch(sock)
            now = time.monotonic()
            until = self._kill_at if self._asked else min(self._kill_at, self._soft_at, self._still_at)
            spoke = {number for number, _ in both.poll(_poll_ms(until - now))}
            if self.sign.fileno() in spoke:
                self.sign.seen()
            if sock.fileno() in spoke:
                *lines, pending = (pending + _receive(sock)).split(b"\n")
                if len(pending) > _LONGEST_LINE:
                    raise _Gone(malformed=True)
                for text in lines:
                    result = self._hear(sock, text)
                    if result is not None:
                        return result

    def _watch(self, sock: socket.socket) -> None:
        """Act on the sign and the clock: ask the engine to stop, or have it killed."""
        now, reason = time.monotonic(), self.sign.reason
        if reason is not None and reason.is_urgent:
            raise _Overdue(None)
        if now >= self._kill_at:
            hard = None if reason is not None else _timeout(self.limits.hard_s)
            raise _Overdue(self._overran or hard)
        if self._asked or (reason is None and now < min(self._soft_at, self._still_at)):
            return
        self._asked = True
        if reason is None:
            still = now < self._soft_at
            self._overran = _stillness(self.limits.no_progress_s) if still else _timeout(self.limits.soft_s)
        self._kill_at = min(self._kill_at, now + self.limits.grace_s)
        _send(sock, line(Stop()))

    def _hear(self, sock: socket.socket, text: bytes) -> EngineResult | None:
        try:
            said = ANSWER.validate_json(text)
        except ValueError:
            raise _Gone(malformed=True) from None
        match said:
            case Begun():
                self.begun = True
            case Progress():
                self._moved(time.monotonic(), (said.fraction, said.stage))
                self.on_progress(said.fraction, said.stage)
            case LogLine() if self.begun:  # else left over from the task before: another customer's, perhaps
                self.log.append(said.line)
                self.on_log(said)
            case Shown() if self.begun:
                self.on_preview(said.jpeg)
            case Warm():
                self.models = said.models
            case Accepted() | Dropped():
                self.on_purchase(said)
                _send(sock, line(Noted()))
            case Finished():
                return EngineResult(done=said.done, log=tuple(self.log))
            case Failed():
                failure = Failure(said.failure, said.code, said.message, said.retry_after_s)
                return EngineResult(failure=failure, log=tuple(self.log))
            case Stopped():
                return EngineResult(failure=self._overran, log=tuple(self.log))
        return None

    def _moved(self, now: float, shown: tuple[float, str] | None = None) -> None:
        """Its progress or stage has changed, or it has only begun."""
        if self.limits.no_progress_s and (shown is None or shown != self._shown):
            self._still_at = now + self.limits.no_progress_s
        self._shown = shown


def _timeout(limit_s: float) -> Failure:
    return Failure(FailureClass.TIMEOUT, "timeout", f"The task took longer than its {limit_s:g} s.")


def _stillness(limit_s: float) -> Failure:
    return Failure(FailureClass.NO_PROGRESS, "no_progress", f"The task showed no progress for {limit_s:g} s.")


def _import_path() -> str:
    """This process's own, so that an engine imports what its worker would, wherever it was started."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)


def _poll_ms(seconds: float) -> int:
    """As `poll` wants it: not over before its time, but looked at again every hour."""
    return math.ceil(1000 * min(max(0.0, seconds), _LONGEST_POLL_S))


def _send(sock: socket.socket, data: bytes) -> None:
    sent = memoryview(data)
    while sent:
        try:
            sent = sent[sock.send(sent) :]
        except BlockingIOError:
            room = select.poll()
            room.register(sock, select.POLLOUT)
            room.poll()
        except OSError:
            raise _Gone from None


def _receive(sock: socket.socket) -> bytes:
    try:
        data = sock.recv(_RECEIVE)
    except OSError:
        raise _Gone from None
    if not data:
        raise _Gone
    return data


def _wait_a_moment(process: subprocess.Popen[bytes]) -> None:
    """Let a process whose line is closed end by itself, so that the way it ended is known."""
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        _log.warning("engine_closed_its_line", engine=process.pid)


def _crash(status: int) -> Failure:
    how = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"
    return Failure(FailureClass.CRASH, "engine_crash", f"The engine process {how}.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
