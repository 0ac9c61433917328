"""The operator's door to the store: bring its schema up to date, or see how it stands."""

from farm.settings import Settings
from farm.store import schema_version
from farm.store.engine import Store


def migrate(settings: Settings) -> str:
    """Bring the store to this version's schema. Returns its revision. Raises FarmUnavailable."""
    store = Store(settings.store_url)
    try:
        return schema_version.migrate(store)
    finally:
        store.close()


def require_current(settings: Settings) -> str:
    """The store's revision. Raises FarmUnavailable, naming the mend, unless it is this version's."""
    store = Store(settings.store_url)
    try:
        schema_version.require_current(store)
        return schema_version.head()
    finally:
        store.close()
