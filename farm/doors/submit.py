"""The submit door: one transaction for job, tasks, held credits and the note to the scheduler.

It only inserts (and takes the held credits from the account), so that no submit ever waits for another
account's work.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sqlalchemy import Connection, insert, select, update

from farm import moderation
from farm.account import Account, Caller
from farm.batch import Place
from farm.doors.budgets import budgets_told, spend
from farm.doors.capable import Need, lacking, needs_of, online
from farm.doors.hall import Hall
from farm.doors.idempotency import Ticket, already_made, note_made
from farm.doors.lanes import Sort, lanes_of, sort_of
from farm.doors.purse import hold
from farm.errors import BadRequest, Conflict
from farm.job import JobSpec
from farm.kinds import POOLS, Kind, TaskSpec, kind_named
from farm.states import TERMINAL_JOBS, JobState, TaskState
from farm.store.bulk import Change, InsertMany, change_and_insert, insert_many, write_all
from farm.store.schema import (
    arrivals,
    jobs,
    ledger,
    media_projects,
    task_needs,
    tasks,
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What submit answers: the job's ids, the held price and what the caller should know."""

    job_id: str
    seq: int
    held_mc: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where new tasks come from: their job, and for grown tasks the `known` ids of those before them.

    `met` names those of them that have succeeded: nobody waits for these any more. `done` names new ones that
    need not run: what they make is there. `held`: none of the new ones may be ready before the scheduler lets
    the job go.
    """

    job_seq: int
    announced: str
    priority: int
    due_at: float | None
    now: float
    known: Mapping[str, int] = field(default_factory=dict)
    met: Set[str] = frozenset()
    done: Set[str] = frozenset()
    batch: int | None = None
    held: bool = False
    interactive: bool = False


_PROJECT_JOB = (
    select(jobs.c.state)
    .select_from(media_projects)
    .join(jobs, jobs.c.id == media_projects.c.job_id, isouter=True)
    .with_for_update(of=media_projects)  # two starts at once: the second sees the first's job
)


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is planned and priced, ready to be submitted; `place` is its row in a batch."""

    spec: JobSpec
    kind: Kind[Any]
    plan: Sequence[TaskSpec]
    price_mc: int
    place: Place | None = None


def submit(hall: Hall, caller: Caller, spec: JobSpec, once: Ticket | None = None) -> Submitted:
    """Accept one job; under a ticket only once.

    Raises BadRequest (ContentRefused for its texts), InsufficientCredits, and CallInProgress when another
    call has taken the ticket's place; then nothing is stored.
    """
    priced = _order(hall, spec)
    with budgets_told(hall, caller), hall.store.write() as connection:
        made_id = already_made(connection, once)
        if made_id is not None:
            return _submitted(connection, made_id)
        done = submit_within(hall, connection, caller, [priced])[0]
        note_made(connection, once, done.job_id)
    hall.bell.ring()
    return done


def submit_all(
    hall: Hall, caller: Caller, specs: Sequence[JobSpec], once: Ticket | None = None
) -> list[Submitted]:
    """Accept many jobs in one transaction: all or none; under a ticket only once."""
    orders = [_order(hall, spec) for spec in specs]
    with budgets_told(hall, caller), hall.store.write() as connection:
        made_id = already_made(connection, once)
        if made_id is not None:
            return _submitted_together(connection, made_id, len(specs))
        done = submit_within(hall, connection, caller, orders)
        note_made(connection, once, done[0].job_id)
    hall.bell.ring()
    return done


def submit_to_project(
    hall: Hall, caller: Caller, spec: JobSpec, project_id: str, once: Ticket | None = None
) -> Submitted:
    """As `submit`, as a media project's next render. Raises Conflict `render_in_progress` while one runs."""
    priced = _order(hall, spec)
    with budgets_told(hall, caller), hall.store.write() as connection:
        made_id = already_made(connection, once)
        if made_id is not None:
            return _submitted(connection, made_id)
        latest = connection.execute(_PROJECT_JOB.where(media_projects.c.id == project_id)).one()
        if latest.state is not None and latest.state not in TERMINAL_JOBS:
            raise Conflict(
                "This project's render is under way.", param="projectId", code="render_in_progress"
            )
        done = submit_within(hall, connection, caller, [priced])[0]
        connection.execute(
            update(media_projects)
            .where(media_projects.c.id == project_id)
            .values(job_id=done.job_id, revision=media_projects.c.revision + 1)
        )
        note_made(connection, once, done.job_id)
    hall.bell.ring()
    return done


