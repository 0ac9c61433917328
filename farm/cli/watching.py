"""Waits until files have changed and then rest: asks for their times and sizes again and again."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from farm.media_types import content_type_of

Seen = Mapping[Path, tuple[int, int]]
LOOK_S = 0.4


def seen(sources: Iterable[Path], leave_out: frozenset[Path]) -> Seen:
    """When each file was written, in ns, and its size; of a folder its visible pictures, clips and sounds."""
    found = {}
    for path in _files(sources):
        if path.resolve() in leave_out:
            continue
        try:
            stat = path.stat()
        except OSError:  # gone between listing and asking
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def until_changed(
    look: Callable[[], Seen], before: Seen, pause: Callable[[float], object] = time.sleep
) -> Seen:
    """Wait until files are not as they were `before`, and stay so from one look to the next."""
    last = before
    while True:
        now = look()
        if now != before and now == last:
            return now
        last = now
        pause(LOOK_S)


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        if not source.is_dir():
            yield source
            continue
        try:
            inside = sorted(source.iterdir())
        except OSError:  # the folder is gone, and with it its files
            continue
        yield from (path for path in inside if path.name[0] != "." and content_type_of(path.name))
