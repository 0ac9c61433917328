"""What a review of attempts claimed and recorded together found: each of these failed before."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, text, update

from farm.broker.message import bundled
from farm.doors import work
from farm.doors.work import Report
from farm.settings import Settings
from farm.states import JobState, Outcome
from farm.store.schema import attempts
from tests.farm import Farm
from tests.postgres import Postgres
from tests.provider_farm import ProviderFarm

_PATIENCE_S = 30.0
_QUICK = """
[providers.own]
pool = "cpu-render"
remote = true
[routes.probe.big]
offers = [{ provider = "own", price = "20", estimated_s = 0.002 }]
"""


@pytest.fixture
def on_postgres(postgres: Postgres) -> Iterator[Farm]:
    made = Farm(Settings(database_url=postgres.laid_out()).store_url)
    yield made
    made.close()


def test_an_attempt_that_a_message_names_twice_is_taken_once(farm: Farm) -> None:
    """Whoever can write to the broker can say it twice in one breath: it would be run twice."""
    farm.worker()
    job_id = farm.submit(farm.caller())
    (message,) = farm.tick()
    twice = [(message.attempt_id, message.token)] * 2
    taken = work.claim_all(farm.hall, twice, "w1")
    assert [each.attempt_id for each in taken] == [message.attempt_id]
    assert work.finish(farm.hall, message.attempt_id, message.token, Report(Outcome.SUCCEEDED))
    farm.tick()
    assert farm.job(job_id).state is JobState.COMPLETED


def test_what_a_provider_does_waits_behind_nothing_that_its_worker_has_taken(farm: Farm) -> None:
    """Were the worker lost meanwhile, nobody could tell any more that nothing was bought."""
    house = ProviderFarm(farm, _QUICK)
    work.leave(farm.hall, "w-cpu-render")
    farm.worker(slots=2)
    for _ in range(12):
        house.submit()
    house.settle()
    sent = bundled(farm.post.messages)
    assert len(sent) == 12
    assert [len(together) for together in sent] == [1] * 12


def test_a_job_whose_attempt_went_back_before_it_began_has_not_started(farm: Farm) -> None:
    """A sweep had seen it claimed, and the job ran from then on, for as long as it had to wait again."""
    farm.worker()
    job_id = farm.submit(farm.caller())
    (message,) = farm.tick()
    assert farm.claim(message) is not None
    farm.clock.advance(1.5)
    farm.tick()
    work.put_back(farm.hall, message.attempt_id, message.token)
    work.leave(farm.hall, "w1")
    farm.tick()
    assert (farm.job(job_id).state, farm.job(job_id).started_at) == (JobState.QUEUED, None)
    farm.clock.advance(600.0)
    farm.worker()
    farm.post.take()
    farm.run_next()
    assert farm.job(job_id).started_at == farm.clock.now()


_STANDS_STILL = """
CREATE FUNCTION stand_still() RETURNS trigger AS
$$ BEGIN PERFORM pg_advisory_xact_lock(4242); RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE TRIGGER stands_still AFTER UPDATE ON attempts FOR EACH ROW
WHEN (NEW.publishes > OLD.publishes) EXECUTE FUNCTION stand_still();
"""


def how_many_wait(farm: Farm) -> int:
    """How many sessions wait for a lock."""
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"
    with farm.store.read() as connection:
        return int(connection.scalar(text(query)))


def until_so_many_wait(farm: Farm, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while how_many_wait(farm) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_sweep_that_says_messages_again_and_a_claim_of_them_do_not_lock_each_other(
    on_postgres: Farm,
) -> None:
    """Both take several attempts' rows: the sweep held the second of them and wanted the first."""
    farm = on_postgres
    farm.worker(slots=2)
    ada = farm.caller()
    for _ in range(2):
        farm.submit(ada)
    messages = sorted(farm.tick(), key=lambda message: message.attempt_id)
    farm.clock.advance(10.0)
    work.seen(farm.hall, "w1")
    overdue = [
        {"attempt": message.attempt_id, "at": farm.clock.now() - 1.0 - number}
        for number, message in enumerate(messages)
    ]
    lease = update(attempts).where(attempts.c.id == bindparam("attempt")).values(lease_at=bindparam("at"))
    with farm.store.write() as connection:
        connection.execute(lease, overdue)
        connection.exec_driver_sql(_STANDS_STILL)
    named = [(message.attempt_id, message.token) for message in messages]
    taken: list[work.Claimed] = []
    sides = [
        threading.Thread(target=farm.tick),
        threading.Thread(target=lambda: taken.extend(work.claim_all(farm.hall, named, "w1"))),
    ]
    with farm.store.write() as gate:
        gate.execute(text("SELECT pg_advisory_xact_lock(4242)"))
        for number, side in enumerate(sides):
            side.start()
            until_so_many_wait(farm, number + 1)
    for side in sides:
        side.join()
    assert len(taken) == len(messages)
    with farm.store.read() as connection:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert connection.scalar(text(deadlocks)) == 0
