"""What a customer may be told of is on disk first, whoever writes it."""

import pytest
from sqlalchemy import Connection, text

from farm.settings import Settings
from farm.store.engine import Store
from tests.postgres import Postgres


def level(connection: Connection) -> str:
    return str(connection.execute(text("SHOW synchronous_commit")).scalar_one())


@pytest.mark.slow
def test_a_workers_store_is_relaxed_but_for_what_must_last(postgres: Postgres) -> None:
    store = Store(Settings(database_url=postgres.fresh()).store_url, durable=False)
    with store.write() as connection:
        assert level(connection) == "off"
    with store.write(durable=True) as connection:
        assert level(connection) == "on"
    with store.write() as connection:
        assert level(connection) == "off"
    store.close()
