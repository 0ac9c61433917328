"""Keeps a job to its own max_running: what is too much of it steps aside, out of its lane.

Such a task is blocked though it needs nothing; each attempt of the job that ends lets the next one back in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, func, select, update

from farm.states import TaskState
from farm.store.schema import LIVE, attempts, tasks
from schedulers.arrivals import arrive
from schedulers.lanes import LaneChanges


def running(connection: Connection, job_seq: int) -> int:
    """How many of the job's tasks run or are on their way."""
    return connection.scalar(_RUNNING, {"job": job_seq}) or 0


def step_aside(connection: Connection, job_seqs: Iterable[int]) -> None:
    """Take all that these jobs have ready out of its lanes."""
    changes = LaneChanges()
    for job_seq in sorted(job_seqs):
        for lane_id, number in Counter(connection.scalars(_ASIDE, {"job": job_seq})).items():
            changes.at(lane_id).ready -= number
    changes.write(connection)


def step_back(connection: Connection, limits: Mapping[int, int], now: float) -> None:
    """Let in again what now fits these jobs' limits, by their seq."""
    lane_ids = Counter[int]()
    for job_seq, limit in sorted(limits.items()):
        room = limit - running(connection, job_seq)
        if room > 0:
            lane_ids.update(connection.scalars(_BACK, {"job": job_seq, "count": room}))
    if lane_ids:
        arrive(connection, lane_ids, now)


_RUNNING = select(func.count()).where(attempts.c.job_seq == bindparam("job"), LIVE)
_ASIDE = (
    update(tasks)
    .where(tasks.c.job_seq == bindparam("job"), tasks.c.state == TaskState.READY)
    .values(state=TaskState.BLOCKED)
    .returning(tasks.c.lane_id)
)
_FIRST = (
    select(tasks.c.id)
    .where(tasks.c.job_seq == bindparam("job"), tasks.c.state == TaskState.BLOCKED, tasks.c.unmet == 0)
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(bindparam("count"))
)
_BACK = update(tasks).where(tasks.c.id.in_(_FIRST)).values(state=TaskState.READY).returning(tasks.c.lane_id)
