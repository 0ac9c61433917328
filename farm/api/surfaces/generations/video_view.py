"""How a video stands, as the generations surface tells it: from the job, and from who served it."""

from collections.abc import Mapping, Sequence
from typing import Any

from farm.api.desk import Desk
from farm.api.links import link
from farm.api.surfaces.generations.video_wire import (
    BatchJobStarted,
    BatchJobStatus,
    BatchStarted,
    BatchStatus,
    Normalized,
    VideoStarted,
    VideoStatus,
    VideoUrl,
    iso,
)
from farm.batch import Batch
from farm.doors.generations import files_of
from farm.doors.served import served_all
from farm.errors import BadRequest
from farm.generation import FAMILIES, PublicError, error_of, status_word, whole
from farm.generations import GeneratedFile
from farm.job import Artifact, Job
from farm.models import Model
from farm.provider_facts import Served
from farm.states import JobState
from tasks.generate_video import GenerateVideo
from tasks.multi_shot import KIND as MULTI_SHOT
from tasks.multi_shot import MultiShot, video_of

KINDS = (GenerateVideo.kind, MULTI_SHOT.name)
VIDEO = "video"
Files = Mapping[int, Sequence[GeneratedFile]]  # by the job's number
_FAMILY = FAMILIES["vgen"]


class View:
    """One video that this account may look at."""

    def __init__(self, desk: Desk, job: Job, served: Served, film: Artifact | None, base_url: str) -> None:
        self.served = served
        self._desk, self._job, self._film, self._base_url = desk, job, film, base_url

    def started(self) -> VideoStarted:
        """What its POST answers: a video is under way from then on."""
        return VideoStarted(**self._told() | {"status": "processing"})

    def status(self) -> VideoStatus:
        job, served = self._job, self.served
        failed = job.state in (JobState.FAILED, JobState.CANCELLED)
        return VideoStatus(
            **self._told(),
            error=self.error,
            completed_at=iso(job.ended_at),
            adjusted_credits=None if served.adjusted_mc is None else whole(served.adjusted_mc),
            credits_refunded=whole(served.refunded_mc) if failed else None,
            debug=served.debug,
        )

    def batch_started(self) -> BatchJobStarted:
        job = self._job
        return BatchJobStarted(
            id=job.id, prompt=job.params["prompt"], status="pending", credits=whole(self.served.credits_mc)
        )

    def batch_status(self) -> BatchJobStatus:
        job, error = self._job, self.error
        return BatchJobStatus(
            id=job.id,
            prompt=job.params["prompt"],
            status=status_word(job.state),
            credits=whole(self.served.credits_mc),
            image_url=job.params.get("image_url"),
            output_url=self._output_url(),
            error_message=error.message if error else None,
        )

    @property
    def error(self) -> PublicError | None:
        """Why it failed."""
        return error_of(self._job.state, self._job.failure, _FAMILY, self._job.limit_s)

    def _told(self) -> dict[str, Any]:
        """What every answer tells."""
        job, served, url = self._job, self.served, self._output_url()
        return {
            "id": job.id,
            "model": served.model,
            "model_actual": served.model_actual,
            "status": status_word(job.state),
            "prompt": job.params["prompt"],
            "image_url": job.params.get("image_url"),
            "credits": whole(served.credits_mc),
            "failover_used": served.failover_used,
            "output_url": url,
            "data": [VideoUrl(url=url)] if url else [],
            "webhook_url": job.webhook_url,
            "created_at": iso(job.created_at),
            **_notes(self._model(), job),
        }

    def _output_url(self) -> str | None:
        return link(self._desk, self._film, self._base_url) if self._film is not None else None

    def _model(self) -> Model | None:
        book = self._desk.hall.catalog.models
        found = book.find(self.served.model_actual)
        return book.models[found] if found else None


def views(desk: Desk, found: Sequence[Job], base_url: str, files: Files | None = None) -> list[View]:
    """All of them, in order. Who served them is looked up together, and so are files that are not given."""
    served = served_all(desk.hall, found)
    done = [job.seq for job in found if job.state is JobState.COMPLETED]
    if files is None:
        files = files_of(desk.hall, done) if done else {}
    films = {seq: film_of(files.get(seq, ())) for seq in done}
    return [View(desk, job, served[job.id], films.get(job.seq), base_url) for job in found]


def view(desk: Desk, job: Job, base_url: str) -> View:
    """One of them."""
    return views(desk, [job], base_url)[0]


def film_of(files: Sequence[GeneratedFile]) -> Artifact | None:
    """The video among a generation's files."""
    return next((file.artifact for file in files if file.artifact.name == VIDEO), None)


def batch_started(batch: Batch, found: Sequence[View]) -> BatchStarted:
    told = [one.batch_started() for one in found]
    return BatchStarted(
        batch_id=batch.id, total_jobs=len(told), jobs=told, credits_charged=sum(job.credits for job in told)
    )


def batch_status(batch: Batch, found: Sequence[View]) -> BatchStatus:
    told = [one.batch_status() for one in found]
    words = ("completed", "failed", "pending", "processing")
    counts = {word: sum(job.status == word for job in told) for word in words}
    return BatchStatus(batch_id=batch.id, total_jobs=len(told), jobs=told, **counts)


def _notes(model: Model | None, job: Job) -> Mapping[str, Any]:
    """What the model changes of what was asked, and what it cannot do of it."""
    if model is None:
        return {"warnings": list(job.warnings)}
    silent = job.params.get("sound") and not model.sound
    said = [f"{model.name} makes no sound."] if silent else []
    return {"normalized": _normalized(model, job), "warnings": [*job.warnings, *said]}


def _normalized(model: Model, job: Job) -> list[Normalized]:
    """For several shots, those of the first."""
    try:
        fitted = model.fitted(_asked(job).wish)
    except BadRequest:  # the configs have changed since, or a stand-in made what it could
        return []
    return [Normalized(**change.model_dump()) for change in fitted.normalized]


def _asked(job: Job) -> GenerateVideo:
    if job.kind == MULTI_SHOT.name:
        return video_of(MultiShot.model_validate(dict(job.params)), 0)
    return GenerateVideo.model_validate(dict(job.params))
