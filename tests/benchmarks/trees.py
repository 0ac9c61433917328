"""What a process and all below it take, by the kernel's own account: memory now, CPU seconds so far."""

import os
from dataclasses import dataclass

from tests.processes import below, read, stat_of

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Tree:
    """A process by its id."""

    root: int

    @property
    def memory_mb(self) -> float:
        """Megabytes (10^6). A page that several processes share counts in equal parts for each (PSS)."""
        return sum(_field(pid, "smaps_rollup", "Pss:") for pid in self._processes()) * 1024 / _MB

    @property
    def cpu_s(self) -> float:
        """Of those that live, and of those that ended and were waited for."""
        return sum(_cpu_s(pid) for pid in self._processes())

    def _processes(self) -> list[int]:
        return [self.root, *below(self.root)]


def _field(pid: int, file: str, name: str) -> int:
    """A number of a file of /proc; 0 for a process that has ended."""
    lines = read(pid, file).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _cpu_s(pid: int) -> float:
    return sum(int(ticks) for ticks in stat_of(pid)[11:15]) * _TICK_S
