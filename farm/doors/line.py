"""Where a job stands in the line, as the scheduler would serve it: one from each account in turn.

An estimate: tiers weigh differently, and who comes next may be anybody's. What nobody waits for has no place.
"""

from collections.abc import Collection

from sqlalchemy import Connection, case, func, or_, select

from farm.doors.hall import Hall
from farm.store.rows import AnyRow
from farm.store.schema import READY, arrivals, jobs, lanes, tasks


def place_of(hall: Hall, job_id: str) -> int | None:
    """1 is served next; None for a job of which nothing is in a line now."""
    return places_of(hall, [job_id])[job_id]


def places_of(hall: Hall, job_ids: Collection[str]) -> dict[str, int | None]:
    """The same for several."""
    with hall.store.read() as connection:
        return {job_id: _place(connection, job_id) for job_id in job_ids}


def length_of(hall: Hall, pools: Collection[str]) -> int:
    """How many tasks wait in the lines of these pools."""
    counted = select(func.coalesce(func.sum(lanes.c.ready), 0)).where(lanes.c.pool.in_(pools))
    fresh = (
        select(func.coalesce(func.sum(arrivals.c.added), 0))
        .join(lanes, lanes.c.id == arrivals.c.lane_id)
        .where(lanes.c.pool.in_(pools))
    )
    with hall.store.read() as connection:
        return int(connection.scalar(counted) or 0) + int(connection.scalar(fresh) or 0)


def _place(connection: Connection, job_id: str) -> int | None:
    first = connection.execute(
        select(tasks.c.id, tasks.c.lane_id, tasks.c.priority)
        .join(jobs, jobs.c.seq == tasks.c.job_seq)
        .where(jobs.c.id == job_id, READY)
        .order_by(tasks.c.priority, tasks.c.id)
        .limit(1)
    ).one_or_none()
    if first is None:
        return None
    own = _in_own_lane(connection, first)
    return own + _before(connection, first.lane_id, own)


def _in_own_lane(connection: Connection, task: AnyRow) -> int:
    """Its place among its own account's tasks."""
    earlier = or_(
        tasks.c.priority < task.priority, (tasks.c.priority == task.priority) & (tasks.c.id <= task.id)
    )
    count = select(func.count()).where(tasks.c.lane_id == task.lane_id, READY, earlier)
    return int(connection.scalar(count) or 1)


def _before(connection: Connection, lane_id: int, turns: int) -> int:
    """How many of other lanes go before it: of each as many as it has turns to wait."""
    mine = lanes.alias("mine")
    served = case((lanes.c.ready < turns, lanes.c.ready), else_=turns)
    query = select(func.coalesce(func.sum(served), 0)).where(
        mine.c.id == lane_id,
        lanes.c.id != mine.c.id,
        lanes.c.pool == mine.c.pool,
        lanes.c.resource == mine.c.resource,
    )
    return int(connection.scalar(query) or 0)
