"""Look at jobs, cancel them, ask them why they wait. One account never sees another's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, insert, select, update

from farm.account import Caller
from farm.choices import Choice, Decision
from farm.doors import audit
from farm.doors.hall import Hall
from farm.errors import BadRequest, Conflict, NotFound
from farm.job import Artifact, Attempt, Failure, Job, JobSpec, Task
from farm.kinds import GROWS, kind_named
from farm.providers import Route
from farm.states import TERMINAL_JOBS, TERMINAL_TASKS, AttemptState, JobState, Outcome, TaskState
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, attempts, jobs, requests, tasks


def job(hall: Hall, account_id: int | None, job_id: str) -> Job:
    """The job with its tasks and live progress. `account_id` None is the operator. Raises NotFound."""
    with hall.store.read() as connection:
        return _with_tasks(connection, _row(connection, account_id, job_id))


def as_they_stand(hall: Hall, found: Sequence[Job]) -> list[Job]:
    """The same jobs, in order, each that has not ended with its tasks and live progress; in three queries."""
    under_way = [one.seq for one in found if not one.ended]
    with hall.store.read() as connection:
        rows = connection.execute(select(jobs).where(jobs.c.seq.in_(under_way))).all()
        now = _all_with_tasks(connection, rows)
    return [now.get(one.seq, one) for one in found]


def list_jobs(
    hall: Hall,
    account_id: int | None,
    *,
    states: Sequence[JobState] = (),
    kind: str | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> list[Job]:
    """Jobs, newest first, without their tasks. `before_seq` continues after the last one of a page."""
    query = select(jobs).order_by(jobs.c.seq.desc()).limit(limit)
    if account_id is not None:
        query = query.where(jobs.c.account_id == account_id)
    if states:
        query = query.where(jobs.c.state.in_(states))
    if kind is not None:
        query = query.where(jobs.c.kind == kind)
    if before_seq is not None:
        query = query.where(jobs.c.seq < before_seq)
    with hall.store.read() as connection:
        return [job_of(row) for row in connection.execute(query)]


def job_artifacts(hall: Hall, account_id: int | None, job_id: str) -> list[Artifact]:
    """The finished files of a job that have not expired. Raises NotFound."""
    with hall.store.read() as connection:
        row = _row(connection, account_id, job_id)
        found = connection.execute(
            select(artifacts)
            .where(artifacts.c.job_seq == row.seq, kept(hall.clock.now()))
            .order_by(artifacts.c.name)
        )
        return [artifact_of(artifact, job_id) for artifact in found]


def kept(now: float) -> ColumnElement[bool]:
    """The condition of artifacts that may (still) be given out."""
    lives = artifacts.c.expires_at.is_(None) | (artifacts.c.expires_at > now)
    return ~artifacts.c.intermediate & ~artifacts.c.expired & lives


def had_output(hall: Hall, account_id: int | None, job_id: str, name: str) -> bool:
    """Whether the job has ever had a file of that name, as its attempts tell. Raises NotFound."""
    with hall.store.read() as connection:
        row = _row(connection, account_id, job_id)
        reports = connection.scalars(
            select(attempts.c.report)
            .join(tasks, tasks.c.id == attempts.c.task_id)
            .where(attempts.c.job_seq == row.seq, attempts.c.outcome == Outcome.SUCCEEDED)
            .where(tasks.c.state == TaskState.SUCCEEDED)
        )
        return any(
            output["name"] == name and not output.get("intermediate")
            for report in reports
            for output in (report or {}).get("outputs", ())
        )


def job_attempts(hall: Hall, account_id: int | None, job_id: str) -> list[Attempt]:
    """Every attempt of the job's tasks, oldest first. Raises NotFound."""
    with hall.store.read() as connection:
        row = _row(connection, account_id, job_id)
        found = connection.execute(
            select(attempts).where(attempts.c.job_seq == row.seq).order_by(attempts.c.id)
        )
        return [attempt_of(attempt) for attempt in found]


