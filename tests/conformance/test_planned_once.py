"""PostgreSQL plans what every turn asks once: planned anew each time, the pick's reads cost twice as much."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text

from farm.broker.message import Message
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
def test_what_a_dispatch_says_is_planned_once(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.worker(slots=4)
    ada, bob = farm.caller("ada", tier="free"), farm.caller("bob", tier="pro")
    said = set[str]()
    dispatch = farm.scheduler._dispatcher.dispatch

    def overheard(*given: Any) -> list[Message]:
        listen = ("before_cursor_execute", lambda *heard: said.add(_head(heard[2])))
        event.listen(farm.store.engine, *listen)
        try:
            return dispatch(*given)
        finally:
            event.remove(farm.store.engine, *listen)

    monkeypatch.setattr(farm.scheduler._dispatcher, "dispatch", overheard)
    for turn in range(TURNS):
        for _ in range(1 + turn % 5):
            farm.submit(ada, Probe(estimated_s=60))
            farm.submit(bob, Probe(estimated_s=60))
        farm.run_next()
    with farm.store.engine.connect() as connection:
        known = [row for row in connection.execute(PREPARED) if _head(row.statement) in said]
    assert {_head(row.statement) for row in known} == said
    assert len(said) >= 4  # sorts and tiers, lanes, tasks, and what is written
    assert [row for row in known if row.custom_plans > TRIED or not row.generic_plans] == []


def _head(statement: str) -> str:
    """By what it begins with: the driver spells parameters in another way."""
    return " ".join(statement.split())[:60]
