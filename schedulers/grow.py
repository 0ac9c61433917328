"""What a success leaves: its artifacts, and the further tasks it asked for."""

from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from farm.doors.accounts import read_account
from farm.doors.hall import Hall
from farm.doors.submit import Origin, check_plan, insert_tasks, note_arrivals
from farm.kinds import TaskSpec
from farm.states import TaskState
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, tasks

_DAY_S = 86_400.0


def store_outputs(hall: Hall, connection: Connection, row: AnyRow, now: float) -> None:
    """Turn the attempt's stored outputs into artifacts of the job."""
    outputs = (row.report or {}).get("outputs", [])
    if not outputs:
        return
    expires_at = now + hall.catalog.tier(row.tier).keep_days * _DAY_S
    connection.execute(
        insert(artifacts),
        [_artifact(hall.ids.public("art"), row, output, now, expires_at) for output in outputs],
    )


def _artifact(
    artifact_id: str, row: AnyRow, output: dict[str, Any], now: float, expires_at: float
) -> dict[str, Any]:
    name = PurePosixPath(output["file_name"])
    return {
        "id": artifact_id,
        "account_id": row.account_id,
        "job_seq": row.job_seq,
        "task_id": row.task_id,
        "attempt_id": row.id,
        "name": output["name"],
        "file_name": f"{name.stem}-{artifact_id.removeprefix('art_')[:12]}{name.suffix}",
        "display_name": output["file_name"],
        "content_type": output["content_type"],
        "size_bytes": output["size_bytes"],
        "sha256": output["sha256"],
        "blob_key": output["blob_key"],
        "meta": output["meta"],
        "created_at": now,
        "expires_at": expires_at,
    }


def grow(hall: Hall, connection: Connection, row: AnyRow, now: float) -> int:
    """Add the tasks the attempt asked for to its job. Returns how many. Raises BadRequest on a bad plan."""
    book = hall.catalog.providers
    plan = [TaskSpec.model_validate(task).routed(book) for task in (row.report or {}).get("tasks", [])]
    if not plan:
        return 0
    account = read_account(connection, row.account_id)
    before = connection.execute(_NAMES, {"job": row.job_seq}).all()
    known = {task.name: task.id for task in before}
    met = {task.name for task in before if task.state == TaskState.SUCCEEDED}
    check_plan(plan, known)
    origin = Origin(
        row.job_seq,
        row.requires["kind"],
        row.priority,
        None,
        now,
        known,
        met,
        row.batch_id,
        interactive=row.interactive,
    )
    note_arrivals(connection, insert_tasks(connection, hall, account, plan, origin))
    return len(plan)


_NAMES = select(tasks.c.name, tasks.c.id, tasks.c.state).where(tasks.c.job_seq == bindparam("job"))
