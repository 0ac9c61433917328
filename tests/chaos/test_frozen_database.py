"""PostgreSQL that stands still for longer than a lease, and goes on: late, but nothing is run twice."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from farm.store.schema import attempts
from tasks.probe import Probe
from tests.chaos.flow import Flow
from tests.chaos.house import House, house
from tests.postgres import Postgres
from tests.processes import children_of, stat_of
from tests.running import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FROZEN_S = 20.0
SLOTS = 4
CONFIG = """
[scheduling]
lease_s = 4.0
beat_s = 0.5
publish_lease_s = 1.0
worker_gone_s = 4.0
"""


@pytest.fixture
def farm(tmp_path: Path, postgres: Postgres) -> Iterator[House]:
    pools = {"cpu-render": SLOTS, "asr-align": SLOTS}
    with house(tmp_path / "farm", CONFIG, pools, postgres=postgres, apis=0, schedulers=2) as made:
        yield made


def test_a_database_that_stands_still_for_five_leases(farm: House) -> None:
    """Some jobs end while it stands still, some go on, some come only afterwards."""
    flow = Flow(farm)
    flow.submit(SLOTS, Probe(sleep_s=FROZEN_S / 2))
    flow.submit(SLOTS, Probe(sleep_s=FROZEN_S * 1.5, pool="asr-align"))
    eventually(lambda: running(farm) == 2 * SLOTS, "all slots are busy")
    flow.submit(40, Probe(sleep_s=0.05))
    with frozen(str(farm.settings.database_url)):
        threading.Event().wait(FROZEN_S)  # what is tested is that so much time goes by
    flow.submit(40)
    assert flow.problems() == []


def running(farm: House) -> int:
    with farm.store.read() as connection:
        return connection.scalar(select(func.count()).where(attempts.c.state == "running")) or 0


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """The server and all its sessions stand still while the block runs."""
    with psycopg.connect(url) as connection:
        server = _parent(connection.info.backend_pid)
    stopped = [server]
    os.kill(server, signal.SIGSTOP)
    try:
        for child in children_of(server):
            os.kill(child, signal.SIGSTOP)
            stopped.append(child)
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)


def _parent(pid: int) -> int:
    return int(stat_of(pid)[1])
