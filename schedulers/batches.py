"""Steers batches within the tick: lets their jobs go, holds them back, cancels and ends them.

A job that may not start yet is `held` and its tasks are blocked, outside every lane: it waits for jobs it
needs, or for its batch's max_running. Tasks of a paused batch are taken out of their lane when their turn
comes (schedulers.dispatcher) and brought back here. So a batch that stands still blocks nobody.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, case, exists, false, func, insert, or_, select, update

from farm.batch import BatchState
from farm.doors.batch_tally import Tally, counted, make_one
from farm.doors.hall import Hall
from farm.states import TaskState
from farm.store.dialect import within
from farm.store.rows import AnyRow
from farm.store.schema import PARKED, attempts, batch_rejects, batches, jobs, outbox, tasks
from schedulers.arrivals import arrive
from schedulers.batch_cancel import cancel_some
from schedulers.endings import cannot_start, end_jobs
from schedulers.lanes import LaneChanges
from schedulers.needs import check_fresh

_AT_ONCE = 2000
_END_AT_ONCE = 200


@dataclass(slots=True)
class Steered:
    """What a turn did, and the batches of which nothing may be started."""

    done: int = 0
    held_back: set[int] = field(default_factory=set)


_open_jobs = select(jobs.c.seq).where(jobs.c.batch_id == batches.c.id, jobs.c.ended_at.is_(None))
_MOVES = or_(batches.c.paused, batches.c.state == BatchState.CANCELLING)
_IS_STEERED = (
    batches.c.ended_at.is_(None),
    or_(batches.c.gated, batches.c.state == BatchState.CANCELLING),
)
STEERED = select(batches.c.id).where(*_IS_STEERED)
_GATED = (
    select(
        batches.c.id,
        batches.c.state,
        batches.c.paused,
        batches.c.max_running,
        case(
            (_MOVES, false()),
            else_=exists(select(tasks.c.id).where(tasks.c.batch_id == batches.c.id, PARKED)),
        ).label("parked"),
        case(
            (_MOVES, false()),
            else_=exists(_open_jobs.where(jobs.c.held, jobs.c.unmet == 0)),
        ).label("startable"),
        case(
            (or_(_MOVES, batches.c.max_running.is_(None)), 0),
            else_=select(func.count())
            .select_from(jobs)
            .where(jobs.c.batch_id == batches.c.id, jobs.c.ended_at.is_(None), ~jobs.c.held)
            .scalar_subquery(),
        ).label("live"),
    )
    .where(*_IS_STEERED)
    .order_by(batches.c.id)
)


def steer(hall: Hall, connection: Connection, now: float) -> Steered:
    """Bring every batch one step nearer to what was asked of it."""
    if not (rows := connection.execute(_GATED).all()):
        return Steered()
    checked, doomed = check_fresh(connection)
    if checked:
        end_jobs(hall, connection, cannot_start(doomed), now)
        rows = connection.execute(_GATED).all()
    steered = Steered(checked)
    for row in rows:
        if row.state == BatchState.CANCELLING:
            steered.held_back.add(row.id)
            steered.done += _cancel(hall, connection, row.id, now)
        elif row.paused:
            steered.held_back.add(row.id)
        else:
            steered.done += _let_run(connection, row, now, steered.held_back)
    return steered


def end_batches(connection: Connection, now: float) -> int:
    """End batches that take no more rows and whose jobs have all ended. Returns how many."""
    ready = connection.scalars(_DONE.limit(_END_AT_ONCE)).all()
    if not ready:
        return 0
    # A retry of failed rows may be adding jobs: its batch is left for the next turn.
    locked = connection.scalars(
        select(batches.c.id).where(batches.c.id.in_(ready)).with_for_update(skip_locked=True)
    ).all()
    rows = connection.execute(_END.where(batches.c.id.in_(locked)), {"now": now}).all()
    if rows:
        connection.execute(insert(outbox), [_event(connection, row, now) for row in rows])
    return len(rows)


def _cancel(hall: Hall, connection: Connection, batch_id: int, now: float) -> int:
    done = cancel_some(connection, batch_id, now)
    return done or end_batches(connection, now)


def _let_run(connection: Connection, row: AnyRow, now: float, held_back: set[int]) -> int:
    """One batch that is neither paused nor cancelled."""
    room = _AT_ONCE if row.max_running is None else row.max_running - row.live
    if room < 0 and (done := _hold_again(connection, row.id, -room)):
        held_back.add(row.id)
        return done
    # What has started goes on, though it be more than max_running.
    done = _bring_back(connection, row.id, now) if row.parked else 0
    if row.startable and room > 0:
        done += _let_go(connection, row.id, min(room, _AT_ONCE), now)
    return done


def _let_go(connection: Connection, batch_id: int, count: int, now: float) -> int:
    """Let the first held jobs that need nothing more have their turn."""
    seqs = connection.scalars(_STARTABLE, {"of_batch": batch_id, "count": count}).all()
    if not seqs:
        return 0
    connection.execute(update(jobs).where(within(connection, jobs.c.seq, seqs)).values(held=False))
    later = tasks.c.due_at > now
    freed = connection.execute(
        update(tasks)
        .where(within(connection, tasks.c.job_seq, seqs))
        .where(tasks.c.state == TaskState.BLOCKED, tasks.c.unmet == 0)
        .values(
            state=case((later, TaskState.WAITING.value), else_=TaskState.READY.value),
            due_at=case((later, tasks.c.due_at), else_=None),
            ready_at=case((later, tasks.c.ready_at), else_=now),
        )
        .returning(tasks.c.lane_id, tasks.c.state)
    )
    _arrive(connection, [row.lane_id for row in freed if row.state == TaskState.READY], now)
    return len(seqs)


def _bring_back(connection: Connection, batch_id: int, now: float) -> int:
    """Tasks that stood aside while the batch was paused go back to their lanes."""
    back = connection.scalars(_BRING_BACK, {"of_batch": batch_id, "count": _AT_ONCE}).all()
    _arrive(connection, back, now)
    return len(back)


def _hold_again(connection: Connection, batch_id: int, count: int) -> int:
    """Hold the last of the jobs that have not started: the batch's max_running was lowered."""
    seqs = connection.scalars(_UNSTARTED, {"of_batch": batch_id, "count": min(count, _AT_ONCE)}).all()
    if not seqs:
        return 0
    block = update(tasks).where(within(connection, tasks.c.job_seq, seqs)).values(state=TaskState.BLOCKED)
    ready = connection.scalars(block.where(tasks.c.state == TaskState.READY).returning(tasks.c.lane_id))
    changes = LaneChanges()
    for lane_id, number in Counter(ready).items():
        changes.at(lane_id).ready -= number
    changes.write(connection)
    connection.execute(block.where(tasks.c.state == TaskState.WAITING))
    connection.execute(update(jobs).where(within(connection, jobs.c.seq, seqs)).values(held=True))
    return len(seqs)