def submit_within(
    hall: Hall, connection: Connection, caller: Caller, orders: Sequence[Order]
) -> list[Submitted]:
    """The submit itself, inside a caller's transaction (surfaces that change their own rows with it)."""
    now = hall.clock.now()
    warnings = _warnings(hall, connection, orders)
    price_mc = sum(order.price_mc for order in orders)
    # Lanes before the account's row, as a tick does that grows tasks: else the two could lock each other out.
    lane_of = lanes_of(connection, hall, caller.account, _sorts(hall, orders))
    hold(hall, connection, caller.account, price_mc, now)
    rows = [_job_row(hall, caller, order, said, now) for order, said in zip(orders, warnings, strict=True)]
    seqs = insert_many(connection, jobs, rows)
    holds = [
        {
            "account_id": caller.account.id,
            "job_seq": seq,
            "entry": "hold",
            "amount_mc": -order.price_mc,
            "created_at": now,
        }
        for seq, order in zip(seqs, orders, strict=True)
    ]
    spend(connection, caller, price_mc, now)
    plans = [(order.plan, _origin(order, seq, now)) for seq, order in zip(seqs, orders, strict=True)]
    insert_plans(connection, hall, caller.account, plans, lane_of, also=[(_HOLD, holds)])
    return [
        Submitted(row["id"], seq, row["held_mc"], tuple(row["warnings"]))
        for row, seq in zip(rows, seqs, strict=True)
    ]


def _sorts(hall: Hall, orders: Sequence[Order]) -> set[Sort]:
    return {
        sort_of(hall, task, order.kind.announced, interactive=order.spec.interactive)
        for order in orders
        for task in order.plan
    }


def order(hall: Hall, spec: JobSpec) -> Order:
    """Plan and price a spec, touching nothing: for surfaces that quote before they submit."""
    return _order(hall, spec)


def _order(hall: Hall, spec: JobSpec) -> Order:
    kind = kind_named(spec.params.kind)
    if kind.told is not None:
        moderation.check(hall.catalog.moderation, kind.told(spec.params))
    plan = tuple(task.routed(hall.catalog.providers) for task in kind.plan(spec.params))
    if not plan:
        raise BadRequest("Nothing is to be done.", param="params")
    check_plan(plan)
    return Order(spec, kind, plan, kind.price_mc(spec.params, hall.catalog))


def check_plan(plan: Sequence[TaskSpec], known: Collection[str] = ()) -> None:
    """Raise BadRequest unless every task can come to its turn. `known` names the job's tasks so far."""
    needs = {task.name: set(task.needs) for task in plan}
    if len(needs) < len(plan) or not needs.keys().isdisjoint(known):
        raise BadRequest("Two tasks of the job have one name.", param="name")
    names = needs.keys() | set(known)
    for task in plan:
        if task.pool not in POOLS:
            raise BadRequest(f"Task {task.name!r} names an unknown pool {task.pool!r}.", param="pool")
        if not needs[task.name] <= names:
            raise BadRequest(f"Task {task.name!r} needs tasks that the job does not have.", param="needs")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise BadRequest("Tasks of the job wait for each other in a circle.", param="needs") from error


def _warnings(hall: Hall, connection: Connection, orders: Sequence[Order]) -> list[list[str]]:
    """Per order, what of it no worker now online could run. Raises BadRequest where configs refuse such."""
    here = online(hall, connection)
    judge = cache(lambda need: lacking(here, need))
    found = [_unrunnable(hall, judge, order) for order in orders]
    if hall.catalog.scheduling.refuse_unrunnable and any(found):
        first = next(reasons for reasons in found if reasons)
        raise BadRequest(f"{_sentence(first[0])}.", code="no_capable_worker")
    return [[f"{_sentence(reason)} now; the job waits for one." for reason in reasons] for reasons in found]


def _unrunnable(hall: Hall, judge: Callable[[Need], str | None], order: Order) -> list[str]:
    """Each thing that is missing, once. A task that several providers may serve needs a worker for one."""
    reasons = dict[str, None]()
    for task in order.plan:
        why = [judge(need) for need in needs_of(hall, task, order.kind.announced)]
        if all(why):
            reasons[str(why[0])] = None
    return list(reasons)


def _sentence(reason: str) -> str:
    return reason[0].upper() + reason[1:]


def _submitted(connection: Connection, job_id: str) -> Submitted:
    """What submit answered when it made this job."""
    row = connection.execute(
        select(jobs.c.id, jobs.c.seq, jobs.c.held_mc, jobs.c.warnings).where(jobs.c.id == job_id)
    ).one()
    return Submitted(row.id, row.seq, row.held_mc, tuple(row.warnings))


def _submitted_together(connection: Connection, first_id: str, count: int) -> list[Submitted]:
    """The same for jobs of one transaction: they have one moment, and numbers that rise."""
    first = jobs.alias("first")
    query = (
        select(jobs.c.id, jobs.c.seq, jobs.c.held_mc, jobs.c.warnings)
        .join(first, first.c.account_id == jobs.c.account_id)
        .where(first.c.id == first_id, jobs.c.seq >= first.c.seq, jobs.c.created_at == first.c.created_at)
        .where(jobs.c.kind == first.c.kind)
        .order_by(jobs.c.seq)
        .limit(count)
    )
    found = connection.execute(query)
    return [Submitted(row.id, row.seq, row.held_mc, tuple(row.warnings)) for row in found]


