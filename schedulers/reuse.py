"""What an account's tasks have made and later tasks may take: files known by all that they are made of.

Files are kept when the finish that stored them is settled, first wins, and taken when a job grows tasks. One
that is taken counts as used now, in the same statement that finds it; so retention, which lets go of what
was not used for long, either sees that or was there first, and then it is not found. While a job runs, its
own intermediate file holds the blob (schedulers/retention/shelves.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from farm.kinds import TaskSpec
from farm.store.dialect import OneOf, insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, segment_cache

_KEYS = OneOf(segment_cache.c.key, "keys")
_LOCKED = (
    select(segment_cache.c.key)
    .where(segment_cache.c.account_id == bindparam("account"), _KEYS)
    .order_by(segment_cache.c.key)
    .with_for_update()
)
_TAKE = (
    update(segment_cache)
    .where(segment_cache.c.account_id == bindparam("account"), _KEYS, ~segment_cache.c.expired)
    .values(used_at=bindparam("now"))
    .returning(segment_cache.c.key, segment_cache.c.blob_key, segment_cache.c.size_bytes)
)
_FORGET = delete(segment_cache).where(
    segment_cache.c.account_id == bindparam("account"),
    segment_cache.c.blob_key.in_(
        select(artifacts.c.blob_key).where(artifacts.c.job_seq == bindparam("job"), artifacts.c.intermediate)
    ),
)


def keep(connection: Connection, account_id: int, outputs: Sequence[Mapping[str, Any]], now: float) -> None:
    """Note the stored outputs that say what they are made of."""
    rows = [_row(account_id, output, now) for output in outputs if output.get("cache_key")]
    if rows:
        connection.execute(insert_ignore(connection, segment_cache), rows)


def take(connection: Connection, account_id: int, plan: Sequence[TaskSpec], now: float) -> dict[str, AnyRow]:
    """What is there already of the files that these tasks make, by task name: `blob_key`, `size_bytes`."""
    keys = {task.name: task.cached.key for task in plan if task.cached is not None}
    if not keys:
        return {}
    call = {"account": account_id, "keys": sorted({*keys.values()})}
    connection.execute(_LOCKED, call)  # in one order, whoever takes several
    found = {row.key: row for row in connection.execute(_TAKE, {**call, "now": now})}
    return {name: found[key] for name, key in keys.items() if key in found}


def forget(connection: Connection, account_id: int, job_seq: int) -> None:
    """The job's files did not make a whole: nobody is to take them any more."""
    connection.execute(_FORGET, {"account": account_id, "job": job_seq})


def _row(account_id: int, output: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "key": output["cache_key"],
        "blob_key": output["blob_key"],
        "size_bytes": output["size_bytes"],
        "created_at": now,
        "used_at": now,
    }
