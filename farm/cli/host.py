"""Opens the farm's own store, for commands that run on its host."""

from collections.abc import Iterator
from contextlib import contextmanager

from farm.cli.console import remark
from farm.cli.running import require_home
from farm.doors.hall import Hall, open_hall
from farm.settings import Settings


@contextmanager
def opened_hall() -> Iterator[Hall]:
    """The hall of the farm that the FARM_* variables name; says so where it makes a new one."""
    settings = Settings()
    require_home(settings)
    if settings.database_url is None and not settings.embedded_store.exists():
        remark(
            f"A new farm is made in {settings.root}. If yours lies elsewhere, set FARM_HOME to its folder."
        )
    hall = open_hall(settings)
    try:
        yield hall
    finally:
        hall.close()
