"""Several schedulers: one leads, the others stand by; whoever falls silent is followed by one of them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, select, text, update

from farm.doors.schedulers import list_schedulers
from farm.metrics import Meter, StoreCollector
from farm.settings import Settings
from farm.store.engine import Store
from farm.store.schema import schedulers
from farm.store.turn import _TICK_LOCK, break_frozen_turn, take_turn
from schedulers.lead import Lead
from tests.farm import Farm
from tests.postgres import Postgres
from tests.worker_farm import until

LOOKS = 5


def rows(connection: Connection) -> list[tuple[int | None, int]]:
    return [(row.lead, row.beats) for row in connection.execute(select(schedulers))]


def leads(farm: Farm, count: int) -> list[Lead]:
    """Schedulers of different hosts: none can look for another's process."""
    return [Lead(farm.hall, f"host-{number}") for number in range(count)]


def look_in_vain(lead: Lead, times: int) -> None:
    for _ in range(times):
        assert not lead.look()


def test_the_first_leads_and_the_others_stand_by(farm: Farm) -> None:
    first, second = leads(farm, 2)
    assert first.look()
    for _ in range(20):
        assert first.look()
        assert not second.look()


def test_a_leader_that_falls_silent_is_followed_by_one(farm: Farm) -> None:
    first, second, third = leads(farm, 3)
    assert first.look()
    look_in_vain(second, LOOKS)
    look_in_vain(third, LOOKS)
    assert second.look()
    assert not third.look()
    look_in_vain(third, LOOKS - 1)
    assert not first.look()  # back from the dead: it learns at its first look that another leads


def test_one_beat_ends_the_silence(farm: Farm) -> None:
    first, second = leads(farm, 2)
    first.look()
    look_in_vain(second, LOOKS)
    assert first.look()
    look_in_vain(second, LOOKS)
    assert first.look()


def test_who_leaves_is_followed_at_the_next_look(farm: Farm) -> None:
    first, second = leads(farm, 2)
    first.look()
    assert not second.look()
    first.leave()
    assert second.look()


def test_a_process_of_this_host_that_has_ended_is_followed_at_once(farm: Farm) -> None:
    first, second = leads(farm, 2)
    first.look()
    with farm.store.write() as connection:
        connection.execute(update(schedulers).values(host="host-1", pid=2**22 + 1))
    assert second.look()


def test_a_row_that_was_cleared_away_is_written_again(farm: Farm) -> None:
    first, second = leads(farm, 2)
    first.look()
    second.look()
    first.leave()
    second.leave()
    assert second.look()
    assert not first.look()
    with farm.store.read() as connection:
        assert sorted(lead or 0 for lead, _beats in rows(connection)) == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_of_eight_at_once_one_leads(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'farm.sqlite3'}"
    else:
        url = Settings(database_url=request.getfixturevalue("postgres").laid_out()).store_url
    farm = Farm(url)
    standing = leads(farm, 8)
    with ThreadPoolExecutor(8) as threads:
        while standing:  # whoever leads falls silent at once
            led = list(threads.map(Lead.look, standing))
            assert sum(led) <= 1
            standing = [lead for lead, is_leader in zip(standing, led, strict=True) if not is_leader]
    farm.close()


@pytest.mark.slow
def test_a_turn_that_freezes_between_two_statements_is_ended_by_the_server(postgres: Postgres) -> None:
    frozen, other = (Store(Settings(database_url=postgres.fresh()).store_url) for _ in range(2))
    frozen.close()
    frozen = Store(other.url.render_as_string(hide_password=False))
    with frozen.engine.connect() as mute:
        take_turn(mute)
        with other.write() as connection:
            take_turn(connection)  # waits until the server has ended the mute session
            assert connection.scalar(text("SELECT 1")) == 1
        mute.invalidate()
    for store in (frozen, other):
        store.close()


@pytest.mark.slow
def test_a_turn_that_freezes_within_a_batch_is_ended_by_who_stands_by(
    postgres: Postgres,
) -> None:
    """The server waits for the rest of the batch and does not call that idle."""
    url = postgres.fresh()
    store = Store(Settings(database_url=url).store_url)
    with psycopg.connect(url) as mute:
        mute.execute("SET idle_in_transaction_session_timeout = '100ms'")
        mute.commit()
        batch = mute.pgconn
        batch.enter_pipeline_mode()
        for words in (b"BEGIN", f"SELECT pg_advisory_xact_lock({_TICK_LOCK})".encode()):
            batch.send_query_params(words, None)
        batch.send_flush_request()
        batch.flush()

        def broken() -> int:
            with store.write() as connection:
                return break_frozen_turn(connection)

        until(broken, "the turn is broken")
        batch.finish()
    with store.write() as connection:
        take_turn(connection)
    store.close()


@pytest.mark.slow
def test_a_turn_that_is_at_work_is_not_broken(postgres: Postgres) -> None:
    store = Store(Settings(database_url=postgres.fresh()).store_url)
    with store.write() as working, store.write() as standing_by:
        take_turn(working)
        working.execute(text("SELECT pg_sleep(0.1)"))
        assert break_frozen_turn(standing_by) == 0
        assert working.scalar(text("SELECT 1")) == 1
    store.close()


def test_operators_see_who_leads_and_who_stands_by(farm: Farm) -> None:
    meter = Meter()
    meter.registry.register(StoreCollector(farm.hall))
    first, second = leads(farm, 2)
    assert [first.look(), second.look()] == [True, False]
    seen = [(one.host, one.led_since is not None) for one in list_schedulers(farm.hall)]
    assert seen == [("host-0", True), ("host-1", False)]
    for state in ("leading", "standing_by"):
        assert meter.registry.get_sample_value("farm_schedulers", {"state": state}) == 1
    farm.clock.advance(s=3 * farm.hall.catalog.scheduling.lead_s)
    assert list_schedulers(farm.hall) == []
