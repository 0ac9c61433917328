"""Keeps models loaded, and decides which is let go when another needs its room.

Let go first is what costs least to have again: seconds of loading x how often it is asked for / GiB. The
figures are measured, and outlive the model. For one thread; knows nothing of torch.
"""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
_HALF_LIFE_S = 1_800.0  # of what is known about how often a model is asked for
_GIB = 1 << 30


@dataclass(slots=True)
class Record:
    """What is known of a model, loaded or not."""

    size_bytes: int = 0
    load_s: float = 0.0
    asked: float = 0.0  # how often, of late
    at: float = 0.0

    def ask(self, now: float) -> None:
        self.asked = self.asked_by(now) + 1.0
        self.at = now

    def asked_by(self, now: float) -> float:
        """How often it was asked for, what is long ago counting less."""
        left: float = 0.5 ** (max(0.0, now - self.at) / _HALF_LIFE_S)
        return self.asked * left

    def worth(self, now: float) -> float:
        """What it saves for each GiB that it takes."""
        return self.load_s * self.asked_by(now) * _GIB / max(1, self.size_bytes)


@dataclass(slots=True)
class _Held(Generic[T]):
    model: T
    names: tuple[str, ...]
    in_use: bool = False


@dataclass
class Residents(Generic[T]):
    """Models by what they are made of; each is known under one or more `names`.

    `room` says how many bytes may still be taken; `tidy` gives back what was let go.
    """

    room: Callable[[int], int]
    tidy: Callable[[], None]
    size_of: Callable[[T], int]
    clock: Callable[[], float] = time.monotonic
    loads: int = 0
    _held: dict[Hashable, _Held[T]] = field(default_factory=dict)
    _records: dict[Hashable, Record] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All that is loaded, as the farm calls it."""
        return tuple(sorted({name for held in self._held.values() for name in held.names}))

    @property
    def size_bytes(self) -> int:
        """What all of them take."""
        return sum(self._records[key].size_bytes for key in self._held)

    def held(self, key: Hashable) -> T | None:
        """That model, if it is loaded."""
        return self._held[key].model if key in self._held else None

    @contextmanager
    def used(
        self, key: Hashable, names: tuple[str, ...], load: Callable[[], T], expected_bytes: int
    ) -> Iterator[T]:
        """That model, loaded where it is not, after room was made for it."""
        record = self._records.setdefault(key, Record())
        record.ask(self.clock())
        if key not in self._held:
            self.tidy()  # or caches would count as taken
            self.make_room(record.size_bytes or expected_bytes)
            began = self.clock()
            self.keep(key, names, load(), self.clock() - began)
        held = self._held[key]
        held.in_use = True
        try:
            yield held.model
        finally:
            held.in_use = False

    def keep(self, key: Hashable, names: tuple[str, ...], model: T, load_s: float) -> None:
        """A model that has been loaded, in so many seconds."""
        record = self._records.setdefault(key, Record())
        record.load_s, record.size_bytes = load_s, self.size_of(model)
        self.loads += 1
        self._held[key] = _Held(model, names)

    def make_room(self, needed_bytes: int) -> None:
        """Let go of idle models, the least worth first, until there is so much room or none is idle."""
        while self.room(self.size_bytes) < needed_bytes and (idle := self._idle()):
            self.let_go(idle[0])

    def let_go(self, key: Hashable) -> None:
        """Unload it."""
        del self._held[key]
        self.tidy()

    def let_go_of_idle(self) -> bool:
        """Unload whatever is not in use. Whether there was anything."""
        idle = self._idle()
        for key in idle:
            del self._held[key]
        self.tidy()
        return bool(idle)

    def records(self) -> Mapping[Hashable, Record]:
        return self._records

    def _idle(self) -> list[Hashable]:
        now = self.clock()
        idle = [key for key, held in self._held.items() if not held.in_use]
        return sorted(idle, key=lambda key: self._records[key].worth(now))
