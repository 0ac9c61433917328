"""The engine process: performs one task after another, in its main thread, as its worker says.

It is the only process that imports a pool's heavy libraries. It dies with its worker: by the kernel's
word, and by the closed line when it was idle.
"""

import faulthandler
import importlib
import json
import logging
import os
import queue
import resource
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from farm.errors import FailureClass
from farm.logs import configure
from farm.noun import Noun
from farm.parent import die_with_parent
from farm.preview import is_preview
from farm.settings import Settings
from workers.context import Cancelled, Context, Done, TaskInput
from workers.failures import failure_of
from workers.processors import settle
from workers.wire import (
    ORDER,
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

_PROGRESS_EVERY_S = 0.2
_PREVIEW_EVERY_S = 0.5
_KEPT_MS = 10
_RECEIVE = 1 << 16
_LOG_LINE = 1000
_log = logging.getLogger(__name__)


class Line:
    """The engine's end of the line to its worker."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._kept = b""

    def keep(self, said: Noun) -> None:
        """Say it together with what is said next, or at the latest when this is flushed."""
        with self._lock:
            self._kept += line(said)

    def say(self, said: Noun) -> None:
        self._send(line(said))

    def flush(self) -> None:
        self._send(b"")

    def _send(self, more: bytes) -> None:
        with self._lock:
            said, self._kept = self._kept + more, b""
            self._sock.sendall(said)


class EngineContext:
    """What the performer holds: see workers.context.Context."""

    def __init__(self, wire: Line, workdir: Path) -> None:
        self._wire = wire
        self._workdir = workdir
        self._has_workdir = False
        self._next_at = self._next_preview_at = 0.0
        self.stop = threading.Event()
        self.noted = threading.Event()

    @property
    def workdir(self) -> Path:
        if not self._has_workdir:
            self._workdir.mkdir(parents=True, exist_ok=True)
            self._has_workdir = True
        return self._workdir

    def progress(self, fraction: float, stage: str = "") -> None:
        self.checkpoint()
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _PROGRESS_EVERY_S
        self._wire.say(Progress(fraction=min(1.0, max(0.0, fraction)), stage=stage))

    def checkpoint(self) -> None:
        if self.stop.is_set():
            raise Cancelled

    def warm(self, *models: str) -> None:
        self._wire.say(Warm(models=models))

    def log(self, message: str, *, private: bool = False) -> None:
        self._wire.say(LogLine(line=message[:_LOG_LINE], private=private))

    def preview(self, jpeg: bytes) -> None:
        now = time.monotonic()
        if now >= self._next_preview_at and is_preview(jpeg):
            self._next_preview_at = now + _PREVIEW_EVERY_S
            self._wire.say(Shown(jpeg=jpeg))

    def accepted(self, ref: str) -> None:
        if not ref or "\0" in ref:
            raise ValueError(f"{ref!r} is no provider's id")
        self._note(Accepted(ref=ref))

    def dropped(self) -> None:
        self._note(Dropped())

    def _note(self, said: Noun) -> None:
        """Say it and wait until the worker has committed it; a worker that cannot ends this process."""
        self.noted.clear()
        self._wire.say(said)
        self.noted.wait()


class Engine:
    """Listens in one thread, performs in the main one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._wire = Line(sock)
        self._orders: queue.SimpleQueue[tuple[Perform, EngineContext]] = queue.SimpleQueue()

    def serve(self) -> None:
        """Perform orders until the line is closed."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while True:
            order, context = self._orders.get()
            self._wire.say(_outcome(order, context))

    def _listen(self) -> None:
        context: EngineContext | None = None
        for text in self._lines():
            match ORDER.validate_json(text):
                case Stop() if context is not None:
                    context.stop.set()
                case Noted() if context is not None:
                    context.noted.set()
                case Perform() as order:
                    context = EngineContext(self._wire, order.workdir)
                    self._wire.keep(Begun())
                    self._orders.put((order, context))
        os._exit(0)  # the worker is gone

    def _lines(self) -> Iterator[bytes]:
        """What the worker says, until it closes the line. Whenever it is silent, what was kept is said."""
        pending = b""
        heard = select.poll()
        heard.register(self._sock, select.POLLIN)
        while True:
            if not heard.poll(_KEPT_MS):
                self._wire.flush()
            data = self._sock.recv(_RECEIVE)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            yield from lines


def _outcome(order: Perform, context: EngineContext) -> Finished | Failed | Stopped:
    try:
        done = _performer(order.performer)(order.task, context)
        json.dumps(dict(done.result), allow_nan=False)  # the store takes no NaN
        return Finished(done=done)
    except Cancelled:
        return Stopped()
    except Exception as error:  # the engine's own border: whatever a performer raises is an answer
        failure = failure_of(error)
        if failure.failure_class == FailureClass.INTERNAL:
            for text in traceback.format_exc().splitlines():
                context.log(text, private=True)  # it tells of our files, not of the customer's
        return Failed(
            failure=FailureClass(failure.failure_class),
            code=failure.code,
            message=failure.message,
            retry_after_s=failure.retry_after_s,
        )


def _performer(name: str) -> Callable[[TaskInput, Context], Done]:
    module, _, function = name.partition(":")
    found: Callable[[TaskInput, Context], Done] = getattr(importlib.import_module(module), function)
    return found


def _leave_it_to_the_worker(_number: int, _frame: object) -> None:
    return


def main() -> None:
    """Serve on the socket of the first argument's number, for the worker of the second one's process id."""
    die_with_parent()
    if os.getppid() != int(sys.argv[2]):  # the worker died before the line above
        return
    settle()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash with a model loaded would fill the disk
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # only the worker decides; a child program keeps the default
        signal.signal(number, _leave_it_to_the_worker)
    configure("engine", Settings().log_format, level=logging.WARNING)
    sys.stdout = sys.stderr
    Engine(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
