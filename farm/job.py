"""Job, task and attempt as the doors show them, and JobSpec as they take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from farm.choices import Choice, Decision
from farm.kinds import Params
from farm.providers import Route
from farm.states import AttemptState, JobState, Outcome, TaskState

DEFAULT_PRIORITY = 5


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a caller asks for. Lower `priority` runs earlier within one account. Times are Unix seconds.

    `interactive`: somebody waits for the answer, so its short tasks may use the slots kept for such.
    `max_running`: so many of its tasks at once at most. `auto_retry`: where others would fail for good, it is
    tried some rounds more (`scheduling.auto_retry_rounds`), and its webhook tells only how that ended.
    `id_prefix`: how a surface has the job's id begin.
    """

    params: Params
    surface: str = "native"
    priority: int = DEFAULT_PRIORITY
    start_after: float | None = None
    deadline: float | None = None
    webhook_url: str | None = None
    auto_retry: bool = False
    reference: str | None = None
    project_id: str | None = None
    interactive: bool = False
    max_running: int | None = None
    id_prefix: str = "job"

    @classmethod
    def of(cls, params: Params) -> "JobSpec":
        return cls(params=params)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job, task or attempt failed, for its reader. `retry_after_s`: a provider asked for that pause."""

    failure_class: str
    code: str
    message: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished file of a job."""

    id: str
    job_id: str
    name: str
    file_name: str
    content_type: str
    size_bytes: int
    blob_key: str
    meta: Mapping[str, Any]
    created_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task by one worker, on one provider where it needs one: then `decision` tells how it came
    to that and what followed, `provider_ref` what the provider accepted."""

    id: int
    task_id: int
    state: AttemptState
    outcome: Outcome | None
    worker: str | None
    provider: str | None
    failure: Failure | None
    progress: float
    stage: str
    published_at: float
    started_at: float | None
    ended_at: float | None
    model: str | None = None
    provider_ref: str | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of a job. `route` and `choice`: what it asked of providers, and which one it goes to."""

    id: int
    name: str
    pool: str
    state: TaskState
    attempts: int
    due_at: float | None
    failure: Failure | None
    progress: float
    stage: str
    route: Route | None = None
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of an attempt's log. A `private` one is for operators only."""

    task: str
    attempt_id: int
    line: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line that was kept. `id` orders them within a job; `at` is Unix seconds."""

    id: str
    at: float
    line: LogLine


@dataclass(frozen=True, slots=True)
class Job:
    """What a user asked for and pays for. `progress` is 0..1 over its tasks; money is milli-credits."""

    id: str
    seq: int
    account_id: int
    kind: str
    surface: str
    state: JobState
    progress: float
    stage: str
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    failure: Failure | None
    held_mc: int
    charged_mc: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    reference: str | None = None
    project_id: str | None = None
    custom_id: str | None = None
    warnings: tuple[str, ...] = ()
    priority: int = DEFAULT_PRIORITY
    start_after: float | None = None
    deadline: float | None = None
    webhook_url: str | None = None
    auto_retry: bool = False
    in_batch: bool = False
    tasks: tuple[Task, ...] = field(default=())

    @property
    def ended(self) -> bool:
        return self.state in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)

    @property
    def limit_s(self) -> float | None:
        """How long it had from its making to its deadline; None without one."""
        return None if self.deadline is None else self.deadline - self.created_at
