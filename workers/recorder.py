"""Gathers attempts that end within milliseconds, so that one transaction records them all.

An end that follows on no other is recorded at once, by whoever brings it; nobody waits for the others' sake.
Knows when to record; not what, nor how.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_TOGETHER_S = 0.003
T = TypeVar("T")


class Recorder(Generic[T]):
    """Calls `record`, which must not raise, with one end or several, in their order."""

    def __init__(self, record: Callable[[Sequence[T]], None]) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._waiting: list[T] = []
        self._latest = float("-inf")
        self._wanted = threading.Event()
        threading.Thread(target=self._keep, name="recorder", daemon=True).start()

    def add(self, ended: T) -> None:
        """Record it: now, or within milliseconds if another has come just before."""
        with self._lock:
            now = time.monotonic()
            alone = now - self._latest >= _TOGETHER_S and not self._waiting
            self._latest = now
            if not alone:
                self._waiting.append(ended)
        if alone:
            self._record([ended])
        else:
            self._wanted.set()

    def _keep(self) -> None:
        while self._wanted.wait():
            time.sleep(_TOGETHER_S)
            with self._lock:
                gathered, self._waiting = self._waiting, []
                self._wanted.clear()
            self._record(gathered)
