"""How long an idle farm takes from the call of submit until the job's attempt is claimed in a slot."""

import random
import time
from pathlib import Path

from sqlalchemy import select

from farm.doors.submit import submit
from farm.store.schema import attempts, jobs
from tests.benchmarks.queue_farm import NOTHING, BenchFarm, farm
from tests.benchmarks.queue_rig import WARM_UP, postgres, temporary_folder, until

SAMPLES = 1000
_LEAST_PAUSE_S, _PAUSE_S = 0.015, 0.02  # longer than a job takes; uneven, so as to meet no rhythm of the farm


def measured_ms() -> dict[str, list[float]]:
    """The samples by system, on servers that have done nothing before."""
    with temporary_folder() as folder, postgres(folder) as server:
        for name in ("sqlite", "postgresql"):
            (folder / name).mkdir(mode=0o755)
        return {
            "farm, SQLite FULL": submit_to_start_ms(folder / "sqlite", None),
            "farm, PostgreSQL": submit_to_start_ms(folder / "postgresql", server.fresh()),
        }


def submit_to_start_ms(folder: Path, database_url: str | None) -> list[float]:
    """Milliseconds of each sample, the submit's own transaction included. The jobs come one at a time."""
    with farm(folder, database_url, events=False) as running:
        _submit(running, WARM_UP)
        called = _submit(running, SAMPLES)
        started = _started(running)
    return [(started[job_id] - at) * 1000 for job_id, at in called.items()]


def _submit(running: BenchFarm, count: int) -> dict[str, float]:
    """When submit was called, by job."""
    called = {}
    for _ in range(count):
        at = time.time()
        called[submit(running.hall, running.next_caller(), NOTHING).job_id] = at
        time.sleep(_LEAST_PAUSE_S + random.random() * _PAUSE_S)
    until(running.all_ended, "the jobs have ended")
    return called


def _started(running: BenchFarm) -> dict[str, float]:
    query = select(jobs.c.id, attempts.c.started_at).join(attempts, attempts.c.job_seq == jobs.c.seq)
    with running.hall.store.read() as connection:
        return {row.id: row.started_at for row in connection.execute(query)}
