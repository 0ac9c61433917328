"""Holds an attempt's lease: says that it lives, hears whether to stop, passes progress and log lines on."""

import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

import structlog

from farm.doors.hall import Hall
from farm.doors.work import Claimed, beat
from farm.job import LogLine
from workers.stop_sign import Reason, StopSign

_log = structlog.get_logger(__name__)
_PENDING = 1000  # lines; an engine that floods its log loses the oldest


class Lease:
    """A thread that beats while the block runs. What it hears it shows on the attempt's sign."""

    def __init__(self, hall: Hall, claimed: Claimed, sign: StopSign) -> None:
        self._hall = hall
        self._claimed = claimed
        self._sign = sign
        self._news = threading.Condition()
        self._progress = (0.0, "")
        self._told = self._progress
        self._lines: deque[LogLine] = deque(maxlen=_PENDING)
        self._sending = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._keep, name=f"lease-{claimed.attempt_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            self._over = True
            self._news.notify()

    def progress(self, fraction: float, stage: str) -> None:
        """Note how far the attempt is; watchers hear of it at once, the store at the next beat."""
        with self._news:
            self._progress = (fraction, stage)
            self._news.notify()

    def log(self, line: str, *, private: bool = False) -> None:
        """Add a line to the job's log, very soon; a `private` one is for operators only."""
        with self._news:
            self._lines.append(LogLine(self._claimed.task_name, self._claimed.attempt_id, line, private))
            self._news.notify()

    def flush(self) -> None:
        """Send what was logged, so that whoever sees the attempt's end has its last lines."""
        with self._sending:
            with self._news:
                lines = list(self._lines)
                self._lines.clear()
            self._hall.live.log(self._claimed.job_id, lines)

    def _keep(self) -> None:
        every_s = self._hall.catalog.scheduling.beat_s
        next_at = time.monotonic() + every_s
        while True:
            with self._news:
                self._news.wait_for(self._has_news, max(0.0, next_at - time.monotonic()))
                if self._over:
                    return
            self._tell()
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + every_s
                self._beat()

    def _has_news(self) -> bool:
        return self._over or bool(self._lines) or self._told != self._progress

    def _tell(self) -> None:
        self.flush()
        if self._told != self._progress:
            self._told = fraction, stage = self._progress
            event = {"task": self._claimed.task_name, "progress": fraction, "stage": stage}
            self._hall.live.tell(self._claimed.job_id, event)

    def _beat(self) -> None:
        try:
            heard = beat(self._hall, self._claimed.attempt_id, self._claimed.token, *self._progress)
        except Exception:  # part of the runner: a beat that fails must not end the beating
            _log.exception("beat_failed", attempt=self._claimed.attempt_id, job=self._claimed.job_id)
            return
        if not heard.ours:
            self._sign.show(Reason.NOT_OURS)
        elif heard.cancel:
            self._sign.show(Reason.CANCELLED)
