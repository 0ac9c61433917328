"""`farm` on each engine: what holds on SQLite must hold on PostgreSQL."""

from collections.abc import Iterator

import pytest

from farm.settings import Settings
from tests.farm import Farm

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest) -> str:
    """A database of this engine with nothing in it; PostgreSQL's has its tables."""
    if request.param == "sqlite":
        return "sqlite:///:memory:"
    url: str = request.getfixturevalue("postgres").laid_out()
    return Settings(database_url=url).store_url


@pytest.fixture
def farm(store_url: str) -> Iterator[Farm]:
    """A farm without workers, its clock held."""
    made = Farm(store_url)
    yield made
    made.close()
