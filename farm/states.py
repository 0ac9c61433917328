"""The states of jobs, tasks and attempts, and the one table of allowed changes."""

from enum import StrEnum


class JobState(StrEnum):
    """Derived from the job's tasks; the last three never change."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """`waiting` is ready but for its due time (a retry, a start_after); without one its batch is paused.

    `blocked` needs other tasks, or belongs to a job that may not start yet.
    """

    BLOCKED = "blocked"
    WAITING = "waiting"
    READY = "ready"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """`published` until claimed, `finished` until the scheduler has settled it."""

    PUBLISHED = "published"
    RUNNING = "running"
    FINISHED = "finished"
    SETTLED = "settled"


class Outcome(StrEnum):
    """How an attempt ended. `returned` costs none: the worker gave it back unharmed (drain, SIGTERM)."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    RETURNED = "returned"


class WorkerState(StrEnum):
    ONLINE = "online"
    DRAINING = "draining"
    QUARANTINED = "quarantined"
    SLEEPING = "sleeping"
    OFFLINE = "offline"


TERMINAL_JOBS = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})
TERMINAL_TASKS = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})

JOB_CHANGES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, *TERMINAL_JOBS}),
    **{state: frozenset() for state in TERMINAL_JOBS},
}

TASK_CHANGES: dict[TaskState, frozenset[TaskState]] = {
    TaskState.BLOCKED: frozenset({TaskState.WAITING, TaskState.READY, TaskState.FAILED, TaskState.CANCELLED}),
    TaskState.WAITING: frozenset({TaskState.READY, TaskState.BLOCKED, TaskState.FAILED, TaskState.CANCELLED}),
    TaskState.READY: frozenset(
        {
            TaskState.DISPATCHED,
            TaskState.WAITING,
            TaskState.BLOCKED,
            TaskState.FAILED,
            TaskState.CANCELLED,
        }
    ),
    TaskState.DISPATCHED: frozenset({TaskState.RUNNING, TaskState.READY, TaskState.WAITING, *TERMINAL_TASKS}),
    TaskState.RUNNING: frozenset({TaskState.READY, TaskState.WAITING, *TERMINAL_TASKS}),
    **{state: frozenset() for state in TERMINAL_TASKS},
}


def may_become(before: JobState | TaskState, after: JobState | TaskState) -> bool:
    """Whether the change is allowed. Staying as it is never counts as a change."""
    if isinstance(before, JobState):
        return after in JOB_CHANGES[before]
    return after in TASK_CHANGES[before]
