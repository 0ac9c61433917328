"""What the kernel tells of processes by their id, through /proc (see proc(5)).

One that is gone is told of as nothing, never as an error: it may end between the opening of its file (then
it is not found) and the reading of it (then there is no such process).
"""

from collections import defaultdict
from contextlib import suppress
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether it runs: a dead one that nobody has waited for yet does not count."""
    return (stat_of(pid) or ["Z"])[0] != "Z"


def command_of(pid: int) -> str:
    """The words it was started with, a blank after each."""
    return read(pid, "cmdline").replace("\0", " ")


def children_of(pid: int) -> list[int]:
    """Those it has started itself and that run."""
    return _families()[pid]


def below(pid: int) -> list[int]:
    """All that run below it, the near ones first."""
    families = _families()
    found = list(families[pid])
    for child in found:
        found += families[child]
    return found


def stat_of(pid: int) -> list[str]:
    """The fields of its `stat` from the third, its state, on. None when it is gone."""
    return read(pid, "stat").rpartition(")")[2].split()


def read(pid: int, file: str) -> str:
    """A file of its folder. Empty when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/{file}").read_text()
    return ""


def _families() -> defaultdict[int, list[int]]:
    """Children by their parents. From all processes: a parent's own list may miss some while others end."""
    found = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := stat_of(int(entry.name))) and fields[0] != "Z":
            found[int(fields[1])].append(int(entry.name))
    return found
