"""Runs the Celery worker inside a farm worker: it receives, and its threads run what it is given."""

import logging
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from celery import signals
from celery.apps.worker import Worker
from celery.exceptions import SecurityWarning
from celery.worker import state

from farm.broker.app import RUN, celery_app, queues

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Consumer:
    """What to take from where. `node` is the worker's name in Flower, `slots` the threads.

    `run` gets attempt id and token, in one of the threads. `stopping` is called once, in the signal handler
    of the first SIGTERM or SIGINT, and must only set a flag; the second signal ends the process at once.
    """

    url: str
    node: str
    queues: Sequence[str]
    slots: int
    run: Callable[[int, int], None]
    stopping: Callable[[], None]

    def consume(self) -> int:
        """Take messages until told to stop; blocks the main thread. Returns the exit status.

        A broker that goes away is waited for, however long.
        """
        app = celery_app(self.url)
        app.conf.task_queues = queues(self.queues)
        app.task(self.run, name=RUN, ignore_result=True)
        warnings.filterwarnings(
            "ignore", category=SecurityWarning
        )  # about root and pickle; we take JSON only
        signals.setup_logging.connect(_leave_logging_alone)
        worker = _Worker(
            app=app,
            hostname=self.node,
            pool="threads",
            concurrency=self.slots,
            without_gossip=True,
            without_mingle=True,
            quiet=True,
            loglevel=logging.WARNING,
        )
        worker.stopping = self.stopping
        worker.start()
        return int(worker.exitcode or 0)


class _Worker(Worker):  # type: ignore[misc]  # Celery is untyped
    """Celery's worker with our manners on signals."""

    stopping: Callable[[], None]

    def install_platform_tweaks(self, worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        if state.should_stop is not None:
            os._exit(1)
        state.should_stop = os.EX_OK
        self.stopping()


def _leave_logging_alone(**_: object) -> None:
    """Connected so that Celery does not configure logging: whoever started the worker did."""
