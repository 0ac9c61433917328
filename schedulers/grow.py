"""What a success leaves: its artifacts, and the further tasks it asked for."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from farm.doors.accounts import read_account
from farm.doors.hall import Hall
from farm.doors.submit import Origin, check_plan, insert_plans
from farm.kinds import TaskSpec
from farm.states import TaskState
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, generation_marks, tasks
from schedulers.reuse import keep, take

_DAY_S = 86_400.0


def store_outputs(hall: Hall, connection: Connection, row: AnyRow, now: float) -> None:
    """Turn the attempt's stored outputs into artifacts of the job."""
    outputs = (row.report or {}).get("outputs", [])
    if not outputs:
        return
    made = [_artifact(hall, row, output, now) for output in outputs]
    if row.cancel_asked_at is not None and _is_deleted(connection, row.job_seq):
        made = [{**one, "expires_at": now - hall.catalog.retention.grace_s} for one in made]
    connection.execute(insert(artifacts), made)
    keep(connection, row.account_id, outputs, now)


def _artifact(hall: Hall, row: AnyRow, output: dict[str, Any], now: float) -> dict[str, Any]:
    """An intermediate one expires at once: while its job runs, retention leaves it there all the same."""
    artifact_id = hall.ids.public("art")
    intermediate = bool(output.get("intermediate"))
    keep_s = 0.0 if intermediate else hall.catalog.tier(row.tier).keep_days * _DAY_S
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
        "expires_at": now + keep_s,
        "intermediate": intermediate,
    }


def _is_deleted(connection: Connection, job_seq: int) -> bool:
    """Whether its owner threw the generation away; what still comes of it is given to nobody."""
    query = select(generation_marks.c.deleted_at).where(generation_marks.c.job_seq == job_seq)
    return connection.scalar(query) is not None


def asked_for(row: AnyRow) -> Sequence[Mapping[str, Any]]:
    """The further tasks that an attempt's report wishes for."""
    found: Sequence[Mapping[str, Any]] = (row.report or {}).get("tasks", ())
    return found


def grow(hall: Hall, connection: Connection, row: AnyRow, now: float) -> int:
    """Add the tasks the attempt asked for to its job. Returns how many are to run. Raises BadRequest.

    What the account's cache has of their files need not be made again: such a task is done from the start.
    """
    book = hall.catalog.providers
    plan = [TaskSpec.model_validate(task).routed(book) for task in asked_for(row)]
    if not plan:
        return 0
    account = read_account(connection, row.account_id)
    before = connection.execute(_NAMES, {"job": row.job_seq}).all()
    known = {task.name: task.id for task in before}
    met = {task.name for task in before if task.state == TaskState.SUCCEEDED}
    check_plan(plan, known)
    there = take(connection, row.account_id, plan, now)
    origin = Origin(
        row.job_seq,
        row.requires["kind"],
        row.priority,
        None,
        now,
        known,
        met,
        done=frozenset(there),
        batch=row.batch_id,
        interactive=row.interactive,
    )
    insert_plans(connection, hall, account, [(plan, origin)])
    if there:
        _take_over(hall, connection, row, {task.name: task for task in plan}, there, now)
    return len(plan) - len(there)


def _take_over(
    hall: Hall,
    connection: Connection,
    row: AnyRow,
    plan: Mapping[str, TaskSpec],
    there: Mapping[str, AnyRow],
    now: float,
) -> None:
    """Give the tasks that are done already their files."""
    ids = {task.name: task.id for task in connection.execute(_NAMES, {"job": row.job_seq})}
    rows = []
    for name, found in sorted(there.items()):
        cached = plan[name].cached
        assert cached is not None
        output = {
            "name": cached.name,
            "file_name": cached.file_name,
            "content_type": cached.content_type,
            "size_bytes": found.size_bytes,
            "sha256": None,
            "blob_key": found.blob_key,
            "meta": {},
            "intermediate": True,
        }
        rows.append({**_artifact(hall, row, output, now), "task_id": ids[name]})
    connection.execute(insert(artifacts), rows)


_NAMES = select(tasks.c.name, tasks.c.id, tasks.c.state).where(tasks.c.job_seq == bindparam("job"))
