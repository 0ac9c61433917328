"""The farm that runs on a FARM_HOME: how others find it, and that there is only one."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from farm.errors import Conflict, FarmUnavailable
from farm.settings import Settings

_NOTE = "farm.json"
_KEY = "key"
_OWNER = "owner.lock"
_GUESTS = "guests.lock"
_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class RunningFarm:
    """What `farm up` leaves in FARM_HOME/run/farm.json while it serves. `started_at` is in Unix seconds."""

    url: str
    redis_url: str
    pid: int
    started_at: float


def write_note(settings: Settings, farm: RunningFarm) -> None:
    """Say where the farm is reached; readers see the old note or the new one, never half.

    For this user alone: the embedded server's password is in its URL.
    """
    _write(settings.run_dir / _NOTE, json.dumps(asdict(farm), indent=2) + "\n", mode=0o600)


def forget_note(settings: Settings) -> None:
    """Take the note away."""
    (settings.run_dir / _NOTE).unlink(missing_ok=True)


def running_farm(settings: Settings) -> RunningFarm | None:
    """The farm that now runs on this FARM_HOME, or None; a note left by a killed one does not count."""
    try:
        farm = RunningFarm(**json.loads((settings.run_dir / _NOTE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return farm if is_owned(settings) else None


def write_key(settings: Settings, text: str) -> None:
    """Keep the local account's key for this user's own commands."""
    _write(settings.run_dir / _KEY, text + "\n", mode=0o600)


def local_key(settings: Settings) -> str | None:
    """The local account's key, if `farm up` has ever made one here."""
    try:
        return (settings.run_dir / _KEY).read_text().strip() or None
    except FileNotFoundError:
        return None


def require_home(settings: Settings) -> None:
    """Make FARM_HOME where it is missing. Raises FarmUnavailable when there can be no folder."""
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = "it is no folder" if settings.root.exists() else error.strerror
        raise FarmUnavailable(
            f"FARM_HOME: {settings.root} cannot be used: {what}.", param="FARM_HOME"
        ) from error


@contextmanager
def ownership(settings: Settings) -> Iterator[None]:
    """Be the one farm of this FARM_HOME. Raises Conflict naming the other one.

    The lock dies with its process, so a killed farm leaves nothing to clean up.
    """
    require_home(settings)
    with _open(settings.run_dir / _OWNER) as file:
        if not _locked_in_time(file):
            raise Conflict(_taken(settings))
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def is_owned(settings: Settings) -> bool:
    """Whether a farm has this FARM_HOME: it serves, or it is just starting or stopping."""
    return _is_locked(settings.run_dir / _OWNER, fcntl.LOCK_SH)


@contextmanager
def guest(settings: Settings) -> Iterator[None]:
    """Use a farm that another command started for itself: it does not stop before its guests have gone.

    Blocks while that farm is stopping; look again whether it runs.
    """
    with _open(settings.run_dir / _GUESTS) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def without_guests(settings: Settings, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Wait until every guest has gone, and let none in during the block."""
    with _open(settings.run_dir / _GUESTS) as file:
        if not _try_lock(file, fcntl.LOCK_EX):
            when_waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _taken(settings: Settings) -> str:
    farm = running_farm(settings)
    where = f" at {farm.url} (pid {farm.pid})" if farm else ""
    return f"A farm already runs on {settings.root}{where}. Use it, stop it, or set another FARM_HOME."


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+")


def _is_locked(path: Path, kind: int) -> bool:
    """Whether somebody holds a lock that a lock of this kind does not bear."""
    if not path.exists():
        return False
    with path.open("a+") as file:
        return not _try_lock(file, kind)


def _locked_in_time(file: IO[str]) -> bool:
    """Take the lock, again for a moment: a command that only looks holds it too, very shortly."""
    deadline = time.monotonic() + _PATIENCE_S
    while not _try_lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    draft.replace(path)
