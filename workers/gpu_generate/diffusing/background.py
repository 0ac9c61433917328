"""Runs what takes minutes and cannot be stopped beside the thread that waits for it, which can be stopped."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_S = 0.05  # between two looks for a cancel


class Background(Generic[T]):
    """`work`, begun at once in a thread of its own. It goes on when nobody waits for it any more."""

    def __init__(self, work: Callable[[], T]) -> None:
        thread = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._future = thread.submit(work)
        thread.shutdown(wait=False)

    def result(self, checkpoint: Callable[[], None]) -> T:
        """What it makes. Raises what it raised, and what `checkpoint` raises, which is called meanwhile."""
        while not wait([self._future], timeout=_LOOK_S).done:
            checkpoint()
        return self._future.result()
