"""Opens the farm's own store, for commands that run on its host."""

from collections.abc import Iterator
from contextlib import contextmanager

from farm.doors.hall import Hall, open_hall
from farm.settings import Settings


@contextmanager
def opened_hall() -> Iterator[Hall]:
    """The hall of the farm that the FARM_* variables name."""
    hall = open_hall(Settings())
    try:
        yield hall
    finally:
        hall.close()
