"""Mirrors a blob folder: hard links where the file system can, copies where it cannot.

A blob's file is never written again, only replaced or removed, so a link keeps what it was.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from farm.blobs.disk import flush, full_disk_named

_TREES = ("objects", "types")  # what farm.blobs.folder keeps; half an upload is nobody's yet


@dataclass(slots=True)
class Mirrored:
    """How many files were linked and copied, and their bytes, types left out."""

    linked: int = 0
    copied: int = 0
    size_bytes: int = 0


def mirror(source: Path, target: Path) -> Mirrored:
    """Bring every blob of one folder store to another, while the first is in use. Durable when it returns.

    A file that is removed meanwhile is left out. Raises TaskFailure (disk_full).
    """
    done = Mirrored()
    with full_disk_named(target):
        for tree in _TREES:
            for folder, _, names in os.walk(source / tree):
                to = target / tree / Path(folder).relative_to(source / tree)
                to.mkdir(parents=True, exist_ok=True)
                for name in names:
                    _bring(Path(folder) / name, to / name, done if tree == _TREES[0] else Mirrored())
                flush(to)
    return done


def _bring(source: Path, target: Path, done: Mirrored) -> None:
    try:
        size_bytes = source.stat().st_size
        try:
            os.link(source, target)
            done.linked += 1
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
            flush(target)
            done.copied += 1
    except FileNotFoundError:  # retention removed it; its row has expired
        return
    done.size_bytes += size_bytes
