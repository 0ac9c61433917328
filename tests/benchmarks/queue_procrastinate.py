"""Procrastinate: a durable queue on PostgreSQL, the peer that promises as much as the farm does."""

import sys
import time
from pathlib import Path

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from tests.benchmarks.queue_rig import JOBS, SLOTS, TOGETHER, WARM_UP, environment, process, until

_OPEN = "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1"
_DONE = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"


def throughput(folder: Path, database_url: str) -> float:
    """No-op jobs a second, from the first deferred to the last recorded, `TOGETHER` to a transaction."""
    app = App(connector=SyncPsycopgConnector(conninfo=database_url))
    with app.open(), psycopg.connect(database_url, autocommit=True) as looker:
        app.schema_manager.apply_schema()
        with process(
            environment(), folder / "worker.log", "tests.benchmarks.queue_procrastinate", database_url
        ):
            _run(app, looker, WARM_UP)
            speed = _run(app, looker, JOBS)
        (done,) = looker.execute(_DONE).fetchone() or (0,)
        assert done == WARM_UP + JOBS, done
        return speed


def _run(app: App, looker: "psycopg.Connection[tuple[int]]", count: int) -> float:
    task = app.configure_task("noop", queue="bench")
    began = time.perf_counter()
    for start in range(0, count, TOGETHER):
        task.batch_defer(*({} for _ in range(min(TOGETHER, count - start))))
    until(lambda: looker.execute(_OPEN).fetchone() is None, f"{count} jobs are done")
    return count / (time.perf_counter() - began)


def _work(database_url: str) -> None:
    app = App(connector=PsycopgConnector(conninfo=database_url))

    async def noop() -> None:
        return

    app.task(name="noop", queue="bench")(noop)
    app.run_worker(queues=["bench"], concurrency=SLOTS)


if __name__ == "__main__":
    _work(sys.argv[1])
