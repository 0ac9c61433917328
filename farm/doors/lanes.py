"""Finds the lane that a new task waits in: its account's, for tasks of its sort.

A sort is all that decides which worker may take a task: what it requires, the model it likes to find warm,
whether it may use a slot kept for interactive work, and its provider, who may run only so many at once, with
its route, which says who else may.
Submit only inserts here; a lane that is new is `fresh` until the scheduler counts its first tasks in.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from farm.account import Account
from farm.doors.hall import Hall
from farm.kinds import TaskSpec
from farm.store.dialect import OneOf, insert_ignore
from farm.store.schema import lanes, sorts


@dataclass(frozen=True, slots=True)
class Sort:
    """What tasks that are interchangeable to a worker share. `requires` includes the kind, as pairs.

    `route` names the candidates of a task that needs a provider (Route.name).
    """

    pool: str
    resource: str
    requires: tuple[tuple[str, str], ...]
    affinity: str | None
    interactive: bool
    provider: str | None = None
    route: str | None = None


def sort_of(hall: Hall, task: TaskSpec, announced: str, *, interactive: bool) -> Sort:
    """The task's sort. One of an `interactive` job is interactive if it is short as well."""
    needs = {"kind": announced, **task.requires}
    short = task.estimated_s <= hall.catalog.pools[task.pool].interactive_s
    return Sort(
        task.pool,
        task.resource.value,
        tuple(sorted(needs.items())),
        task.affinity,
        interactive and short,
        task.choice.provider if task.choice is not None else None,
        task.route.name if task.route is not None else None,
    )


def lanes_of(connection: Connection, hall: Hall, account: Account, wanted: Iterable[Sort]) -> dict[Sort, int]:
    """The account's lane for each of these sorts, made when missing."""
    by_key = {_key(sort): sort for sort in wanted}
    found = _lanes(connection, account.id, by_key)
    if missing := [key for key in sorted(by_key) if by_key[key] not in found]:
        _make(connection, hall, account, {key: by_key[key] for key in missing})
        found = _lanes(connection, account.id, by_key)
    return found


def _lanes(connection: Connection, account_id: int, by_key: Mapping[str, Sort]) -> dict[Sort, int]:
    rows = connection.execute(_LANES, {"account": account_id, "keys": list(by_key)})
    return {by_key[row.key]: row.id for row in rows}


def _make(connection: Connection, hall: Hall, account: Account, by_key: Mapping[str, Sort]) -> None:
    connection.execute(
        insert_ignore(connection, sorts),
        [
            {
                "key": key,
                "pool": sort.pool,
                "resource": sort.resource,
                "requires": dict(sort.requires),
                "affinity": sort.affinity,
                "interactive": sort.interactive,
                "provider": sort.provider,
            }
            for key, sort in by_key.items()
        ],
    )
    ids = {row.key: row.id for row in connection.execute(_SORTS, {"keys": list(by_key)})}
    rows = [_lane(hall, account, sort, ids[key]) for key, sort in by_key.items()]
    connection.execute(insert_ignore(connection, lanes), rows)


def _lane(hall: Hall, account: Account, sort: Sort, sort_id: int) -> dict[str, Any]:
    return {
        "pool": sort.pool,
        "resource": sort.resource,
        "account_id": account.id,
        "sort_id": sort_id,
        "tier": account.tier,
        "cap": account.max_running or hall.catalog.tier(account.tier).max_running,
        "vtime": 0.0,
        "ready": 0,
        "busy": 0,
        "open": False,
        "served_at": hall.clock.now(),
        "fresh": True,
    }


@lru_cache(maxsize=4096)
def _key(sort: Sort) -> str:
    said = [
        sort.pool,
        sort.resource,
        sort.requires,
        sort.affinity,
        sort.interactive,
        sort.provider,
        sort.route,
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


_LANES = (
    select(sorts.c.key, lanes.c.id)
    .join_from(lanes, sorts, sorts.c.id == lanes.c.sort_id)
    .where(lanes.c.account_id == bindparam("account"), OneOf(sorts.c.key, "keys"))
)
_SORTS = select(sorts.c.key, sorts.c.id).where(OneOf(sorts.c.key, "keys"))
