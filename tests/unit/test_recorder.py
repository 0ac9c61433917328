"""Ends that come within milliseconds are recorded together; one that comes alone waits for nobody."""

import threading
from collections.abc import Sequence

from workers.recorder import Recorder

PATIENCE_S = 10.0


def test_one_alone_is_recorded_at_once_by_who_brings_it() -> None:
    seen: list[tuple[Sequence[int], threading.Thread]] = []
    Recorder[int](lambda ended: seen.append((ended, threading.current_thread()))).add(7)
    assert seen == [([7], threading.current_thread())]


def test_each_of_many_is_recorded_once() -> None:
    count, seen, all_seen = 400, list[int](), threading.Event()

    def record(ended: Sequence[int]) -> None:
        seen.extend(ended)
        if len(seen) == count:
            all_seen.set()

    recorder = Recorder[int](record)

    def bring(first: int) -> None:
        for number in range(first, count, 4):
            recorder.add(number)

    sides = [threading.Thread(target=bring, args=[first]) for first in range(4)]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    assert all_seen.wait(PATIENCE_S)
    assert sorted(seen) == list(range(count))
