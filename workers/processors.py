"""How many threads an engine computes with: its share of the processors that its worker may use.

Said by OMP_NUM_THREADS, the variable that OpenMP, BLAS and torch read, too; who sets it for a worker decides.
"""

import os

THREADS = "OMP_NUM_THREADS"
_GENEROUS = 2


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


def threads() -> int:
    """How many this process computes with: as it was told, else one per processor."""
    told = os.environ.get(THREADS, "").partition(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) else processors()
