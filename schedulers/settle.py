"""Settles finished attempts: one transaction moves task, job, ledger and outbox together.

Reads what workers recorded, decides with schedulers.retry, and writes in bulk. A worker's word counts
only through `finish` under a valid token, so every row here is settled once.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select, update

from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.states import TERMINAL_JOBS, AttemptState, JobState, Outcome, TaskState
from farm.store.bulk import UpdateMany
from farm.store.dialect import OneOf
from farm.store.rows import AnyRow
from farm.store.schema import FINISHED, accounts, attempts, jobs, lanes, task_needs, tasks
from schedulers.arrivals import arrive
from schedulers.endings import Ended, end_jobs
from schedulers.failover.decide import Failover
from schedulers.failover.desk import Desk
from schedulers.grow import asked_for, grow, store_outputs
from schedulers.job_limit import step_back
from schedulers.lanes import LaneChanges, correct_tiers
from schedulers.quarantine import WORKER_FAILING, judge
from schedulers.retry import GiveUp, Retry, after_failure
from schedulers.reuse import forget

_FILE_GONE = "asset_missing"  # as workers say it; it may be a file of the job's own
# What it says beside the attempt saves statements that most batches would make in vain.
_FINISHED = (
    select(
        attempts.c.id,
        attempts.c.task_id,
        attempts.c.lane_id,
        attempts.c.pool,
        attempts.c.resource,
        attempts.c.worker,
        attempts.c.outcome,
        attempts.c.failure_class,
        attempts.c.error_code,
        attempts.c.error_message,
        attempts.c.report,
        attempts.c.provider,
        attempts.c.model,
        attempts.c.provider_ref,
        attempts.c.dropped,
        attempts.c.decision,
        attempts.c.retry_after_s,
        attempts.c.started_at,
        attempts.c.ended_at,
        tasks.c.name.label("task_name"),
        tasks.c.attempts,
        tasks.c.ready_at,
        tasks.c.estimated_s,
        tasks.c.requires,
        tasks.c.route,
        tasks.c.choice,
        exists(select(task_needs.c.task_id).where(task_needs.c.needs_task_id == tasks.c.id)).label(
            "is_needed"
        ),
        WORKER_FAILING.label("worker_failing"),
        jobs.c.seq.label("job_seq"),
        jobs.c.id.label("job_id"),
        jobs.c.state.label("job_state"),
        jobs.c.batch_id,
        jobs.c.priority,
        jobs.c.interactive,
        jobs.c.max_running,
        jobs.c.auto_retry,
        jobs.c.cancel_asked_at,
        jobs.c.deadline_at,
        jobs.c.open_tasks,
        accounts.c.id.label("account_id"),
        accounts.c.tier,
        lanes.c.tier.label("lane_tier"),
    )
    .select_from(attempts)
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .join(jobs, jobs.c.seq == tasks.c.job_seq)
    .join(accounts, accounts.c.id == jobs.c.account_id)
    .join(lanes, lanes.c.id == attempts.c.lane_id)
    .where(FINISHED)
    .order_by(attempts.c.id)
)
_FIRST_FINISHED = _FINISHED.limit(bindparam("count"))
_ONE_FINISHED = _FINISHED.where(attempts.c.id == bindparam("attempt"))
_SETTLED = update(attempts).where(OneOf(attempts.c.id, "ids")).values(state=AttemptState.SETTLED)
_TASK = UpdateMany(
    tasks.c.id,
    {
        "to_state": tasks.c.state,
        "due": tasks.c.due_at,
        "uncounted": tasks.c.attempts,
        "to_class": tasks.c.failure_class,
        "to_code": tasks.c.error_code,
        "to_message": tasks.c.error_message,
        "to_result": tasks.c.result,
        "from_at": tasks.c.started_at,
        "to_at": tasks.c.ended_at,
    },
    lambda given: {
        "state": given["to_state"],
        "due_at": given["due"],
        "parked_for": None,
        "attempts": tasks.c.attempts - given["uncounted"],
        "failure_class": given["to_class"],
        "error_code": given["to_code"],
        "error_message": given["to_message"],
        "result": given["to_result"],
        "started_at": given["from_at"],
        "ended_at": given["to_at"],
    },
)


def finished(connection: Connection, limit: int) -> Sequence[AnyRow]:
    """Attempts that workers (or the rescue sweep) have ended and nobody has settled."""
    return connection.execute(_FIRST_FINISHED, {"count": limit}).all()


def still_finished(connection: Connection, attempt_id: int) -> AnyRow:
    """One of them as it is now, after others were settled."""
    return connection.execute(_ONE_FINISHED, {"attempt": attempt_id}).one()


class Settlement:
    """One batch of finished attempts."""

    def __init__(self, hall: Hall, connection: Connection, now: float) -> None:
        self._hall = hall
        self._connection = connection
        self._now = now
        self._desk = Desk(hall, connection, now)
        self._lanes = LaneChanges()
        self._tasks: list[dict[str, Any]] = []
        self._won: list[AnyRow] = []
        self._stopping: set[int] = set()
        self._ended: dict[int, Ended] = {}

    def settle(self, rows: Sequence[AnyRow]) -> None:
        """Decide and write. Raises nothing of its own: what the database refuses fails the whole batch."""
        for row in rows:
            self._decide(row)
        self._connection.execute(_SETTLED, {"ids": [row.id for row in rows]})
        _TASK.run(self._connection, self._tasks)
        self._unstart(rows)
        self._lanes.write(self._connection)
        self._desk.write()
        self._correct_tiers(rows)
        if self._won:
            self._advance()
        self._end_stopped()
        end_jobs(self._hall, self._connection, list(self._ended.values()), self._now)
        step_back(self._connection, self._limits(rows), self._now)
        judge(self._hall, self._connection, self._of_workers(rows), self._now)

    def _decide(self, row: AnyRow) -> None:
        lane = self._lanes.at(row.lane_id)
        lane.busy -= 1
        lane.vtime += _correction(row)
        over = row.job_state in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
        stopping = over or row.cancel_asked_at is not None
        if row.choice is not None and (stopping or row.outcome not in (Outcome.FAILED, Outcome.LOST)):
            self._desk.ended(row)
        match Outcome(row.outcome):
            case Outcome.SUCCEEDED if not over:
                self._won.append(row)
                self._task(row, TaskState.SUCCEEDED)
                if stopping:
                    self._stopping.add(row.job_seq)
            case Outcome.RETURNED | Outcome.SUPERSEDED if not stopping:
                self._again(row, 0.0, uncounted=1)
            case Outcome.FAILED | Outcome.LOST if not stopping:
                self._failed(row, _failure(row))
            case _:
                self._task(row, TaskState.CANCELLED)
                if not over:
                    self._stop(row)

    def _unstart(self, rows: Sequence[AnyRow]) -> None:
        """A sweep may have noted as running what its worker claimed and put back before it began."""
        unbegun = {row.job_seq for row in rows if row.outcome == Outcome.RETURNED and row.started_at is None}
        if unbegun:
            self._connection.execute(_UNSTART, {"ids": sorted(unbegun)})

    def _limits(self, rows: Sequence[AnyRow]) -> dict[int, int]:
        """The jobs with a limit of their own that go on: each may start what stepped aside for it."""
        return {
            row.job_seq: row.max_running
            for row in rows
            if row.max_running is not None and row.job_state not in TERMINAL_JOBS
        }

    def _of_workers(self, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """Those that tell of their workers: a service that is slow is no worker's fault."""
        remote = {name for name, p in self._hall.catalog.providers.providers.items() if p.remote}
        return [
            row
            for row in rows
            if row.provider not in remote
            or row.failure_class not in (FailureClass.TIMEOUT, FailureClass.NO_PROGRESS)
        ]

    def _stop(self, row: AnyRow) -> None:
        if row.cancel_asked_at is not None:
            self._stopping.add(row.job_seq)
        else:  # the worker gave up by itself; that stops the rest too
            self._ended[row.job_seq] = Ended(row.job_seq, JobState.CANCELLED)

    def _failed(self, row: AnyRow, failure: Failure) -> None:
        rules = self._hall.catalog
        rounds = rules.scheduling.auto_retry_rounds if row.auto_retry else 1
        decision: Retry | Failover | GiveUp
        if row.choice is not None:
            decision = self._desk.failed(row, failure, rounds)
        else:
            kind = FailureClass(failure.failure_class)
            decision = after_failure(kind, row.attempts, rules.retry, rounds)
        match decision:
            case GiveUp():
                if failure.failure_class == FailureClass.CORRUPT_OUTPUT or failure.code == _FILE_GONE:
                    forget(self._connection, row.account_id, row.job_seq)
                self._task(row, TaskState.FAILED, failure=failure)
                self._ended[row.job_seq] = Ended(row.job_seq, JobState.FAILED, failure)
            case Failover():  # the desk makes it ready, in another lane
                self._task(row, TaskState.READY, failure=failure)
            case Retry(pause_s=pause_s):
                self._again(row, pause_s, failure=failure)

    def _again(
        self, row: AnyRow, pause_s: float, *, uncounted: int = 0, failure: Failure | None = None
    ) -> None:
        if pause_s > 0:
            due = self._now + pause_s
            self._task(row, TaskState.WAITING, due=due, uncounted=uncounted, failure=failure)
        else:
            self._task(row, TaskState.READY, uncounted=uncounted, failure=failure)
            self._lanes.at(row.lane_id).ready += 1

    def _task(
        self,
        row: AnyRow,
        state: TaskState,
        *,
        due: float | None = None,
        uncounted: int = 0,
        failure: Failure | None = None,
    ) -> None:
        ended = state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)
        self._tasks.append(
            {
                "key": row.task_id,
                "to_state": state,
                "due": due,
                "uncounted": uncounted,
                "to_class": failure.failure_class if failure else None,
                "to_code": failure.code if failure else None,
                "to_message": failure.message if failure else None,
                "to_result": (row.report or {}).get("result", {}) if state is TaskState.SUCCEEDED else {},
                "from_at": row.started_at,
                "to_at": self._now if ended else None,
            }
        )

    def _advance(self) -> None:
        """What success brings: artifacts, grown tasks, dependents made ready, jobs completed."""
        for row in self._won:
            store_outputs(self._hall, self._connection, row, self._now)
        needed = [row.task_id for row in self._won if row.is_needed]
        self._unblock(needed)  # before growing: what grows sees these as met
        left = {row.job_seq: row.open_tasks for row in self._won}
        for row in self._won:
            if row.job_seq in self._stopping:  # what it asked for will not be done, so the job is not done
                grown = len(asked_for(row))
            else:
                grown = grow(self._hall, self._connection, row, self._now)
            left[row.job_seq] += grown - 1
        for job_seq in [seq for seq, number in left.items() if number == 0]:
            self._stopping.discard(job_seq)  # it was done before it could be stopped
            end = self._ended.setdefault(job_seq, Ended(job_seq, JobState.COMPLETED))
            if end.state is JobState.COMPLETED:
                del left[job_seq]  # its end says so
        _OPEN_TASKS.run(self._connection, [{"key": seq, "left": left[seq]} for seq in sorted(left)])

    def _end_stopped(self) -> None:
        """Cancelled means stopped: a job that was to stop ends with the last attempt that ran."""
        if not self._stopping:
            return
        live = self._connection.scalars(
            select(attempts.c.job_seq).where(
                attempts.c.job_seq.in_(self._stopping), attempts.c.state != AttemptState.SETTLED
            )
        ).all()
        for job_seq in sorted(self._stopping.difference(live)):
            self._ended.setdefault(job_seq, Ended(job_seq, JobState.CANCELLED))

    def _unblock(self, done: Sequence[int]) -> None:
        """Count down the needs of tasks that waited for these; those with none left become ready."""
        if not done:
            return
        counts = self._connection.execute(_DEPENDENTS, {"ids": done}).all()
        if not counts:
            return
        self._connection.execute(
            _UNMET,
            [{"task": row.task_id, "met": row.number} for row in sorted(counts, key=lambda r: r.task_id)],
        )
        arrived = Counter(self._connection.scalars(_FREED, {"ids": done, "now": self._now}))
        if arrived:
            arrive(self._connection, arrived, self._now)

    def _correct_tiers(self, rows: Sequence[AnyRow]) -> None:
        """Tiers were charged estimated seconds; add what was really used."""
        seconds: dict[tuple[str, str, str], float] = {}
        for row in rows:
            key = (row.pool, row.resource, row.lane_tier)
            seconds[key] = seconds.get(key, 0.0) + _correction(row)
        correct_tiers(self._hall.catalog, self._connection, seconds)


