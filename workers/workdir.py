"""Folders for attempts, removed whatever happens: by the worker, or by the next one when it was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

_log = structlog.get_logger(__name__)
_LOCK = ".lock"


class Workshop:
    """This worker's own folder under `root`, locked while it lives; unlocked ones are leftovers, and go."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / _LOCK):  # a folder is never seen made but not yet locked
            _sweep(root)
            self._folder = Path(tempfile.mkdtemp(prefix="worker-", dir=root))
            self._lock = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    @contextmanager
    def folder(self, attempt_id: int) -> Iterator[Path]:
        """The place of a folder for one attempt. Whoever needs it makes it; what is there afterwards goes."""
        place = self._folder / str(attempt_id)
        try:
            yield place
        finally:
            if place.exists():
                shutil.rmtree(place, onerror=_say)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(root: Path) -> None:
    for folder in root.glob("worker-*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except FileNotFoundError:
            continue  # being removed by its worker
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, onerror=_say)
        except BlockingIOError:
            continue  # its worker lives
        finally:
            os.close(lock)


def _say(_function: object, path: str, _error: object) -> None:
    _log.warning("not_removed", path=str(path))
