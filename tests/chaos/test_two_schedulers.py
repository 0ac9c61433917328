"""Two schedulers as processes, under load: one leads, the other takes over, nothing is lost or done twice."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.chaos.flow import Flow, followed, leader
from tests.chaos.house import FARM, House, Part, house
from tests.running import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

JOBS = 500
SLOTS = 8
TAKEOVER_S = 10.0  # the promise
CONFIG = """
[broker]
task_events = false
[scheduling]
publish_lease_s = 2.0
"""


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def farm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two schedulers and one worker; jobs come through the doors. Each test leaves both running."""
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    pools = {"cpu-render": SLOTS}
    folder = tmp_path_factory.mktemp(str(request.param))
    with house(folder / "farm", CONFIG, pools, postgres=postgres, apis=0, schedulers=2) as made:
        yield made


@pytest.fixture
def flow(farm: House) -> Flow:
    eventually(lambda: all(part.serves() for part in farm.named("scheduler")), "both are there")
    eventually(lambda: leader(farm), "one leads")
    return Flow(farm)


def test_five_hundred_jobs_start_once_each(farm: House, flow: Flow) -> None:
    first = leader(farm)
    flow.submit(JOBS)
    assert flow.problems() == []
    assert leader(farm) is first  # nobody took over from one that works


@pytest.mark.usefixtures("flow")
def test_the_doctor_tells_who_leads(farm: House) -> None:
    first = leader(farm)
    assert first is not None
    done = subprocess.run(
        [*FARM, "doctor", "--json"], env=first.environment, capture_output=True, check=False
    )
    (check,) = [check for check in json.loads(done.stdout) if check["name"] == "schedulers"]
    assert f"pid {first.pid} " in check["found"].split(",")[0]
    assert [words.split()[-1] for words in check["found"].split(", ")] == ["leads", "by"]


def test_a_leader_that_is_killed_is_followed(farm: House, flow: Flow) -> None:
    for _ in range(2):
        old = leader(farm)
        assert old is not None
        with flow.flowing_again():
            flow.comes(50)
            old.kill()
            check(followed(farm, old), "killed")
        assert flow.problems() == []
        old.start()
        eventually(old.serves, "it stands by")


def test_a_leader_that_freezes_is_followed_and_comes_back_to_stand_by(farm: House, flow: Flow) -> None:
    old = leader(farm)
    assert old is not None
    with flow.flowing_again():
        flow.comes(50)
        freeze(farm, old)
        check(followed(farm, old), "frozen")
        new = leader(farm)
        old.signal(signal.SIGCONT)
        flow.comes(50)
    assert flow.problems() == []
    assert leader(farm) is new
    assert old.runs


def test_a_leader_that_leaves_is_followed(farm: House, flow: Flow) -> None:
    old = leader(farm)
    assert old is not None
    with flow.flowing_again():
        old.stop()
        check(followed(farm, old), "stopped")
    assert flow.problems() == []
    old.start()


def check(took_s: float, what: str) -> None:
    print(f"the leader was {what}: another led, and jobs started, after {took_s:.1f} s")
    assert took_s <= TAKEOVER_S


def freeze(farm: House, part: Part) -> None:
    """Stop the process: on PostgreSQL in its turn; on SQLite outside of it, else nobody could write."""

    def is_right() -> bool:
        part.signal(signal.SIGSTOP)
        if has_turn(farm) != farm.store.is_sqlite:
            return True
        part.signal(signal.SIGCONT)
        return False

    eventually(is_right, "it is frozen in the right moment", pause_s=0.003)


def has_turn(farm: House) -> bool:
    """Whether somebody is in the middle of a turn that does not end."""
    if farm.store.is_sqlite:
        return not _may_write(Path(str(farm.store.url.database)))
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND wait_event_type = 'Client'"
    )
    with farm.store.read() as connection:
        return bool(connection.scalar(query))


def _may_write(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
