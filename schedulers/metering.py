"""Serves /metrics for as long as a scheduler runs. Knows nothing of what is measured."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from farm.doors.hall import Hall
from farm.errors import FarmUnavailable
from farm.metrics import Meter

log = structlog.get_logger(__name__)

_AGAIN_S = 5.0


@contextmanager
def metering(
    meter: Meter, hall: Hall, host: str | None, port: int | None, again_s: float = _AGAIN_S
) -> Iterator[None]:
    """Serve it while the block runs; None is what the configs say.

    Raises FarmUnavailable where a `port` that was asked for is taken. The configs' may be another scheduler's
    of this host: then it is served as soon as that one has gone, for this one will be the next to lead.
    """
    rules = hall.catalog.metrics
    door = _Door(lambda: meter.serve(hall, host or rules.host, port or rules.port), again_s)
    try:
        door.open()
    except FarmUnavailable as error:
        if port is not None:
            raise
        log.warning("no_metrics", error=error.message)
        door.open_later()
    try:
        yield
    finally:
        door.close()


class _Door:
    """Opened once: at once, or from a thread of its own that tries again and again."""

    def __init__(self, serve: Callable[[], Callable[[], None]], again_s: float) -> None:
        self._serve = serve
        self._again_s = again_s
        self._stop: Callable[[], None] | None = None
        self._closing = threading.Event()
        self._trying: threading.Thread | None = None

    def open(self) -> None:
        self._stop = self._serve()

    def open_later(self) -> None:
        self._trying = threading.Thread(target=self._try, name="metrics-port", daemon=True)
        self._trying.start()

    def close(self) -> None:
        self._closing.set()
        if self._trying is not None:
            self._trying.join()
        if self._stop is not None:
            self._stop()

    def _try(self) -> None:
        while not self._closing.wait(self._again_s):
            try:
                self.open()
            except FarmUnavailable:
                continue
            log.info("metrics_served")
            return