def _arrive(connection: Connection, lane_ids: Sequence[int], now: float) -> None:
    if lane_ids:
        arrive(connection, Counter(lane_ids), now)


def _event(connection: Connection, row: AnyRow, now: float) -> dict[str, object]:
    """The event of a batch's end, with its counts as they are now: a retry may change them."""
    tally = (
        make_one(connection, row.id) if row.tallied else counted(connection, [row.id]).get(row.id, Tally())
    )
    rejected = connection.scalar(_REJECTED, {"of_batch": row.id}) or 0
    return {
        "account_id": row.account_id,
        "event": f"batch.{row.state}",
        "endpoint": row.webhook_url or "",
        "api_key_id": row.api_key_id,
        "payload": {
            "batch": row.public_id,
            "name": row.name,
            "state": row.state,
            "total_jobs": tally.rows,
            "completed": tally.completed,
            "failed": tally.failed,
            "cancelled": tally.cancelled,
            "rejected": rejected,
            "partial_failure": bool(tally.failed or rejected),
            "charged_mc": tally.charged_mc,
            "created_at": row.created_at,
        },
        "state": "pending",
        "due_at": now,
        "created_at": now,
    }


_STARTABLE = (
    select(jobs.c.seq)
    .where(jobs.c.batch_id == bindparam("of_batch"), jobs.c.ended_at.is_(None))
    .where(jobs.c.held, jobs.c.unmet == 0)
    .order_by(jobs.c.priority, jobs.c.seq)
    .limit(bindparam("count"))
)
_UNSTARTED = (
    select(jobs.c.seq)
    .where(jobs.c.batch_id == bindparam("of_batch"), jobs.c.ended_at.is_(None), ~jobs.c.held)
    .where(jobs.c.unmet == 0)  # they all are; it names the next column of the index
    .where(jobs.c.started_at.is_(None), jobs.c.cancel_asked_at.is_(None))
    .where(~exists(select(attempts.c.id).where(attempts.c.job_seq == jobs.c.seq)))
    .order_by(jobs.c.priority.desc(), jobs.c.seq.desc())
    .limit(bindparam("count"))
)
_FIRST_PARKED = (
    select(tasks.c.id)
    .where(tasks.c.batch_id == bindparam("of_batch"), PARKED)
    .order_by(tasks.c.id)
    .limit(bindparam("count"))
)
_BRING_BACK = (
    update(tasks)
    .where(tasks.c.id.in_(_FIRST_PARKED))
    .values(state=TaskState.READY)
    .returning(tasks.c.lane_id)
)
_REJECTED = select(func.count()).where(batch_rejects.c.batch_id == bindparam("of_batch"))
_DONE = select(batches.c.id).where(
    batches.c.ended_at.is_(None),
    batches.c.state.in_((BatchState.CLOSED, BatchState.CANCELLING)),
    ~exists(_open_jobs),
)
_END = (
    update(batches)
    .where(batches.c.ended_at.is_(None), ~exists(_open_jobs))
    .values(
        state=case(
            (batches.c.state == BatchState.CANCELLING, BatchState.CANCELLED.value),
            else_=BatchState.COMPLETED.value,
        ),
        ended_at=bindparam("now"),
        paused=False,  # a retry of its failed rows runs
    )
    .returning(
        batches.c.id,
        batches.c.tallied,
        batches.c.created_at,
        batches.c.public_id,
        batches.c.account_id,
        batches.c.api_key_id,
        batches.c.name,
        batches.c.state,
        batches.c.webhook_url,
    )
)