def cancel(hall: Hall, account_id: int | None, job_id: str) -> Job:
    """Ask for a job to stop. It stays asked for, whatever restarts; a job that has ended stays as it is.

    Raises Conflict `not_cancellable` for a call that the API makes itself (farm.doors.direct).
    """
    with hall.store.write() as connection:
        row = _row(connection, account_id, job_id)
        if row.state == JobState.RUNNING and row.open_tasks == 0:
            raise Conflict(
                "This call ends with its answer; hang up to end it.", param="job_id", code="not_cancellable"
            )
        if row.state not in TERMINAL_JOBS:
            now = hall.clock.now()
            connection.execute(insert(requests).values(job_seq=row.seq, action="cancel", created_at=now))
            connection.execute(
                update(jobs)
                .where(jobs.c.seq == row.seq, jobs.c.cancel_asked_at.is_(None))
                .values(cancel_asked_at=now)
            )
        found = _with_tasks(connection, _row(connection, account_id, job_id))
    hall.bell.ring()
    return found


def set_priority(hall: Hall, caller: Caller, job_id: str, priority: int) -> Job:
    """Ask for what has not started of a job to run earlier (lower) or later within its account.

    The scheduler does it at its next turn. Raises NotFound, and Conflict `job_ended`.
    """
    account_id = None if caller.is_operator else caller.account.id
    with hall.store.write() as connection:
        row = _row(connection, account_id, job_id)
        if row.state in TERMINAL_JOBS:
            raise Conflict(f"The job has ended ({row.state}).", param="job_id", code="job_ended")
        wish = {"job_seq": row.seq, "action": "priority", "value": priority, "created_at": hall.clock.now()}
        connection.execute(insert(requests).values(wish))
        if caller.is_operator:
            detail = {"from": row.priority, "to": priority}
            audit.note(connection, hall, audit.who_calls(caller), "job.priority", job_id, detail)
        found = _with_tasks(connection, row)
    hall.bell.ring()
    return replace(found, priority=priority)


def again(hall: Hall, caller: Caller, job_id: str) -> JobSpec:
    """What an old job asked for, to be asked anew: a retry is a new job, the old one keeps its end.

    Raises NotFound, and BadRequest `params_outdated`.
    """
    with hall.store.read() as connection:
        row = _row(connection, None if caller.is_operator else caller.account.id, job_id)
    return asked_again(row, hall.clock.now())


def asked_again(row: AnyRow, now: float) -> JobSpec:
    """All that a stored job asked for but times that have gone by. Raises NotFound, BadRequest."""
    try:
        params = kind_named(row.kind).params.model_validate(dict(row.params))
    except ValidationError:
        raise BadRequest(
            f"Kind {row.kind!r} takes other parameters now; submit the job anew.",
            param="params",
            code="params_outdated",
        ) from None
    return JobSpec(
        params=params,
        surface=row.surface,
        priority=row.priority,
        start_after=_ahead(row.start_after, now),
        deadline=_ahead(row.deadline_at, now),
        webhook_url=row.webhook_url,
        auto_retry=row.auto_retry,
        reference=row.reference,
        project_id=row.project_id,
        interactive=row.interactive,
        max_running=row.max_running,
        id_prefix=row.id.rpartition("_")[0],
    )


def _ahead(at: float | None, now: float) -> float | None:
    return at if at is not None and at > now else None


