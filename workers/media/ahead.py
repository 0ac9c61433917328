"""Runs an iterator in a thread of its own, a bounded number of items ahead of its reader.

This is the only threading of a render: decoding, composing, mixing sound and encoding are each a plain
generator, and overlap because each runs ahead of the next. Errors of the iterator reach the reader.
"""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Source(Protocol[T_co]):
    """What a generator is to its reader."""

    def __iter__(self) -> Iterator[T_co]: ...

    def close(self) -> None: ...


class Ahead(Generic[T]):
    """Iterate over `source`, which runs at most `depth` items ahead. Close it, or use it in a `with`.

    Once that far ahead it rests until few are left, and makes several at a time: what it works on is still in
    the processor's cache then, and the reader is less often disturbed.
    `depth` + 2 items are alive at most: those waiting, the one last read, and the one being made. That is
    how many buffers a source needs that uses them in turn.
    """

    def __init__(self, source: Source[T], *, depth: int, name: str) -> None:
        self._source = source
        self._depth, self._few = depth, depth // 4
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._run = self._thread.submit(self._produce)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            if self._items:
                item = self._items.popleft()
                if len(self._items) <= self._few:
                    self._changed.notify_all()
                return item
        self._run.result()  # raises what the source raised
        raise StopIteration

    def is_ready(self, within_s: float) -> bool:
        """Wait that long at most; whether an item, or the end, has come."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._items) or self._ended, within_s)

    def close(self) -> None:
        """Stop the source, as soon as its current item is made, and wait for its thread to end."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
        self._thread.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _produce(self) -> None:
        try:
            with closing(self._source):
                for item in self._source:
                    if not self._put(item):
                        return
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            if len(self._items) >= self._depth:
                self._changed.wait_for(lambda: self._closed or len(self._items) <= self._few)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True
