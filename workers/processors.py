"""The processors that there are, and how many threads an engine computes with: its share of its worker's.

Said by OMP_NUM_THREADS, the variable that OpenMP, BLAS and torch read, too; who sets it for a worker decides.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

THREADS = "OMP_NUM_THREADS"
_GENEROUS = 2
# OpenBLAS's threads spin in wait for work, from their start on: for 2^this cycles, 2^26 if nobody says it.
_PATIENCE, _SHORT = "OPENBLAS_THREAD_TIMEOUT", "4"
_TOLD = Path("/proc/cpuinfo")


def processors() -> int:
    """Those that this process may run on: in a container, often fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(engines: int) -> dict[str, str]:
    """The variable for each of so many engines of a worker; none where one has the machine to itself.

    Twice what each could have if all were at work: so a film is not slow where the others idle. On two
    processors, four engines with two threads each took 9 % more CPU time than one, with one thread each 5 %.
    """
    if engines == 1 or THREADS in os.environ:
        return {}
    return {THREADS: str(max(1, min(_GENEROUS * processors() // engines, processors())))}


def settle() -> None:
    """Make this process one that computes for minutes: an engine's first act, before numpy is imported.

    Linux then lets its threads finish their turns instead of handing the processor to whichever wakes (on two
    processors 1 to 2 % less CPU time), and whatever is short, heartbeats among it, comes first. Whoever
    chose otherwise, by a scheduling policy of the worker or by the variable, decides, and so does a host that
    forbids it.
    """
    os.environ.setdefault(_PATIENCE, _SHORT)
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def threads() -> int:
    """How many this process computes with: as it was told, else one per processor."""
    told = os.environ.get(THREADS, "").partition(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) else processors()


@cache
def facts() -> Mapping[str, str]:
    """What Linux says of the first processor, by Linux's names (`vendor_id`, `flags`); nothing elsewhere."""
    if not _TOLD.exists():
        return {}
    first, _, _ = _TOLD.read_text().partition("\n\n")
    parted = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in parted}