def _row(connection: Connection, account_id: int | None, job_id: str) -> AnyRow:
    query = select(jobs).where(jobs.c.id == job_id)
    if account_id is not None:
        query = query.where(jobs.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no job {job_id!r}.", param="job_id")
    return row


def _with_tasks(connection: Connection, row: AnyRow) -> Job:
    return _all_with_tasks(connection, [row])[row.seq]


def _all_with_tasks(connection: Connection, rows: Sequence[AnyRow]) -> dict[int, Job]:
    """By the jobs' numbers."""
    seqs = [row.seq for row in rows]
    of_job: dict[int, list[AnyRow]] = {seq: [] for seq in seqs}
    for task in connection.execute(select(tasks).where(tasks.c.job_seq.in_(seqs)).order_by(tasks.c.id)):
        of_job[task.job_seq].append(task)
    running = attempts.c.state.in_((AttemptState.RUNNING, AttemptState.FINISHED))
    query = select(attempts).where(attempts.c.job_seq.in_(seqs), running)
    live = {attempt.task_id: attempt for attempt in connection.execute(query)}
    return {row.seq: _assembled(row, of_job[row.seq], live) for row in rows}


def _assembled(row: AnyRow, found: Sequence[AnyRow], live: Mapping[int, AnyRow]) -> Job:
    views = tuple(task_of(task, live.get(task.id)) for task in found)
    to_come = sum(_to_come(task) for task in found)
    return _derived(job_of(row), views, [task.estimated_s for task in found], to_come)


def _to_come(task: AnyRow) -> float:
    """Estimated seconds of tasks that this one is going to add, as far as it says so."""
    said = task.params.get(GROWS)
    return float(said) if task.state != TaskState.SUCCEEDED and isinstance(said, int | float) else 0.0


def _derived(stored: Job, views: tuple[Task, ...], weights: Sequence[float], to_come: float) -> Job:
    """Progress over all tasks, weighed by estimated seconds; running as soon as an attempt runs."""
    total = sum(weights) + to_come or 1.0
    progress = sum(view.progress * weight for view, weight in zip(views, weights, strict=True)) / total
    running = [view for view in views if view.state is TaskState.RUNNING]
    state = JobState.RUNNING if running and stored.state is JobState.QUEUED else stored.state
    if state is JobState.COMPLETED:
        progress = 1.0
    return replace(
        stored,
        state=state,
        progress=min(1.0, progress),
        stage=running[0].stage if running else "",
        tasks=views,
    )


def task_of(row: AnyRow, live: AnyRow | None = None) -> Task:
    """A stored task, with its attempt that runs or has just ended."""
    state = TaskState(row.state)
    if live is not None and state not in TERMINAL_TASKS:
        state = TaskState.RUNNING
    progress = 1.0 if state is TaskState.SUCCEEDED else live.progress if live is not None else 0.0
    return Task(
        id=row.id,
        name=row.name,
        pool=row.pool,
        state=state,
        attempts=row.attempts,
        due_at=row.due_at if state is TaskState.WAITING else None,
        failure=_failure(row),
        progress=progress,
        stage=live.stage if live is not None else "",
        route=Route.model_validate(row.route) if row.route else None,
        choice=Choice.model_validate(row.choice) if row.choice else None,
    )


def job_of(row: AnyRow) -> Job:
    """A stored job, without its tasks."""
    state = JobState(row.state)
    return Job(
        id=row.id,
        seq=row.seq,
        account_id=row.account_id,
        kind=row.kind,
        surface=row.surface,
        state=state,
        progress=1.0 if state is JobState.COMPLETED else 0.0,
        stage="",
        params=row.params,
        result=row.result,
        failure=_failure(row),
        held_mc=row.held_mc,
        charged_mc=row.charged_mc,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        reference=row.reference,
        project_id=row.project_id,
        custom_id=row.custom_id,
        warnings=tuple(row.warnings),
        priority=row.priority,
        start_after=row.start_after,
        deadline=row.deadline_at,
        webhook_url=row.webhook_url,
        auto_retry=row.auto_retry,
        in_batch=row.batch_id is not None,
    )


def attempt_of(row: AnyRow) -> Attempt:
    """A stored attempt."""
    return Attempt(
        id=row.id,
        task_id=row.task_id,
        state=AttemptState(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        worker=row.worker,
        provider=row.provider,
        failure=_failure(row),
        progress=row.progress,
        stage=row.stage,
        published_at=row.published_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        model=row.model,
        provider_ref=row.provider_ref,
        decision=Decision.model_validate(row.decision) if row.decision else None,
    )


def artifact_of(row: AnyRow, job_id: str) -> Artifact:
    """A stored artifact of that job."""
    return Artifact(
        id=row.id,
        job_id=job_id,
        name=row.name,
        file_name=row.display_name,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        blob_key=row.blob_key,
        meta=row.meta,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _failure(row: AnyRow) -> Failure | None:
    if row.failure_class is None:
        return None
    return Failure(row.failure_class, row.error_code or row.failure_class, row.error_message or "")
