"""How the studio shows jobs: while they are under way, and as generations with all that is known of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from farm.api.surfaces.studio.media import Medium, address, main_file, medium_of
from farm.generations import GeneratedFile, Generation
from farm.job import Job
from farm.money import credits
from farm.providers import AUTO
from farm.states import JobState

Status = Literal["queued", "running", "completed", "error", "cancelled"]
_STATUS: Mapping[JobState, Status] = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "error",
    JobState.CANCELLED: "cancelled",
}
# Of a request, what is shown as it was asked for where the result does not tell it as it was made.
_NUMBERS = ("width", "height", "frames", "steps", "cfg", "seed", "shift", "frame_rate", "strength")


class StudioFile(BaseModel):
    """A file of a generation. `filename` is what other calls know it by."""

    filename: str
    url: str
    content_type: str
    size_bytes: int

    @classmethod
    def of(cls, kind: str, file: GeneratedFile, token: str | None = None) -> "StudioFile":
        return cls(
            filename=file.name,
            url=address(kind, file.name, token),
            content_type=file.artifact.content_type,
            size_bytes=file.artifact.size_bytes,
        )


class QueuedView(BaseModel):
    """A job that was accepted: poll /api/status?job_id=…"""

    job_id: str
    generation_id: int
    status: Status
    credits: float
    warnings: list[str] = []


class StudioStatus(BaseModel):
    """How far a job is. `progress` is in percent; `position` its place in the line, while it waits there."""

    job_id: str
    generation_id: int
    type: Medium | None
    status: Status
    progress: float
    position: int | None
    stage: str
    model: str | None
    model_actual: str | None
    credits: float
    error: str | None
    filename: str | None
    url: str | None
    files: list[StudioFile]
    created_at: str
    started_at: str | None
    completed_at: str | None


class GenerationView(BaseModel):
    """A generation with all that is known of it. Numbers are those it was made with, once it was made."""

    id: int
    job_id: str
    type: Medium | None
    kind: str
    status: Status
    prompt: str
    negative_prompt: str
    model: str | None
    model_actual: str | None
    width: int | None
    height: int | None
    frames: int | None
    steps: int | None
    cfg: float | None
    seed: int | None
    shift: float | None
    frame_rate: int | None
    strength: float | None
    sampler: str | None
    scheduler: str | None
    duration_seconds: float | None
    project_id: int | None
    filename: str | None
    url: str | None
    files: list[StudioFile]
    is_favorite: bool
    is_public: bool
    share_token: str | None
    credits: float
    error: str | None
    created_at: str
    completed_at: str | None


class SharedView(BaseModel):
    """What anybody with its link may know of a generation."""

    type: Medium | None
    prompt: str
    model: str | None
    width: int | None
    height: int | None
    frames: int | None
    frame_rate: int | None
    duration_seconds: float | None
    filename: str | None
    url: str | None
    files: list[StudioFile]
    created_at: str


def status_of(state: JobState) -> Status:
    """The studio's word (X-26)."""
    return _STATUS[state]


def status_view(
    job: Job,
    files: tuple[GeneratedFile, ...],
    *,
    position: int | None,
    model_actual: str | None,
) -> StudioStatus:
    main = main_file(job.kind, files)
    return StudioStatus(
        job_id=job.id,
        generation_id=job.seq,
        type=medium_of(job.kind),
        status=status_of(job.state),
        progress=round(job.progress * 100, 1),
        position=position,
        stage=job.stage,
        model=model_of(job),
        model_actual=model_actual,
        credits=credits(charged_mc(job)),
        error=error_of(job),
        filename=main.name if main else None,
        url=address(job.kind, main.name) if main else None,
        files=[StudioFile.of(job.kind, file) for file in files],
        created_at=when(job.created_at) or "",
        started_at=when(job.started_at),
        completed_at=when(job.ended_at),
    )


def generation_view(found: Generation) -> GenerationView:
    job, main = found.job, main_file(found.job.kind, found.files)
    told = facts(job)
    return GenerationView(
        id=found.id,
        job_id=job.id,
        type=medium_of(job.kind),
        kind=job.kind,
        status=status_of(job.state),
        prompt=prompt_of(job),
        negative_prompt=str(job.params.get("negative_prompt") or ""),
        model=model_of(job),
        model_actual=told.pop("model", None),
        sampler=job.params.get("sampler"),
        scheduler=job.params.get("scheduler"),
        duration_seconds=told.pop("duration_s", None),
        project_id=_number(job.project_id),
        filename=main.name if main else None,
        url=address(job.kind, main.name) if main else None,
        files=[StudioFile.of(job.kind, file) for file in found.files],
        is_favorite=found.marks.is_favorite,
        is_public=found.marks.is_public,
        share_token=found.marks.token,
        credits=credits(charged_mc(job)),
        error=error_of(job),
        created_at=when(job.created_at) or "",
        completed_at=when(job.ended_at),
        **{name: told.get(name) for name in _NUMBERS},
    )


def shared_view(found: Generation) -> SharedView:
    job, token = found.job, found.marks.token
    main, told = main_file(found.job.kind, found.files), facts(found.job)
    return SharedView(
        type=medium_of(job.kind),
        prompt=prompt_of(job),
        model=told.get("model") or model_of(job),
        width=told.get("width"),
        height=told.get("height"),
        frames=told.get("frames"),
        frame_rate=told.get("frame_rate"),
        duration_seconds=told.get("duration_s"),
        filename=main.name if main else None,
        url=address(job.kind, main.name, token) if main else None,
        files=[StudioFile.of(job.kind, file, token) for file in found.files],
        created_at=when(job.created_at) or "",
    )


def facts(job: Job) -> dict[str, Any]:
    """Numbers as they were asked for, and over them those that the result tells."""
    made: dict[str, Any] = {}
    for told in job.result.values():
        made.update(told if isinstance(told, dict) else {})
    known = (*_NUMBERS, "model", "duration_s")
    asked = {name: job.params.get(name) for name in _NUMBERS}
    return {**asked, **{name: made[name] for name in known if made.get(name) is not None}}


def model_of(job: Job) -> str | None:
    """As it was asked for."""
    model = job.params.get("model")
    return str(model) if model else AUTO if "model" in job.params else None


def prompt_of(job: Job) -> str:
    """What was asked for in words; of speech the text."""
    return str(job.params.get("prompt") or job.params.get("text") or "")


def charged_mc(job: Job) -> int:
    """What it costs as things stand."""
    return job.charged_mc if job.ended else job.held_mc


def error_of(job: Job) -> str | None:
    """Why it failed, in a sentence."""
    if job.state is not JobState.FAILED:
        return None
    return job.failure.message if job.failure else "The generation failed."


def when(at: float | None) -> str | None:
    """Unix seconds as ISO 8601."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(project_id: str | None) -> int | None:
    return int(project_id) if project_id is not None and project_id.isdecimal() else None
