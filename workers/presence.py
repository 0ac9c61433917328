"""Says that the worker is here, over and over, and what it can run."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import TracebackType
from typing import Self

import structlog

from farm.catalog import Catalog
from farm.doors.hall import Hall
from farm.doors.work import WorkerCard, announce, leave, seen
from farm.kinds import POOLS, registry
from farm.states import WorkerState

_log = structlog.get_logger(__name__)


def runnable(catalog: Catalog, pool: str) -> list[str]:
    """The kinds, as `name@version`, of which a worker of this pool can perform at least one step here."""
    complete = all(find_spec(module) is not None for module in catalog.pools[pool].modules)
    return sorted(
        kind.announced
        for kind in registry().values()
        if any(_performs(pool, complete, performer) for performer in kind.steps.values())
    )


class Presence:
    """The worker's announcement, kept fresh by a thread while the block runs.

    It hears back whether the farm wants to send it work, or keeps it out (draining, quarantined).
    """

    def __init__(self, hall: Hall, card: WorkerCard) -> None:
        self._hall = hall
        self._card = card
        self._over = threading.Event()
        self._wanted = WorkerState.ONLINE
        self._hear: Callable[[bool], None] | None = None
        self._models: Callable[[], Sequence[str]] = tuple
        self._thread = threading.Thread(target=self._keep, name="presence", daemon=True)

    def __enter__(self) -> Self:
        if not self._over.is_set():  # told to stop before it came
            self._note(announce(self._hall, self._card))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def tell(self, hear: Callable[[bool], None], models: Callable[[], Sequence[str]] = tuple) -> None:
        """Let `hear` know now, and at every beat, whether the worker is to take what its pool is sent.

        Each beat says which `models` are warm.
        """
        self._hear, self._models = hear, models
        self._note(self._wanted)

    def leave(self) -> None:
        """Say goodbye, for good: nothing new is sent to this worker."""
        if not self._over.is_set():
            self._over.set()
            leave(self._hall, self._card.name)

    def _keep(self) -> None:
        while not self._over.wait(self._hall.catalog.scheduling.beat_s):
            try:
                self._say()
            except Exception:  # part of the runner: one beat that fails must not end the beating
                _log.exception("beat_failed")

    def _say(self) -> None:
        models = tuple(self._models())
        wanted = seen(self._hall, self._card.name, models)
        if wanted is WorkerState.OFFLINE and not self._over.is_set():  # counted as gone, or the row was lost
            wanted = announce(self._hall, replace(self._card, models=models), restarted=False)
        if wanted is not WorkerState.OFFLINE:
            self._note(wanted)

    def _note(self, wanted: WorkerState) -> None:
        if wanted is not self._wanted:
            _log.info("worker_is_wanted", state=wanted.value)
        self._wanted = wanted
        if self._hear is not None:
            self._hear(wanted is WorkerState.ONLINE)


def _performs(pool: str, complete: bool, performer: str) -> bool:
    """A performer inside a pool's package is that pool's alone; any other runs in every pool."""
    module = performer.partition(":")[0]
    home = next((name for name in POOLS if module.startswith(f"workers.{name.replace('-', '_')}.")), None)
    return (home is None or (home == pool and complete)) and _is_there(module)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is missing
        return False
