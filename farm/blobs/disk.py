"""Writing local files whole or not at all, and saying so when the disk is full."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from farm.errors import FailureClass, TaskFailure

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def full_disk_named(where: Path) -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" into TaskFailure (disk_full)."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TaskFailure(
            f"No space is left on the disk of {where}.", FailureClass.DISK_FULL, code="disk_full"
        ) from error


@contextmanager
def landing(path: Path) -> Iterator[BinaryIO]:
    """A file that appears at `path`, replacing what is there, only when the block ends well."""
    draft = path.with_name(f".partial-{secrets.token_hex(8)}")
    try:
        with full_disk_named(path.parent):
            with draft.open("xb") as file:
                yield file
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Ask the disk to keep a file or a folder's entries now. A power cut later loses neither."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
