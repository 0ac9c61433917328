"""Keeps a process out of real-time scheduling.

SVT-AV1, where it may (as root, as in many containers), makes its threads and the one that opens it real-time
threads of the highest priority. All that the process starts later inherits that, and everything else on the
machine, heartbeats among it, waits for the film.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")
_REAL_TIME = {getattr(os, name) for name in ("SCHED_FIFO", "SCHED_RR") if hasattr(os, name)}


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """After the block no thread is real-time that was not before it, new ones included. Linux only."""
    if not _THREADS.exists() or (usual := os.sched_getscheduler(0)) in _REAL_TIME:
        yield  # nothing to look at, or an operator's own wish
        return
    try:
        yield
    finally:
        for thread in _THREADS.iterdir():
            with suppress(ProcessLookupError):  # it has ended
                if os.sched_getscheduler(int(thread.name)) in _REAL_TIME:
                    os.sched_setscheduler(int(thread.name), usual, os.sched_param(0))
