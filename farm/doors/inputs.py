"""The files a claimed task gets: its assets, artifacts of the tasks it needed, and of its batch's jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from farm.asset import AssetState
from farm.batch import split_reference
from farm.states import JobState
from farm.store.schema import CURRENT, artifacts, assets, jobs, task_needs, tasks


@dataclass(frozen=True, slots=True)
class InputBlob:
    """A file the task needs: `id` is the asset id, or `task.artifact` of an earlier task.

    Or `custom_id.artifact` of another job of the same batch.
    """

    id: str
    blob_key: str
    file_name: str
    content_type: str
    size_bytes: int


def named_inputs(
    connection: Connection, account_id: int, batch_id: int | None, names: Sequence[str]
) -> list[InputBlob]:
    """Those of the task's named inputs that are there: the account's own assets, its batch's artifacts."""
    given = _asset_inputs(connection, account_id, names)
    if batch_id is not None:
        given += _batch_inputs(connection, batch_id, names)
    return given


def needed_inputs(connection: Connection, task_id: int) -> list[InputBlob]:
    """The artifacts of the tasks this one needed, as `task name.artifact name`."""
    return [
        InputBlob(f"{a.task}.{a.name}", a.blob_key, a.display_name, a.content_type, a.size_bytes)
        for a in connection.execute(_NEEDED, {"of_task": task_id})
    ]


def _asset_inputs(connection: Connection, account_id: int, ids: Sequence[str]) -> list[InputBlob]:
    """The account's own assets of those ids; another's are as good as missing."""
    if not ids:
        return []
    found = connection.execute(
        select(assets).where(
            assets.c.id.in_(ids), assets.c.account_id == account_id, assets.c.state == AssetState.READY
        )
    )
    return [InputBlob(a.id, a.blob_key, a.file_name, a.content_type, a.size_bytes) for a in found]


def _batch_inputs(connection: Connection, batch_id: int, names: Sequence[str]) -> list[InputBlob]:
    """The artifacts of other jobs of the batch that these inputs name."""
    wanted = {name: parts for name in names if (parts := split_reference(name)) is not None}
    if not wanted:
        return []
    query = (
        select(jobs.c.custom_id, artifacts)
        .join(artifacts, artifacts.c.job_seq == jobs.c.seq)
        .where(jobs.c.batch_id == batch_id, CURRENT, jobs.c.state == JobState.COMPLETED)
        .where(jobs.c.custom_id.in_({custom_id for custom_id, _ in wanted.values()}))
        .where(~artifacts.c.expired, ~artifacts.c.intermediate)
    )
    found = {(row.custom_id, row.name): row for row in connection.execute(query)}
    return [
        InputBlob(name, a.blob_key, a.display_name, a.content_type, a.size_bytes)
        for name, parts in wanted.items()
        if (a := found.get(parts)) is not None
    ]


_NEEDED = (
    select(tasks.c.name.label("task"), artifacts)
    .select_from(task_needs)
    .join(tasks, tasks.c.id == task_needs.c.needs_task_id)
    .join(artifacts, (artifacts.c.job_seq == tasks.c.job_seq) & (artifacts.c.task_id == tasks.c.id))
    .where(task_needs.c.task_id == bindparam("of_task"))
)
