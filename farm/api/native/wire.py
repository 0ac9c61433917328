"""What the native API takes and gives: snake_case JSON, times in Unix seconds, money in credits."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from farm.asset import AssetState
from farm.choices import Decision
from farm.job import DEFAULT_PRIORITY, Artifact, Attempt, Failure, Job, Task
from farm.money import credits
from farm.preview import PreviewNote
from farm.states import AttemptState, JobState, Outcome, TaskState, WorkerState

Name = Annotated[str, Field(min_length=1, max_length=300)]


class Asked(BaseModel):
    """Base of what callers send: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class JobRequest(Asked):
    """A job of any kind; GET /farm/v1/kinds tells each kind's params."""

    kind: str = Field(examples=["media-render"], max_length=64)
    params: dict[str, JsonValue]
    priority: int = Field(
        default=DEFAULT_PRIORITY, ge=0, le=9, description="Lower runs earlier within one account."
    )
    start_after: float | None = Field(default=None, ge=0, description="Not before this time.")
    deadline: float | None = Field(default=None, ge=0, description="Of no use to the caller after this time.")
    max_running: int | None = Field(default=None, ge=1, le=10_000, description="Its tasks at once, at most.")
    interactive: bool = Field(
        default=False,
        description="Somebody waits for the answer: its short tasks may use slots that are kept for such.",
    )
    reference: str | None = Field(default=None, max_length=200, description="The caller's own name for it.")
    webhook_url: str | None = Field(
        default=None,
        max_length=2000,
        description="Told once the job has ended: attempts 0, 5 and 30 seconds after.",
    )
    webhook_auto_retry: bool = Field(
        default=False,
        description="Where the job would fail for good by what may pass, try it once more before saying so.",
    )


class JobChange(Asked):
    """What may change of a job that has not ended."""

    priority: int = Field(ge=0, le=9, description="Lower runs earlier within one account.")


class FailureView(BaseModel):
    """Why something failed. `failure_class` says whether another attempt could have helped."""

    failure_class: str
    code: str
    message: str

    @classmethod
    def of(cls, failure: Failure | None) -> "FailureView | None":
        if failure is None:
            return None
        return cls(failure_class=failure.failure_class, code=failure.code, message=failure.message)


class TaskView(BaseModel):
    """One unit of a job. `progress` is 0..1, `due_at` when it is tried next."""

    name: str
    pool: str
    state: TaskState
    attempts: int
    progress: float
    stage: str
    due_at: float | None
    failure: FailureView | None
    model: str | None = Field(default=None, description="The model that serves it, where it needs one.")
    provider: str | None = Field(default=None, description="Who serves that.")

    @classmethod
    def of(cls, task: Task) -> "TaskView":
        return cls(
            name=task.name,
            pool=task.pool,
            state=task.state,
            attempts=task.attempts,
            progress=task.progress,
            stage=task.stage,
            due_at=task.due_at,
            failure=FailureView.of(task.failure),
            model=task.choice.model if task.choice is not None else None,
            provider=task.choice.provider if task.choice is not None else None,
        )


class JobView(BaseModel):
    """A job. `credits_held` is the quote while it runs, `credits_charged` what it cost in the end."""

    id: str
    kind: str
    surface: str
    state: JobState
    priority: int
    progress: float = Field(description="0 to 1")
    stage: str
    reference: str | None
    project_id: str | None
    custom_id: str | None = Field(default=None, description="The row's own name within its batch.")
    webhook_url: str | None
    webhook_auto_retry: bool
    start_after: float | None
    deadline: float | None
    result: dict[str, JsonValue]
    failure: FailureView | None
    warnings: list[str]
    credits_held: float
    credits_charged: float
    created_at: float
    started_at: float | None
    ended_at: float | None
    preview_url: str | None = Field(
        description="While it runs: what it draws, as soon as there is something to see. A path of this API."
    )
    tasks: list[TaskView] = Field(description="Empty in listings.")

    @classmethod
    def of(cls, job: Job) -> "JobView":
        return cls(
            id=job.id,
            kind=job.kind,
            surface=job.surface,
            state=job.state,
            priority=job.priority,
            progress=job.progress,
            stage=job.stage,
            reference=job.reference,
            project_id=job.project_id,
            custom_id=job.custom_id,
            webhook_url=job.webhook_url,
            webhook_auto_retry=job.auto_retry,
            start_after=job.start_after,
            deadline=job.deadline,
            result=dict(job.result),
            failure=FailureView.of(job.failure),
            warnings=list(job.warnings),
            credits_held=credits(job.held_mc),
            credits_charged=credits(job.charged_mc),
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            preview_url=preview_path(job.id) if job.state is JobState.RUNNING else None,
            tasks=[TaskView.of(task) for task in job.tasks],
        )