def _job_row(hall: Hall, caller: Caller, order: Order, warnings: list[str], now: float) -> dict[str, Any]:
    spec, place = order.spec, order.place
    return {
        "id": hall.ids.public(spec.id_prefix),
        "batch_id": place.batch if place else None,
        "custom_id": place.custom_id if place else None,
        "held": place.held if place else False,
        "unmet": place.unmet if place else 0,
        "account_id": caller.account.id,
        "api_key_id": caller.key_id,
        "kind": order.kind.name,
        "kind_version": order.kind.version,
        "surface": spec.surface,
        "state": JobState.QUEUED,
        "priority": spec.priority,
        "params": spec.params.model_dump(mode="json"),
        "warnings": warnings,
        "reference": spec.reference,
        "project_id": spec.project_id,
        "webhook_url": spec.webhook_url,
        "auto_retry": spec.auto_retry,
        "max_running": spec.max_running,
        "interactive": spec.interactive,
        "start_after": spec.start_after,
        "deadline_at": spec.deadline,
        "created_at": now,
        "open_tasks": len(order.plan),
        "held_mc": order.price_mc,
    }


def insert_plans(
    connection: Connection,
    hall: Hall,
    account: Account,
    plans: Sequence[tuple[Sequence[TaskSpec], Origin]],
    lane_of: Mapping[Sort, int] | None = None,
    *,
    also: Sequence[Change] = (),
) -> None:
    """Insert the tasks of an account's jobs with their needs, and tell the scheduler of the ready ones.

    Lanes that are found already need not be looked for. What else is to be written goes `also` with them.
    """
    wanted = [
        (task, origin, sort_of(hall, task, origin.announced, interactive=origin.interactive))
        for plan, origin in plans
        for task in plan
    ]
    if not wanted:  # a job that was answered at once
        write_all(connection, also)
        return
    if lane_of is None:
        lane_of = lanes_of(connection, hall, account, {sort for _, _, sort in wanted})
    rows = [task_row(task, lane_of[sort], origin) for task, origin, sort in wanted]
    ids = iter(change_and_insert(connection, [*also, (_ARRIVED, _arrivals(rows))], tasks, rows))
    needs: list[dict[str, int]] = []
    for plan, origin in plans:
        by_name = {**origin.known, **{task.name: next(ids) for task in plan}}
        needs += [
            {"task_id": by_name[t.name], "needs_task_id": by_name[n]} for t in plan for n in set(t.needs)
        ]
    if needs:
        connection.execute(insert(task_needs), needs)


def _arrivals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, int]]:
    """How many ready tasks come into which lanes."""
    counts = Counter(row["lane_id"] for row in rows if row["state"] == TaskState.READY)
    return [{"lane_id": lane, "added": number} for lane, number in counts.items()]


def task_row(task: TaskSpec, lane_id: int, origin: Origin) -> dict[str, Any]:
    """A new task's row: done, blocked while it needs others or is held, waiting until it is due, or ready."""
    unmet = len(set(task.needs) - origin.met - origin.done)
    is_done = task.name in origin.done
    due = None if is_done else origin.due_at
    blocked = unmet > 0 or origin.held
    state = TaskState.BLOCKED if blocked else TaskState.WAITING if due is not None else TaskState.READY
    state = TaskState.SUCCEEDED if is_done else state
    return {
        "job_seq": origin.job_seq,
        "lane_id": lane_id,
        "batch_id": origin.batch,
        "name": task.name,
        "step": task.step,
        "pool": task.pool,
        "resource": task.resource.value,
        "state": state,
        "priority": origin.priority,
        "params": task.params,
        "inputs": list(task.inputs),
        "requires": {"kind": origin.announced, **task.requires},
        "affinity": task.affinity,
        "estimated_s": task.estimated_s,
        "soft_s": task.soft_s,
        "hard_s": task.hard_s,
        "no_progress_s": task.no_progress_s,
        "ready_at": origin.now if state == TaskState.READY else None,
        "due_at": due,
        "route": task.route.model_dump(mode="json") if task.route is not None else None,
        "choice": task.choice.model_dump(mode="json") if task.choice is not None else None,
        "unmet": unmet,
        "created_at": origin.now,
        "ended_at": origin.now if is_done else None,
    }


_HOLD = InsertMany(ledger, ("account_id", "job_seq", "entry", "amount_mc", "created_at"), "holds")
_ARRIVED = InsertMany(arrivals, ("lane_id", "added"), "arrived")


def _origin(order: Order, seq: int, now: float) -> Origin:
    spec, place = order.spec, order.place
    due = spec.start_after if spec.start_after is not None and spec.start_after > now else None
    batch, held = (place.batch, place.held) if place else (None, False)
    return Origin(
        seq,
        order.kind.announced,
        spec.priority,
        due,
        now,
        batch=batch,
        held=held,
        interactive=spec.interactive,
    )
