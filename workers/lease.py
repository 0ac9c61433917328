"""Holds attempts' leases: says that they live, hears whether to stop, passes progress, logs and previews on.

One thread looks after all attempts of a worker, ten times a second. So one that ends before it is looked at
costs the farm no beat, no thread, and tells nobody of its progress.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from farm.doors.hall import Hall
from farm.doors.work import Claimed, beat
from farm.job import LogLine
from farm.preview import Preview
from workers.stop_sign import Reason, StopSign

_log = structlog.get_logger(__name__)
_LOOK_S = 0.1
_LONGEST_WAIT_S = 2.0  # of one that was claimed together with others, for those before it
_PENDING = 1000  # lines; an engine that floods its log loses the oldest


class Leases:
    """The attempts that a worker holds. What is heard of one is shown on its sign.

    `late` is called, in the thread that looks after them, with one that waited too long and will not begin.
    """

    def __init__(self, hall: Hall, late: Callable[[Claimed], None]) -> None:
        self._hall = hall
        self._late = late
        self._lock = threading.Lock()
        self._held: dict[int, Lease] = {}
        self._any = threading.Event()
        threading.Thread(target=self._keep, name="leases", daemon=True).start()

    def hold(self, claimed: Claimed, sign: StopSign) -> "Lease":
        """Keep the attempt's lease, until it is let go."""
        lease = Lease(self._hall, claimed, sign)
        with self._lock:
            self._held[claimed.attempt_id] = lease
            self._any.set()
        return lease

    def let_go(self, claimed: Claimed) -> None:
        """Beat for it no more. Nothing happens when that was said before."""
        with self._lock:
            self._held.pop(claimed.attempt_id, None)

    def _keep(self) -> None:
        while True:
            self._any.wait()
            time.sleep(_LOOK_S)
            held = self._now_held()
            _beat(held)
            for lease in held:
                if lease.tell():
                    _beat(held)  # again and again: a slow Redis must cost nobody a lease, nor a slow store
                if lease.call_off(_LONGEST_WAIT_S):
                    self._late(lease.claimed)
                    _beat(held)

    def _now_held(self) -> Sequence["Lease"]:
        with self._lock:
            if not self._held:
                self._any.clear()
            return list(self._held.values())


def _beat(held: Sequence["Lease"]) -> None:
    for lease in held:
        lease.beat_in_time()


class Lease:
    """One attempt's."""

    def __init__(self, hall: Hall, claimed: Claimed, sign: StopSign) -> None:
        self.claimed = claimed
        self._hall = hall
        self._sign = sign
        self._turn = threading.Lock()
        self._waits = True
        self._since = time.monotonic()
        self._beat_at = time.monotonic() + hall.catalog.scheduling.beat_s
        self._progress = (0.0, "")
        self._told = self._progress
        self._lines: deque[LogLine] = deque(maxlen=_PENDING)
        self._preview: Preview | None = None
        self._sending = threading.Lock()

    def begin(self) -> bool:
        """Begin with the attempt. False when it was called off."""
        return self._stop_waiting()

    def call_off(self, longest_s: float) -> bool:
        """Let it begin no more, if it has waited longer than that. True for the one call that does it."""
        return self._waits and time.monotonic() - self._since > longest_s and self._stop_waiting()

    def _stop_waiting(self) -> bool:
        with self._turn:
            waited, self._waits = self._waits, False
        return waited

    def progress(self, fraction: float, stage: str) -> None:
        """Note how far the attempt is; watchers hear of it very soon, the store at the next beat."""
        self._progress = (fraction, stage)

    def log(self, line: str, *, private: bool = False) -> None:
        """Add a line to the job's log, very soon; a `private` one is for operators only."""
        self._lines.append(LogLine(self.claimed.task_name, self.claimed.attempt_id, line, private))

    def preview(self, jpeg: bytes) -> None:
        """Show it very soon, unless another comes before."""
        self._preview = Preview(jpeg, self.claimed.task_name, self._hall.clock.now())

    def flush(self) -> bool:
        """Send what was logged, if anything, so that whoever sees the attempt's end has its last lines."""
        with self._sending:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                self._hall.live.log(self.claimed.job_id, lines)
        return bool(lines)

    def tell(self) -> bool:
        """Pass on what is new, if anything is."""
        spoke = self.flush()
        preview, self._preview = self._preview, None
        if preview is not None:
            spoke = True
            self._hall.live.show(self.claimed.job_id, preview)
        if self._told != self._progress:
            spoke = True
            self._told = fraction, stage = self._progress
            event = {"task": self.claimed.task_name, "progress": fraction, "stage": stage}
            self._hall.live.tell(self.claimed.job_id, event)
        return spoke

    def beat_in_time(self) -> None:
        """Say that the attempt lives, when that is due."""
        if time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + self._hall.catalog.scheduling.beat_s
        try:
            heard = beat(self._hall, self.claimed.attempt_id, self.claimed.token, *self._progress)
        except Exception:  # part of the runner: a beat that fails must not end the beating
            _log.exception("beat_failed", attempt=self.claimed.attempt_id, job=self.claimed.job_id)
            return
        if not heard.ours:
            self._sign.show(Reason.NOT_OURS)
        elif heard.cancel:
            self._sign.show(Reason.CANCELLED)
