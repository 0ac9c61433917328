"""What counts as a change to watched files, and when it is over."""

import os
from collections.abc import Iterator
from pathlib import Path

from farm.cli.watching import Seen, seen, until_changed


def test_a_change_counts_once_it_rests_and_one_that_is_undone_does_not():
    before = {Path("a"): (1, 1)}
    looks: Iterator[Seen] = iter(
        [before, {Path("a"): (2, 5)}, before, {Path("a"): (3, 6)}, {Path("a"): (3, 9)}, {Path("a"): (3, 9)}]
    )
    pauses: list[float] = []
    assert until_changed(lambda: next(looks), before, pauses.append) == {Path("a"): (3, 9)}
    assert len(pauses) == 5


def test_files_are_seen_by_time_and_size_but_not_what_is_none_or_is_written(tmp_path: Path):
    for name in ("a.png", ".hidden.png", "notes.txt", "film.mp4"):
        (tmp_path / name).write_bytes(b"12345")
    os.utime(tmp_path / "a.png", ns=(7, 7))
    left_out = frozenset({(tmp_path / "film.mp4").resolve()})
    assert seen([tmp_path, tmp_path / "gone.png"], left_out) == {tmp_path / "a.png": (7, 5)}
    assert seen([tmp_path / "gone"], left_out) == {}
