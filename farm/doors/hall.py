"""The hall: everything a door needs, injected once per process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from farm.broker.bell import Bell, RedisBell, SilentBell
from farm.broker.live import Live, RedisLive, SilentLive
from farm.catalog import Catalog, read_catalog
from farm.clock import Clock, SystemClock
from farm.ids import Ids, RandomIds
from farm.net.guard import Guard, own_places
from farm.secrets import Secrets
from farm.settings import Settings
from farm.store.clock import clock_of
from farm.store.engine import Store
from farm.store.schema_version import migrate, require_current


@dataclass(frozen=True, slots=True)
class Hall:
    """The store, the clock, the bell and the rest, for one process."""

    store: Store
    catalog: Catalog
    secrets: Secrets
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    bell: Bell = field(default_factory=SilentBell)
    live: Live = field(default_factory=SilentLive)
    pause: Callable[[float], None] = time.sleep
    guard: Guard = field(default_factory=Guard)

    def close(self) -> None:
        self.store.close()


def open_hall(settings: Settings, *, durable: bool = True) -> Hall:
    """Open the store and the broker that the settings name.

    An embedded SQLite store is brought to the current schema; any other store must be (`farm migrate`).
    Raises FarmUnavailable with the mend.
    """
    store = Store(settings.store_url, durable=durable)
    if settings.database_url is None:
        migrate(store)
    else:
        require_current(store)
    url, catalog = settings.redis_url, read_catalog(settings)
    return Hall(
        store=store,
        catalog=catalog,
        secrets=Secrets.of(settings),
        clock=clock_of(store),
        bell=RedisBell(url) if url else SilentBell(),
        live=RedisLive(url, **catalog.logs.model_dump()) if url else SilentLive(),
        guard=Guard(catalog.outbound, own=own_places(settings)),
    )