class PreviewView(BaseModel):
    """A new preview is there: where, of which task, and since when."""

    url: str
    task: str
    at: float

    @classmethod
    def of(cls, job_id: str, note: PreviewNote) -> "PreviewView":
        return cls(url=preview_path(job_id), task=note.task, at=note.at)


def preview_path(job_id: str) -> str:
    """Where a job's latest preview is asked for."""
    return f"/farm/v1/jobs/{job_id}/preview"


class JobPage(BaseModel):
    """Jobs, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[JobView]
    next_cursor: str | None


class AttemptView(BaseModel):
    """One run of a task by one worker."""

    id: int
    task: str
    state: AttemptState
    outcome: Outcome | None
    worker: str | None
    provider: str | None
    model: str | None
    provider_ref: str | None = Field(description="The provider's own id of what it accepted.")
    decision: Decision | None = Field(
        description="How the attempt came to its provider, and what followed; null where it needs none."
    )
    progress: float
    stage: str
    failure: FailureView | None
    published_at: float
    started_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, attempt: Attempt, task: str) -> "AttemptView":
        return cls(
            id=attempt.id,
            task=task,
            state=attempt.state,
            outcome=attempt.outcome,
            worker=attempt.worker,
            provider=attempt.provider,
            model=attempt.model,
            provider_ref=attempt.provider_ref,
            decision=attempt.decision,
            progress=attempt.progress,
            stage=attempt.stage,
            failure=FailureView.of(attempt.failure),
            published_at=attempt.published_at,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
        )


class AttemptList(BaseModel):
    """Attempts, oldest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[AttemptView]
    next_cursor: str | None


class ArtifactView(BaseModel):
    """A finished file. `file_name` is what a download is called."""

    name: str
    file_name: str
    content_type: str
    size_bytes: int
    meta: dict[str, JsonValue]
    created_at: float
    expires_at: float | None

    @classmethod
    def of(cls, artifact: Artifact) -> "ArtifactView":
        return cls(
            name=artifact.name,
            file_name=artifact.file_name,
            content_type=artifact.content_type,
            size_bytes=artifact.size_bytes,
            meta=dict(artifact.meta),
            created_at=artifact.created_at,
            expires_at=artifact.expires_at,
        )


class ArtifactList(BaseModel):
    """Finished files by name. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[ArtifactView]
    next_cursor: str | None


class Download(BaseModel):
    """Where the file is, for `expires_in` seconds; whoever has the URL may fetch it."""

    download_url: str
    expires_in: int
    file_name: str
    content_type: str
    size_bytes: int


class AssetRequest(Asked):
    """One file that will be uploaded. The PUT must carry exactly this type and size."""

    file_name: Name
    content_type: str = Field(examples=["image/png"])
    size_bytes: int = Field(gt=0)
    duration_s: float | None = Field(default=None, gt=0, le=86_400)
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)


class AssetView(BaseModel):
    """`state` is ready once a job has used the file and found it to be what was declared."""

    id: str
    file_name: str
    content_type: str
    media_kind: str
    size_bytes: int
    state: AssetState
    created_at: float
    expires_at: float | None


class Upload(BaseModel):
    """Send the bytes with `method` to `upload_url` under these headers, within `expires_in` seconds."""

    asset: AssetView
    upload_url: str
    method: str
    headers: dict[str, str]
    expires_in: int


class KindView(BaseModel):
    """A kind of job; `params` is the JSON schema of its parameters."""

    name: str
    version: int
    summary: str
    params: dict[str, JsonValue]


class AssetPage(BaseModel):
    """Files, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[AssetView]
    next_cursor: str | None


class KindList(BaseModel):
    """Kinds by name. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[KindView]
    next_cursor: str | None


class WorkerInfo(BaseModel):
    """A worker as it announced itself; `kept_out` says whether it is held back, and `because` why."""

    name: str
    pool: str
    host: str
    pid: int
    state: WorkerState
    kept_out: WorkerState | None
    because: str | None
    sleep: str | None = Field(description="When it sleeps, by the clock of its time zone.")
    timezone: str
    running: int = Field(description="Attempts it runs now.")
    slots: dict[str, int]
    kinds: list[str]
    models: list[str]
    labels: dict[str, str]
    software: str
    started_at: float
    seen_at: float


class SleepRequest(Asked):
    """When a worker sleeps: `mon-fri 08:00-18:00, sat 10:00-14:00`; null: never."""

    schedule: str | None = Field(max_length=200, examples=["mon-fri 08:00-18:00"])


class WorkerList(BaseModel):
    """Workers by name. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[WorkerInfo]
    next_cursor: str | None
