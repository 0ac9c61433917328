"""Says that the worker is here, over and over, and what it can run."""

import logging
import threading
from importlib.util import find_spec
from types import TracebackType
from typing import Self

from farm.catalog import Catalog
from farm.doors.hall import Hall
from farm.doors.work import WorkerCard, announce, leave, seen
from farm.kinds import POOLS, registry
from farm.states import WorkerState

_log = logging.getLogger(__name__)


def runnable(catalog: Catalog, pool: str) -> list[str]:
    """The kinds, as `name@version`, of which a worker of this pool can perform at least one step here."""
    complete = all(find_spec(module) is not None for module in catalog.pools[pool].modules)
    return sorted(
        kind.announced
        for kind in registry().values()
        if any(_performs(pool, complete, performer) for performer in kind.steps.values())
    )


class Presence:
    """The worker's announcement, kept fresh by a thread while the block runs."""

    def __init__(self, hall: Hall, card: WorkerCard) -> None:
        self._hall = hall
        self._card = card
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="presence", daemon=True)

    def __enter__(self) -> Self:
        announce(self._hall, self._card)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

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
                _log.exception("the worker could not say that it lives")

    def _say(self) -> None:
        wanted = seen(self._hall, self._card.name)
        if wanted is WorkerState.OFFLINE and not self._over.is_set():  # counted as gone, or the row was lost
            announce(self._hall, self._card, restarted=False)


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
