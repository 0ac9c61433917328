"""Takes tasks to another provider, or out of their lane until one may be asked. Keeps the counters right."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from farm.choices import Choice, Skipped
from farm.doors.accounts import read_account
from farm.doors.hall import Hall
from farm.doors.lanes import Sort, lanes_of
from farm.providers import Candidate, Route
from farm.states import TaskState
from farm.store.rows import AnyRow
from farm.store.schema import tasks
from schedulers.arrivals import arrive
from schedulers.lanes import LaneChanges

_PARK_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Mover:
    """A task that goes to another candidate; its lane has let go of it, or never counted it."""

    task_id: int
    account_id: int
    kind: str
    interactive: bool
    route: Route
    choice: Choice
    to: Candidate

    @classmethod
    def of(cls, row: AnyRow, task_id: int, choice: Choice, to: Candidate) -> "Mover":
        """`row` tells of the task and its job; `choice` is carried to the candidate already."""
        return cls(
            task_id,
            row.account_id,
            row.requires["kind"],
            bool(row.interactive),
            Route.model_validate(row.route),
            choice,
            to,
        )


@dataclass(frozen=True, slots=True)
class Parked:
    """Tasks alike in all that concerns providers, which wait in a lane for one that may not be asked."""

    lane_id: int
    provider: str
    route: Mapping[str, Any]
    choice: Mapping[str, Any]
    until: float


def moved(choice: Choice, to: Candidate, why: str, skipped: Sequence[Skipped]) -> Choice:
    """The choice after a move. What was skipped since the last attempt stays on it."""
    return choice.model_copy(
        update={
            "provider": to.provider,
            "model": to.model,
            "price_mc": to.price_mc,
            "why": why,
            "skipped": tuple(dict.fromkeys((*choice.skipped, *skipped))),
        }
    )


def move(hall: Hall, connection: Connection, movers: Sequence[Mover], now: float) -> None:
    """Make these tasks ready in the lanes of their new providers."""
    if not movers:
        return
    lane_ids = Counter[int]()
    rows = []
    for mover in movers:
        lane_id = _lane(hall, connection, mover)
        lane_ids[lane_id] += 1
        rows.append(_row(mover, lane_id))
    connection.execute(_MOVE, rows)
    arrive(connection, lane_ids, now)


def park(connection: Connection, parked: Sequence[Parked]) -> int:
    """Set tasks aside until a provider may be asked: they must not block their lane. Returns how many."""
    changes, number = LaneChanges(), 0
    for group in parked:
        done = connection.execute(
            _PARK,
            {
                "of_lane": group.lane_id,
                "of_route": group.route,
                "of_choice": group.choice,
                "until": group.until,
                "provider": group.provider,
            },
        )
        changes.at(group.lane_id).ready -= done.rowcount
        number += done.rowcount
    changes.write(connection)
    return number


def _lane(hall: Hall, connection: Connection, mover: Mover) -> int:
    account = read_account(connection, mover.account_id)
    sort = _sort(hall, mover)
    return lanes_of(connection, hall, account, [sort])[sort]


def _sort(hall: Hall, mover: Mover) -> Sort:
    to = mover.to
    fields = to.placement({"kind": mover.kind, **mover.choice.requires})
    short = to.estimated_s <= hall.catalog.pools[to.pool].interactive_s
    return Sort(
        to.pool,
        to.resource.value,
        tuple(sorted(fields["requires"].items())),
        fields["affinity"],
        mover.interactive and short,
        to.provider,
        mover.route.name,
    )


def _row(mover: Mover, lane_id: int) -> dict[str, Any]:
    fields = mover.to.placement({"kind": mover.kind, **mover.choice.requires})
    return {
        "task": mover.task_id,
        "to_lane": lane_id,
        "to_pool": fields["pool"],
        "to_resource": fields["resource"].value,
        "to_requires": fields["requires"],
        "to_affinity": fields["affinity"],
        "to_estimate": fields["estimated_s"],
        "to_choice": mover.choice.model_dump(mode="json"),
    }


_MOVE = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(
        state=TaskState.READY,
        lane_id=bindparam("to_lane"),
        pool=bindparam("to_pool"),
        resource=bindparam("to_resource"),
        requires=bindparam("to_requires", type_=tasks.c.requires.type),
        affinity=bindparam("to_affinity", type_=tasks.c.affinity.type),
        estimated_s=bindparam("to_estimate"),
        choice=bindparam("to_choice", type_=tasks.c.choice.type),
        due_at=None,
        parked_for=None,
    )
)
_ALIKE = (
    select(tasks.c.id)
    .where(tasks.c.lane_id == bindparam("of_lane"), tasks.c.state == TaskState.READY)
    .where(tasks.c.route == bindparam("of_route", type_=tasks.c.route.type))
    .where(tasks.c.choice == bindparam("of_choice", type_=tasks.c.choice.type))
    .limit(_PARK_AT_ONCE)
)
_PARK = (
    update(tasks)
    .where(tasks.c.id.in_(_ALIKE))
    .values(state=TaskState.WAITING, due_at=bindparam("until"), parked_for=bindparam("provider"))
)
