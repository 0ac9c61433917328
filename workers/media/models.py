"""Keeps heavy models loaded in an engine process, once each, and lets go of them when memory runs short.

A model that is in use is never let go. Whether memory is short is what the kernel says is available, and
what the container's own limit leaves.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from workers.media.memory import give_back

_LOOK_S = 5.0
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_STATUS = Path("/proc/self/status")
_log = structlog.get_logger(__name__)


@dataclass
class _Loaded:
    """A model, what it took from memory when loaded, how many use it now, and when it was last used."""

    model: object
    size_bytes: int
    users: int = 0
    used_at: float = field(default_factory=time.monotonic)


class ModelKeeper:
    """Models by name. Thread-safe; a loading model holds up whoever else wants one."""

    def __init__(self, available_bytes: Callable[[], int | None], look_s: float = _LOOK_S) -> None:
        self._available_bytes = available_bytes
        self._look_s = look_s
        self._lock = threading.RLock()
        self._loaded: dict[str, _Loaded] = {}
        self._keep_free_bytes = 0
        self._watch: threading.Thread | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What lies loaded, for `Context.warm`."""
        with self._lock:
            return tuple(sorted(self._loaded))

    def size_bytes(self, name: str) -> int:
        """What a loaded model took from memory; 0 for one that is not loaded."""
        with self._lock:
            return self._loaded[name].size_bytes if name in self._loaded else 0

    @contextmanager
    def used(self, name: str, load: Callable[[], object], keep_free_bytes: int) -> Iterator[object]:
        """The model of that name, loaded by `load` if it is not there. It stays until memory is short."""
        with self._lock:
            self._keep_free_bytes = keep_free_bytes
            self.relieve()
            if name not in self._loaded:
                before = _resident_bytes()
                model = load()
                self._loaded[name] = _Loaded(model, max(0, _resident_bytes() - before))
                self._start_watching()
            held = self._loaded[name]
            held.users += 1
        try:
            yield held.model
        finally:
            with self._lock:
                held.users -= 1
                held.used_at = time.monotonic()
            del held

    def relieve(self) -> None:
        """Let go of idle models, the longest unused first, while less is available than is to stay free."""
        with self._lock:
            while (idle := self._idle()) and self._is_short():
                held = self._loaded.pop(idle[0])
                _log.info("model_unloaded", model=idle[0], size_bytes=held.size_bytes)
                del held
                gc.collect()
                give_back()

    def _idle(self) -> list[str]:
        idle = [name for name, held in self._loaded.items() if not held.users]
        return sorted(idle, key=lambda name: self._loaded[name].used_at)

    def _is_short(self) -> bool:
        available = self._available_bytes()
        return available is not None and available < self._keep_free_bytes

    def _start_watching(self) -> None:
        if self._watch is None:
            self._watch = threading.Thread(target=self._relieve_forever, name="models", daemon=True)
            self._watch.start()

    def _relieve_forever(self) -> None:
        while True:
            time.sleep(self._look_s)
            self.relieve()


def available_bytes() -> int | None:
    """What may still be taken: of the machine, or of the container if it has less. None: nobody tells."""
    found = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    if not _MEMINFO.is_file():
        return None
    for line in _MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_container() -> int | None:
    """A limit of cgroup v2 less what is used of it; files the kernel may drop count as free."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = (_CGROUP / "memory.stat").read_text()
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    files = [int(line.split()[1]) for line in stat.splitlines() if line.startswith("inactive_file ")]
    return int(limit) - used + sum(files)


def _resident_bytes() -> int:
    if not _STATUS.is_file():
        return 0
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


KEEPER = ModelKeeper(available_bytes)
