"""Nothing that runs all the time may read a table that grows with the farm's history or its accounts."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from farm.batch import NewBatch
from farm.doors import batch_rows, batches, jobs, work
from farm.doors.batch_rows import NewRow
from farm.doors.submit import order
from farm.job import JobSpec
from farm.kinds import CachedOutput, TaskSpec
from farm.states import Outcome
from tasks.probe import Probe
from tests.farm import Farm

GROWING = ("attempts", "tasks", "jobs", "lanes", "artifacts", "ledger", "task_needs", "segment_cache")


class Overheard:
    """Every statement that the farm says, once, with the parameters of its first use."""

    def __init__(self, farm: Farm) -> None:
        self.statements: dict[str, Any] = {}
        event.listen(farm.store.engine, "before_cursor_execute", self._hear)

    def _hear(
        self, _c: object, _cursor: object, statement: str, values: Any, _context: object, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            self.statements.setdefault(statement, values[0] if many else values)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(f"sqlite:///{tmp_path / 'farm.sqlite3'}")
    yield made
    made.close()


def test_no_statement_of_the_round_reads_a_whole_growing_table(farm: Farm, tmp_path: Path) -> None:
    farm.worker(slots=2)
    farm.tick()  # a scheduler's first turn looks through all lanes, once
    heard = Overheard(farm)
    ada = farm.caller(balance_mc=1_000)
    farm.submit(ada)
    step = {"step": "probe", "pool": "cpu-render"}
    made = CachedOutput(key="k", name="segment", file_name="segment.mp4", content_type="video/mp4")
    stored = work.StoredOutput("segment", "blob", "segment.mp4", "video/mp4", 9, "0", {}, True, "k")
    grown = [TaskSpec(name="a", **step), TaskSpec(name="b", needs=("a",), **step)]
    farm.run_next(tasks=[*grown, TaskSpec(name="c", cached=made, **step)], outputs=[stored])
    first = farm.claim(farm.post.take()[0])
    assert first is not None
    work.beat(farm.hall, first.attempt_id, first.token, 0.5, "half")
    work.finish(farm.hall, first.attempt_id, first.token, work.Report(Outcome.SUCCEEDED))
    farm.claim(farm.tick()[-1])
    jobs.cancel(farm.hall, None, farm.submit(ada))
    farm.clock.advance(s=13)
    farm.tick()  # a sweep with a lost lease
    with sqlite3.connect(tmp_path / "farm.sqlite3") as raw:
        plans = {
            statement: [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in heard.statements.items()
        }
    raw.close()
    slow = [
        (line, statement)
        for statement, plan in plans.items()
        for line in plan
        if line.startswith("SCAN ") and line.split()[1] in GROWING and not _reads_a_part(line)
    ]
    assert slow == []


def _reads_a_part(line: str) -> bool:
    """Whether it walks a partial index: live or finished attempts only, open lanes only."""
    return "USING INDEX ix_attempts_" in line or "USING INDEX ix_lanes_sort_" in line


def test_a_batchs_counts_are_read_without_its_rows(farm: Farm, tmp_path: Path) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    rows = [NewRow(n, "", f"r{n}", order(farm.hall, JobSpec(params=Probe()))) for n in range(5)]
    batch = batch_rows.create_with_rows(farm.hall, ada, NewBatch(), rows)
    farm.run_next()
    heard = Overheard(farm)
    assert batches.batch(farm.hall, None, batch.id).counts.total == 5
    with sqlite3.connect(tmp_path / "farm.sqlite3") as raw:
        plans = [
            row[3]
            for statement, values in heard.statements.items()
            for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    raw.close()
    of_jobs = {plan for plan in plans if "jobs" in plan.split()}
    assert of_jobs == {"SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"}
    assert any("ix_attempts_live" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN") and "batch" in plan]
