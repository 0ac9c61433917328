"""PostgreSQL plans what every turn says once: planned anew each time, a pick costs a third more."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, text

from farm.settings import Settings
from tasks.probe import Probe
from tests.farm import Farm
from tests.postgres import Postgres

TURNS, TRIED = 24, 5  # it tries so many plans of its own before it settles on one for all
PREPARED = text("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")


@pytest.fixture
def farm(postgres: Postgres) -> Iterator[Farm]:
    made = Farm(Settings(database_url=postgres.laid_out()).store_url)
    yield made
    made.close()


@pytest.mark.slow
def test_what_every_turn_says_is_planned_once(farm: Farm) -> None:
    farm.worker(slots=4)
    ada, bob = farm.caller("ada", tier="free"), farm.caller("bob", tier="pro")
    said = set[str]()
    event.listen(farm.store.engine, "before_cursor_execute", lambda *heard: said.add(_head(heard[2])))
    for turn in range(TURNS):
        for _ in range(1 + turn % 5):
            farm.submit(ada, Probe(estimated_s=60))
            farm.submit(bob, Probe(estimated_s=60))
        farm.run_next()
    with farm.store.engine.connect() as connection:
        known = [row for row in connection.execute(PREPARED) if _head(row.statement) in said]
    assert len({_head(row.statement) for row in known}) > 15  # of submits, turns, claims and finishes
    assert [row for row in known if row.custom_plans > TRIED] == []


def _head(statement: str) -> str:
    """By what it begins with: the driver spells parameters in another way."""
    return " ".join(statement.split())[:60]
