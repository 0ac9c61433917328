"""Measures a command as a whole process, by the kernel's own account of it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: user + system CPU of it and the children it waited for, and its peak memory.

    `peak_mb` (10^6 bytes) is the most that lay in memory at once for one process of it, the largest. Pages of
    libraries that others map as well count in full, so where one process does all the work, as in a render
    whose kernels are compiled, it is no less than the whole tree's.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float


# A process's peak memory counts what its parent held when it was started, so a small one starts it.
_LAUNCHER = """
import json, os, sys, time
started = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
cost = (usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6)
os.write(1, json.dumps(cost).encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measure(command: Sequence[str]) -> Cost:
    """Run a command, named by its path, to its end. It must not print.

    Raises CalledProcessError, with what it said, when it fails.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], capture_output=True, text=True, check=True
    )
    return Cost(*json.loads(done.stdout))
