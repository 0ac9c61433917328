"""Keeps count of each batch's rows in notes that are only added: so the counts are read without a look at the
rows, and an upload and the scheduler never wait for each other to count.

Whoever adds, ends or retries rows notes the change in the same transaction; the sum of the notes is exact.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)

from farm.states import AttemptState, JobState
from farm.store.dialect import within
from farm.store.rows import AnyRow
from farm.store.schema import CURRENT, LIVE, attempts, batch_tallies, jobs

_MOST = 64  # notes of one batch before they are made one

_SUMMED = ("rows", "completed", "failed", "cancelled", "held_mc", "charged_mc")


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by what became of their latest job; `started_at` is when the first of those that ended began."""

    rows: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    held_mc: int = 0
    charged_mc: int = 0
    started_at: float | None = None

    @property
    def open(self) -> int:
        """Rows that have not ended."""
        return self.rows - self.completed - self.failed - self.cancelled


@dataclass(frozen=True, slots=True)
class Running:
    """Rows with an attempt under way, and since when the oldest of these runs."""

    rows: int = 0
    started_at: float | None = None


def add_rows(connection: Connection, batch_id: int, rows: int, held_mc: int) -> None:
    """Note new rows. Their jobs hold `held_mc` together."""
    _note(connection, batch_id, Tally(rows=rows, held_mc=held_mc))


def take_out(connection: Connection, batch_id: int, rows: Sequence[AnyRow]) -> None:
    """Note that these ended jobs count no more, for others take their places."""
    states = Counter(row.state for row in rows)
    gone = Tally(
        rows=-len(rows),
        completed=-states[JobState.COMPLETED],
        failed=-states[JobState.FAILED],
        cancelled=-states[JobState.CANCELLED],
        charged_mc=-sum(row.charged_mc for row in rows),
    )
    _note(connection, batch_id, gone)


def add_ended(connection: Connection, seqs: Sequence[int]) -> None:
    """Note the ends of those of these jobs that are rows of a batch, once their ends are written."""
    if not seqs:
        return
    connection.execute(
        insert(batch_tallies).from_select(["batch_id", *_SUMMED, "started_at"], _ends(connection, seqs))
    )
    touched = select(jobs.c.batch_id).where(
        within(connection, jobs.c.seq, seqs), jobs.c.batch_id.is_not(None)
    )
    notes = (
        select(batch_tallies.c.batch_id)
        .where(batch_tallies.c.batch_id.in_(touched.distinct()))
        .group_by(batch_tallies.c.batch_id)
        .having(func.count() > _MOST)
    )
    for batch_id in connection.scalars(notes).all():
        make_one(connection, batch_id)


def make_one(connection: Connection, batch_id: int) -> Tally:
    """Replace the notes of a batch by their sum, which is returned. For the scheduler's transactions only."""
    removed = connection.execute(
        delete(batch_tallies).where(batch_tallies.c.batch_id == batch_id).returning(*_COLUMNS)
    ).all()
    starts = [row.started_at for row in removed if row.started_at is not None]
    total = Tally(
        **{name: sum(getattr(row, name) for row in removed) for name in _SUMMED},
        started_at=min(starts, default=None),
    )
    _note(connection, batch_id, total)
    return total


def tallies(connection: Connection, batch_ids: Sequence[int]) -> Mapping[int, Tally]:
    """The counts of those of these batches that have any."""
    query = (
        select(
            batch_tallies.c.batch_id,
            *(func.sum(batch_tallies.c[name]).label(name) for name in _SUMMED),
            func.min(batch_tallies.c.started_at).label("started_at"),
        )
        .where(batch_tallies.c.batch_id.in_(batch_ids))
        .group_by(batch_tallies.c.batch_id)
    )
    return {
        row.batch_id: Tally(**{name: int(getattr(row, name)) for name in _SUMMED}, started_at=row.started_at)
        for row in connection.execute(query)
    }


def running(connection: Connection, batch_ids: Sequence[int]) -> Mapping[int, Running]:
    """What runs of these batches, of those of which anything does. Costs a look at what runs on the farm."""
    under_way = union_all(
        _UNDER_WAY.where(LIVE, attempts.c.state == AttemptState.RUNNING), _UNDER_WAY.where(_FINISHED)
    ).subquery()
    query = (
        select(
            under_way.c.batch_id,
            func.count(under_way.c.job_seq.distinct()).label("rows"),
            func.min(under_way.c.started_at).label("started_at"),
        )
        .where(under_way.c.batch_id.in_(batch_ids))
        .group_by(under_way.c.batch_id)
    )
    return {row.batch_id: Running(row.rows, row.started_at) for row in connection.execute(query)}


def counted(connection: Connection, batch_ids: Sequence[int]) -> Mapping[int, Tally]:
    """The same as `tallies`, by a look at every row: for batches older than tallies, and for tests."""
    if not batch_ids:
        return {}
    query = (
        select(jobs.c.batch_id, func.count(), *_by_state(), _held(JobState.QUEUED, JobState.RUNNING), *_SPENT)
        .where(jobs.c.batch_id.in_(batch_ids), CURRENT)
        .group_by(jobs.c.batch_id)
    )
    found = connection.execute(query)
    return {
        row[0]: Tally(
            **{name: int(value) for name, value in zip(_SUMMED, row[1:-1], strict=True)}, started_at=row[-1]
        )
        for row in found
    }


# A job is looked up for each attempt: joined, SQLite's planner reads every job of the batch instead.
_OF_BATCH = select(jobs.c.batch_id).where(jobs.c.seq == attempts.c.job_seq, jobs.c.ended_at.is_(None))
_UNDER_WAY = select(attempts.c.job_seq, attempts.c.started_at, _OF_BATCH.scalar_subquery().label("batch_id"))
_FINISHED = attempts.c.state == bindparam("finished", AttemptState.FINISHED.value, literal_execute=True)
_SPENT = (func.sum(jobs.c.charged_mc), func.min(jobs.c.started_at))
_COLUMNS = [batch_tallies.c[name] for name in (*_SUMMED, "started_at")]


def _note(connection: Connection, batch_id: int, change: Tally) -> None:
    values = {name: getattr(change, name) for name in (*_SUMMED, "started_at")}
    connection.execute(insert(batch_tallies).values(batch_id=batch_id, **values))


def _ends(connection: Connection, seqs: Sequence[int]) -> Select[tuple[object, ...]]:
    """What these ends change, a line for each batch."""
    return (
        select(
            jobs.c.batch_id,
            literal(0),
            *_by_state(),
            -func.sum(jobs.c.held_mc),
            *_SPENT,
        )
        .where(within(connection, jobs.c.seq, seqs), jobs.c.batch_id.is_not(None))
        .group_by(jobs.c.batch_id)
    )


def _by_state() -> list[ColumnElement[int]]:
    ends = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
    return [func.sum(case((jobs.c.state == state.value, 1), else_=0)) for state in ends]


def _held(*states: JobState) -> ColumnElement[int]:
    return func.sum(case((jobs.c.state.in_(states), jobs.c.held_mc), else_=0))
