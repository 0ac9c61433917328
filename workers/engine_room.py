"""The engines of one worker: as many for each resource as it has slots."""

import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from farm.offers import Resource
from workers.engine import Engine
from workers.processors import share


class EngineRoom:
    """Lends engines, the warmest first; one that has a model on a device never to work that needs none.

    Those for processors share these out among themselves.
    """

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._all: list[Engine] = []
        self._idle: dict[str, queue.LifoQueue[Engine]] = {}
        for resource, count in slots.items():
            self._idle[resource] = queue.LifoQueue()
            for _ in range(count):
                engine = Engine(share(count) if resource == Resource.CPU else None)
                self._all.append(engine)
                self._idle[resource].put(engine)

    @property
    def models(self) -> tuple[str, ...]:
        """What lies loaded in any of them, by name."""
        return tuple(sorted({model for engine in self._all for model in engine.models}))

    @contextmanager
    def lent(self, resource: str, affinity: str | None) -> Iterator[Engine]:
        """An engine for a task; waits for one. A resource that was not announced gets another's."""
        idle = self._idle.get(resource) or next(iter(self._idle.values()))
        engine = _warmest(idle, affinity)
        try:
            yield engine
        finally:
            idle.put(engine)

    def close(self) -> None:
        """End those that are idle."""
        for idle in self._idle.values():
            while not idle.empty():
                idle.get().close()


def _warmest(idle: "queue.LifoQueue[Engine]", affinity: str | None) -> Engine:
    """The one that has the model, else the one used last."""
    engine = idle.get()
    others: list[Engine] = []
    while affinity is not None and affinity not in engine.models:
        try:
            others.append(idle.get_nowait())
        except queue.Empty:
            break
        if affinity in others[-1].models:
            engine, others[-1] = others[-1], engine
    for other in reversed(others):
        idle.put(other)
    return engine
