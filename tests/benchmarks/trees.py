"""What a process and all below it take, by the kernel's own account: memory now, CPU seconds so far."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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

    def _processes(self) -> Iterator[int]:
        found = [self.root]
        for pid in found:
            yield pid
            found += _children(pid)


def _children(pid: int) -> list[int]:
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):  # it, or a thread of it, has ended meanwhile
        return []
    return [int(child) for text in lists for child in text.split()]


def _field(pid: int, file: str, name: str) -> int:
    """A number of a file of /proc; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) * _TICK_S
