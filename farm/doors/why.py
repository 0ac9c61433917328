"""Answers what a job waits for, in sentences."""

from sqlalchemy import Connection, select

from farm.doors.batch_why import waits_for_batch
from farm.doors.hall import Hall
from farm.doors.jobs import job
from farm.doors.provider_why import waits_for_provider
from farm.job import Job, Task
from farm.states import AttemptState, TaskState, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import attempts, lanes, task_needs, tasks, workers


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
    if task.state is TaskState.BLOCKED:
        return f"{task.name}: needs {', '.join(_needs(connection, task.id))} first."
    row = connection.execute(select(tasks).where(tasks.c.id == task.id)).one()
    missing = _missing_worker(hall, connection, row)
    if missing:
        return f"{task.name}: {missing}"
    if row.choice is not None and (rest := waits_for_provider(hall, connection, row)):
        return f"{task.name}: {rest}"
    if task.state is TaskState.WAITING:
        seconds = max(0.0, (row.due_at or 0.0) - hall.clock.now())
        last = f" after: {row.error_message}" if row.error_message else ""
        return f"{task.name}: waits {seconds:.1f} s until its due time{last}."
    return f"{task.name}: {_turn(connection, row)}"


def _needs(connection: Connection, task_id: int) -> list[str]:
    query = (
        select(tasks.c.name)
        .select_from(task_needs)
        .join(tasks, tasks.c.id == task_needs.c.needs_task_id)
        .where(task_needs.c.task_id == task_id, tasks.c.state != TaskState.SUCCEEDED)
    )
    return list(connection.scalars(query))


def _missing_worker(hall: Hall, connection: Connection, row: AnyRow) -> str | None:
    since = hall.clock.now() - hall.catalog.scheduling.worker_gone_s
    here = connection.execute(
        select(workers)
        .where(workers.c.pool == row.pool, workers.c.state == WorkerState.ONLINE, workers.c.seen_at >= since)
        .order_by(workers.c.name)
    ).all()
    online = [worker for worker in here if worker.kept_out is None]
    if here and not online:
        first = here[0]
        how = f"{first.name} is {first.kept_out} ({first.kept_out_because})"
        return f"every {row.pool} worker is kept out: {how}. Let it work: farm workers resume {first.name}"
    if not online:
        return f"no {row.pool} worker is online. Start one: farm worker {row.pool}"
    kind = row.requires["kind"]
    if not any(kind in worker.kinds for worker in online):
        return f"no online {row.pool} worker runs {kind}."
    return None


def _turn(connection: Connection, row: AnyRow) -> str:
    lane = connection.execute(select(lanes).where(lanes.c.id == row.lane_id)).one()
    if lane.busy >= lane.cap:
        return f"the account already runs {lane.busy} tasks in {row.pool}, its limit."
    live = connection.execute(
        select(attempts.c.id).where(
            attempts.c.pool == row.pool,
            attempts.c.resource == row.resource,
            attempts.c.state.in_((AttemptState.PUBLISHED, AttemptState.RUNNING)),
        )
    ).all()
    return f"waits for its turn; {len(live)} tasks hold the slots of {row.pool}."
