"""Which pools can run on this machine: what each needs and whether it is installed. Imports none of it."""

import importlib.util
from collections.abc import Sequence

from farm.catalog import Catalog
from farm.errors import BadRequest, FarmUnavailable


def lacking_modules(catalog: Catalog, pool: str) -> list[str]:
    """The modules of a pool that are not installed here."""
    return [name for name in catalog.pools[pool].modules if importlib.util.find_spec(name) is None]


def require_pool(catalog: Catalog, pool: str) -> None:
    """Raise BadRequest, naming the known ones, unless the pool exists."""
    if pool not in catalog.pools:
        raise BadRequest(f"There is no pool {pool!r}. Known: {', '.join(catalog.pools)}.", param="pool")


def runnable_pools(catalog: Catalog, wanted: Sequence[str]) -> list[str]:
    """The wanted pools, or all whose modules are installed. Raises for a wanted one that cannot run here."""
    for pool in wanted:
        require_pool(catalog, pool)
        if lacking := lacking_modules(catalog, pool):
            raise FarmUnavailable(
                f"Pool {pool} lacks {', '.join(lacking)}: {install_command(catalog, pool)}", param="pools"
            )
    return [pool for pool in wanted or catalog.pools if not lacking_modules(catalog, pool)]


def install_command(catalog: Catalog, pool: str) -> str:
    """What brings the pool's modules."""
    return f"pip install 'kinefarm[{catalog.pools[pool].extra}]'"
