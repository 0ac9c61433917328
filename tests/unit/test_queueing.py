"""Writers of one SQLite file queue up, and one that is frozen in its turn does not stop the others."""

import threading
from pathlib import Path

import pytest

from farm.store import queueing
from farm.store.queueing import Gate


def test_one_at_a_time_across_connections(tmp_path: Path) -> None:
    inside, most, done = [0], [0], [0]

    def write() -> None:
        gate = Gate(tmp_path / "queue")
        for _ in range(50):
            with gate.turn():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                done[0] += 1
                inside[0] -= 1
        gate.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], done[0]) == (1, 200)


def test_who_waits_too_long_goes_on_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "_PATIENCE_S", 0.01)
    frozen, other = Gate(tmp_path / "queue"), Gate(tmp_path / "queue")
    with frozen.turn():
        with other.turn():
            reached = True
        with other.turn():  # nor did it give away what it never had
            assert reached
    frozen.close()
    other.close()
