"""Celery's loop hears of a free slot at once: without prefetching it would look a second later."""

import select
import threading

from farm.broker.consumer import _drain, _Slots

_PATIENCE_S = 30.0


def test_a_slot_that_becomes_free_says_so() -> None:
    pool, go = _Slots(1), threading.Event()
    pool.start()
    pool.on_apply(lambda *_: go.wait(), (), {})
    assert not _readable(pool, 0.0)
    go.set()
    assert _readable(pool, _PATIENCE_S)
    _drain(pool.freed)
    assert not _readable(pool, 0.0)
    pool.on_stop()


def test_more_than_anybody_heard_is_heard_once() -> None:
    pool = _Slots(1)
    for _ in range(100_000):
        pool._wake(None)
    while _readable(pool, 0.0):
        _drain(pool.freed)
    pool._wake(None)
    assert _readable(pool, _PATIENCE_S)
    pool.on_stop()
    pool._wake(None)  # nobody listens any more


def _readable(pool: _Slots, timeout_s: float) -> bool:
    return bool(select.select([pool.freed], [], [], timeout_s)[0])
