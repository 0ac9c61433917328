"""A queue of writers before one SQLite file, across threads and processes.

Whoever finds SQLite's own lock taken sleeps, longer each time, up to a tenth of a second, and asks again:
under load the file lies idle between its writers. Here they ask every millisecond or sooner. Nothing depends
on it: SQLite's lock still decides, and a writer that bypasses the queue harms nobody.
"""

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0001, 0.001


class Gate:
    """One connection's place in the queue."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for those before; after a second go on all the same, for one of them may have been frozen."""
        taken = self._take()
        try:
            yield
        finally:
            if taken:
                fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._handle)

    def _take(self) -> bool:
        pause_s, until = _FIRST_PAUSE_S, time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
            else:
                return True
        return False
