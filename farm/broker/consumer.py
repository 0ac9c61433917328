"""Runs the Celery worker inside a farm worker: it receives, and its threads run what it is given."""

import logging
import os
import signal
import socket
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from celery import bootsteps, signals
from celery.apps.worker import Worker
from celery.concurrency.thread import ApplyResult, TaskPool
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.worker import state

from farm.broker import transport
from farm.broker.app import RUN, celery_app, queues
from farm.broker.shown import HEADER, EventWatcher, Nobody, Watcher

_log = logging.getLogger(__name__)
# They tell of every single task, at INFO; what matters of it stands in the farm's own log and in the store.
_WORDY = ("celery.worker.strategy", "celery.app.trace")


@dataclass(slots=True)
class Consumer:
    """What to take from where. `node` is the worker's name in Flower, `slots` the threads.

    `own` is the queue of this worker alone, taken from always; `shared` is its pool's.
    `run` gets attempts, id and token of each, in one of the threads, and whom to tell of them: Flower shows
    that, and nothing else follows. `stopping` is called once, in the signal handler of the first SIGTERM or
    SIGINT, and must only set a flag; the second signal ends the process at once.
    """

    url: str
    node: str
    own: str
    shared: str
    slots: int
    run: Callable[[Sequence[tuple[int, int]], Watcher], None]
    stopping: Callable[[], None]
    events: bool = True
    _takes_shared: bool = field(default=True, init=False)
    _worker: "_Worker | None" = field(default=None, init=False)
    _task: Any = field(default=None, init=False)

    def take_shared(self, wanted: bool) -> None:
        """Take from the pool's queue, or leave it to others; from any thread, as often as wanted.

        What is said between two connections is lost, so whoever cares says it again.
        """
        self._takes_shared = wanted
        consumer = getattr(self._worker, "consumer", None)
        if consumer is not None:
            consumer.call_soon(self._reconcile)

    def consume(self) -> int:
        """Take messages until told to stop; blocks the main thread. Returns the exit status.

        A broker that goes away is waited for, however long.
        """
        app = celery_app(self.url, events=self.events)
        app.conf.broker_transport = transport.PATH
        app.conf.task_queues = queues((self.own, self.shared))
        self._task = app.task(self._perform, name=RUN, ignore_result=True, send_events=False)
        warnings.filterwarnings(
            "ignore", category=SecurityWarning
        )  # about root and pickle; we take JSON only
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)  # about late acks: none here
        signals.setup_logging.connect(_leave_logging_alone)
        for name in _WORDY:
            logging.getLogger(name).setLevel(logging.WARNING)
        app.steps["consumer"].add(_WakeUp)
        worker = _Worker(
            app=app,
            hostname=self.node,
            pool=_Slots,
            concurrency=self.slots,
            without_gossip=True,
            without_mingle=True,
            quiet=True,
            loglevel=logging.WARNING,
            queues=[self.own, self.shared] if self._takes_shared else [self.own],
        )
        self._worker = worker
        self.heed_signals()
        worker.start()
        return int(worker.exitcode or 0)

    def heed_signals(self) -> None:
        """Stop at SIGTERM or SIGINT from now on, even before the first message. In the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        if state.should_stop is not None:
            os._exit(1)
        state.should_stop = os.EX_OK
        self.stopping()

    def _perform(self, *numbers: int) -> None:
        """Run what a message names, attempt id and token of each, one after another.

        What is left of it when the worker is told to stop, the farm says again.
        """
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        rows = self._task.request.get(HEADER) if self.events else None
        if not rows:
            self.run(pairs, Nobody())
            return
        watcher = EventWatcher(self._tell, dict(zip((number for number, _ in pairs), rows, strict=True)))
        self.run(pairs, watcher)
        watcher.close()

    def _tell(self, event: str, **about: Any) -> None:
        """Events are gathered, and sent by Celery's own loop; while it has no connection they are lost."""
        dispatcher = getattr(getattr(self._worker, "consumer", None), "event_dispatcher", None)
        if dispatcher is not None:
            dispatcher.send(event, **about)

    def _reconcile(self) -> None:
        """Runs in Celery's own loop. What is selected here is taken up again after a lost connection too."""
        consumer = getattr(self._worker, "consumer", None)
        taking = getattr(consumer, "task_consumer", None)
        if consumer is None or taking is None:
            return
        if self._takes_shared != taking.consuming_from(self.shared):
            (consumer.add_task_queue if self._takes_shared else consumer.cancel_task_queue)(self.shared)


class _Worker(Worker):  # type: ignore[misc]  # Celery is untyped
    """Celery's worker without its own manners on signals: Consumer.heed_signals has ours."""

    def install_platform_tweaks(self, worker: Any) -> None:
        pass


class _Slots(TaskPool):  # type: ignore[misc]  # Celery is untyped
    """Celery's pool of threads, which says when a slot has become free.

    Without prefetching Celery asks for no message while every slot is busy, and looks again only when
    something wakes its loop: with nothing to acknowledge, up to a second later.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.freed, self._free = socket.socketpair()
        self.freed.setblocking(False)
        self._free.setblocking(False)

    def on_apply(self, *args: Any, **options: Any) -> ApplyResult:
        result = super().on_apply(*args, **options)
        result.f.add_done_callback(self._wake)
        return result

    def on_stop(self) -> None:
        super().on_stop()
        self.freed.close()
        self._free.close()

    def _wake(self, _done: object) -> None:
        with suppress(OSError):  # full of wake-ups, one of which is enough; or nobody listens any more
            self._free.send(b"!")


class _WakeUp(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """Lets the pool wake Celery's loop; the loop forgets it with each connection that is lost."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def register_with_event_loop(self, consumer: Any, hub: Any) -> None:
        freed = consumer.pool.freed
        hub.add_reader(freed, _drain, freed)


def _drain(freed: socket.socket) -> None:
    with suppress(OSError):
        freed.recv(4096)


def _leave_logging_alone(**_: object) -> None:
    """Connected so that Celery does not configure logging: whoever started the worker did."""