_WHO_NEEDS = select(task_needs.c.task_id).where(OneOf(task_needs.c.needs_task_id, "ids"))
_DEPENDENTS = _WHO_NEEDS.add_columns(func.count().label("number")).group_by(task_needs.c.task_id)
_FREED = (
    update(tasks)
    .where(tasks.c.id.in_(_WHO_NEEDS), tasks.c.unmet == 0, tasks.c.state == TaskState.BLOCKED)
    .values(state=TaskState.READY, ready_at=bindparam("now"))
    .returning(tasks.c.lane_id)
)
_OPEN_TASKS = UpdateMany(
    jobs.c.seq,
    {"left": jobs.c.open_tasks},
    lambda given: {"open_tasks": given["left"], "state": JobState.RUNNING},
)
_UNSTART = (
    update(jobs)
    .where(OneOf(jobs.c.seq, "ids"), jobs.c.state == JobState.RUNNING)
    .where(~exists().where(attempts.c.job_seq == jobs.c.seq, attempts.c.started_at.is_not(None)))
    .values(state=JobState.QUEUED, started_at=None)
)
_UNMET = update(tasks).where(tasks.c.id == bindparam("task")).values(unmet=tasks.c.unmet - bindparam("met"))


def _correction(row: AnyRow) -> float:
    """Actual minus estimated seconds of service."""
    if row.started_at is None or row.ended_at is None:
        return -float(row.estimated_s)
    return max(0.0, float(row.ended_at - row.started_at)) - float(row.estimated_s)


def _failure(row: AnyRow) -> Failure:
    if row.outcome == Outcome.LOST:
        return Failure(FailureClass.LOST, "worker_lost", "The worker stopped answering.")
    return Failure(
        row.failure_class or FailureClass.INTERNAL,
        row.error_code or "task_failed",
        row.error_message or "The task failed without saying why.",
    )
