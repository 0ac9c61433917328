"""Answers what a job waits for, in sentences."""

from sqlalchemy import Connection, case, func, select

from farm.doors.batch_why import waits_for_batch
from farm.doors.capable import lacking, need, online
from farm.doors.hall import Hall
from farm.doors.jobs import job
from farm.doors.provider_why import waits_for_provider
from farm.job import Job, Task
from farm.states import TaskState, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts, jobs, lanes, task_needs, tasks, workers


def why(hall: Hall, account_id: int | None, job_id: str) -> list[str]:
    """One sentence per task that has not ended, or one about the job's end. Raises NotFound."""
    seen = job(hall, account_id, job_id)
    if seen.ended:
        reason = f": {seen.failure.message}" if seen.failure else "."
        return [f"The job has ended ({seen.state}){reason}"]
    with hall.store.read() as connection:
        return [_task(hall, connection, seen, task) for task in seen.tasks if not _over(task)]


def _over(task: Task) -> bool:
    return task.state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)


def _task(hall: Hall, connection: Connection, seen: Job, task: Task) -> str:
    match task.state:
        case TaskState.RUNNING:
            return f"{task.name}: is running ({task.progress:.0%})."
        case TaskState.DISPATCHED:
            return f"{task.name}: is on its way to a {task.pool} worker."
    if seen.custom_id is not None and (reason := waits_for_batch(connection, seen.seq)):
        return f"{task.name}: {reason}"
    row = connection.execute(select(tasks).where(tasks.c.id == task.id)).one()
    if limit := _own_limit(connection, row):
        return f"{task.name}: {limit}"
    if task.state is TaskState.BLOCKED:
        return f"{task.name}: needs {', '.join(_needs(connection, task.id))} first."
    missing = _missing_worker(hall, connection, row)
    if missing:
        return f"{task.name}: {missing}"
    if row.choice is not None and (rest := waits_for_provider(hall, connection, row)):
        return f"{task.name}: {rest}"
    if task.state is TaskState.WAITING:
        seconds = max(0.0, (row.due_at or 0.0) - hall.clock.now())
        last = f" after: {row.error_message}" if row.error_message else ""
        return f"{task.name}: waits {seconds:.1f} s until its due time{last}."
    return f"{task.name}: {_turn(hall, connection, row)}"


def _needs(connection: Connection, task_id: int) -> list[str]:
    query = (
        select(tasks.c.name)
        .select_from(task_needs)
        .join(tasks, tasks.c.id == task_needs.c.needs_task_id)
        .where(task_needs.c.task_id == task_id, tasks.c.state != TaskState.SUCCEEDED)
    )
    return list(connection.scalars(query))


def _missing_worker(hall: Hall, connection: Connection, row: AnyRow) -> str | None:
    here = online(hall, connection)
    reason = lacking(here, need(row.pool, row.resource, row.requires))
    if reason is None:
        return None
    if any(worker.pool == row.pool for worker in here):
        hint = f" Announce one: farm worker {row.pool} --slots {row.resource}=1"
        return f"{reason}.{hint if 'has a slot' in reason else ''}"
    return _kept_out(hall, connection, row.pool) or (
        f"no {row.pool} worker is online. Start one: farm worker {row.pool}"
    )


def _kept_out(hall: Hall, connection: Connection, pool: str) -> str | None:
    since = hall.clock.now() - hall.catalog.scheduling.worker_gone_s
    first = connection.execute(
        select(workers)
        .where(workers.c.pool == pool, workers.c.state == WorkerState.ONLINE, workers.c.seen_at >= since)
        .where(workers.c.kept_out.is_not(None))
        .order_by(workers.c.name)
    ).first()
    if first is None:
        return None
    how = f"{first.name} is {first.kept_out} ({first.kept_out_because})"
    return f"every {pool} worker is kept out: {how}. Let it work: farm workers resume {first.name}"


def _own_limit(connection: Connection, row: AnyRow) -> str | None:
    """Whether the job runs as many tasks as it may; those too many are blocked though they need nothing."""
    limit = connection.scalar(select(jobs.c.max_running).where(jobs.c.seq == row.job_seq))
    if limit is None or row.unmet or row.state not in (TaskState.BLOCKED, TaskState.READY):
        return None
    mine = select(func.count()).where(attempts.c.job_seq == row.job_seq, LIVE)
    live = connection.scalar(mine) or 0
    return f"the job already runs {live} tasks, as many as it may." if live >= limit else None


def _turn(hall: Hall, connection: Connection, row: AnyRow) -> str:
    lane = connection.execute(select(lanes).where(lanes.c.id == row.lane_id)).one()
    if lane.busy >= lane.cap:
        return f"the account already runs {lane.busy} tasks in {row.pool}, its limit."
    here = [worker for worker in online(hall, connection) if worker.pool == row.pool]
    slots = sum(worker.slots.get(row.resource, 0) for worker in here)
    live = _live(connection, row)
    if live.all < slots and live.long >= slots - hall.catalog.pools[row.pool].reserved(slots):
        free = "slot is" if slots - live.all == 1 else "slots are"
        return f"waits for its turn; the last {slots - live.all} free {free} kept for short interactive jobs."
    fit = [worker for worker in here if lacking([worker], need(row.pool, row.resource, row.requires)) is None]
    if len(fit) < len(here):
        return f"waits for its turn on one of the {len(fit)} {row.pool} workers that can run it."
    return f"waits for its turn; {live.all} tasks hold the slots of {row.pool}."


def _live(connection: Connection, row: AnyRow) -> AnyRow:
    """How many attempts hold the slots, and how many of them may hold no slot kept for interactive work."""
    long = func.coalesce(func.sum(case((attempts.c.brief, 0), else_=1)), 0)
    return connection.execute(
        select(func.count().label("all"), long.label("long")).where(
            attempts.c.pool == row.pool, attempts.c.resource == row.resource, LIVE
        )
    ).one()
