"""The store's clock: every host reads the database's time, so that a lease means the same to all."""

import threading
import time

from sqlalchemy import text

from farm.clock import Clock, SystemClock
from farm.store.engine import Store, StoreAway

_MEASURE_EVERY_S = 60.0
_NOW = text("SELECT extract(epoch FROM clock_timestamp())")


class StoreClock:
    """The host's clock, corrected by its distance from PostgreSQL's, which is measured once a minute."""

    def __init__(self, store: Store, host: Clock | None = None) -> None:
        self._store = store
        self._host = host or SystemClock()
        self._lock = threading.Lock()
        self._ahead_s = 0.0  # what the store's clock is ahead of the host's
        self._measured_at = float("-inf")

    def now(self) -> float:
        if time.monotonic() - self._measured_at > _MEASURE_EVERY_S and self._lock.acquire(blocking=False):
            try:
                self._measure()
            finally:
                self._lock.release()
        return self._host.now() + self._ahead_s

    def _measure(self) -> None:
        """Half the round trip is the error. While the store is away the last distance holds."""
        try:
            with self._store.read() as connection:
                before = self._host.now()
                theirs = float(connection.execute(_NOW).scalar_one())
                after = self._host.now()
            self._ahead_s = theirs - (before + after) / 2
        except StoreAway:
            pass
        self._measured_at = time.monotonic()


def clock_of(store: Store) -> Clock:
    """The clock that judges this store's leases: the machine's for SQLite, the server's for PostgreSQL."""
    return SystemClock() if store.is_sqlite else StoreClock(store)
