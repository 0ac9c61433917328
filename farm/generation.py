"""What the generations surface says of a job wherever it says it, in answers and in webhooks. Pure.

A job of the surface is known by how its id begins: `voice_…` is speech, `vgen_…` a video. So its id, its
state and its failure are enough to tell of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from farm.errors import FailureClass
from farm.job import Failure
from farm.money import MILLI, credits
from farm.noun import Noun
from farm.states import JobState

SURFACE = "generations"
VIDEOS_SURFACE = "videos"  # /v1/videos, in OpenAI's own shape
BATCH_PREFIX = "video_batch"
BATCH_EVENT = "video.batch.completed"

StatusWord = Literal["pending", "processing", "completed", "failed"]

_TIMEOUTS = (FailureClass.TIMEOUT, FailureClass.NO_PROGRESS)
_LATE = "deadline_exceeded"  # the job's own deadline
_ATTEMPT_S = 600.0  # what one attempt at a video may take (C-093)
_POLICY_CODE = "content_policy_violation"
_CANCELLED = "The generation was cancelled."
_FAILED = "The generation failed."


class Family(Noun):
    """A sort of generation: `name` begins its events, `type` is what the shared status calls it."""

    name: str
    type: str

    @property
    def object(self) -> str:
        """As answers and webhook bodies name it: `video.generation`."""
        return f"{self.name}.generation"


# By what an id begins with. The utilities' events are those of pictures.
FAMILIES: Mapping[str, Family] = {
    "vgen": Family(name="video", type="VIDEO"),
    "vid": Family(name="video", type="VIDEO"),
    "img": Family(name="image", type="IMAGE"),
    "edit": Family(name="image", type="IMAGE_EDIT"),
    "rmbg": Family(name="image", type="BACKGROUND_REMOVAL"),
    "upscale": Family(name="image", type="UPSCALE"),
    "restore": Family(name="image", type="RESTORE"),
    "voice": Family(name="voice", type="VOICE"),
    "comp": Family(name="compose", type="COMPOSE"),
    "chart": Family(name="chart", type="CHART"),
    "trans": Family(name="transcription", type="TRANSCRIPTION"),
}
EVENTS = (
    *(
        f"{name}.generation.{end}"
        for name in dict.fromkeys(family.name for family in FAMILIES.values())
        for end in ("completed", "failed")
    ),
    BATCH_EVENT,
)
VIDEO_COMPLETED, VIDEO_FAILED = "video.completed", "video.failed"  # of /v1/videos, as OpenAI calls them


class PublicError(Noun):
    """Why a generation failed, as OpenAI's clients read it."""

    message: str
    type: str
    code: str


def family_of(job_id: str) -> Family | None:
    """The family of a job of the surface; None for any other job."""
    return FAMILIES.get(job_id.rpartition("_")[0])


def event_of(family: Family, state: JobState) -> str:
    """The event of a job's end. The surface knows two: what was cancelled has failed."""
    return f"{family.object}.{'completed' if state is JobState.COMPLETED else 'failed'}"


def video_event_of(state: JobState) -> str:
    """The event of the end of a job of /v1/videos."""
    return VIDEO_COMPLETED if state is JobState.COMPLETED else VIDEO_FAILED


def status_word(state: JobState) -> StatusWord:
    """The surface's word for a state; the shared status has it in upper case (X-03)."""
    match state:
        case JobState.QUEUED:
            return "pending"
        case JobState.RUNNING:
            return "processing"
        case JobState.COMPLETED:
            return "completed"
        case JobState.FAILED | JobState.CANCELLED:
            return "failed"


def error_of(
    state: JobState,
    failure: Failure | None,
    family: Family | None = None,
    limit_s: float | None = None,
) -> PublicError | None:
    """Why it failed, None unless it did: one code for each cause, wherever it is told (X-04).

    With its family a timeout is told in the document's words, not in the farm's. `limit_s` is how long the
    job had until its deadline.
    """
    if state is JobState.CANCELLED:
        return PublicError(message=_CANCELLED, type="invalid_request_error", code="generation_cancelled")
    if state is not JobState.FAILED:
        return None
    message = failure.message if failure and failure.message else _FAILED
    cause = failure.failure_class if failure else FailureClass.INTERNAL
    if cause in _TIMEOUTS or (failure is not None and failure.code == _LATE):
        late_s = limit_s if failure is not None and failure.code == _LATE else None
        said = _timed_out(message, family, late_s or _ATTEMPT_S)
        return PublicError(message=said, type="server_error", code="generation_timeout")
    if cause == FailureClass.POLICY:
        return PublicError(message=message, type="invalid_request_error", code=_POLICY_CODE)
    kind = "invalid_request_error" if cause == FailureClass.INVALID_INPUT else "server_error"
    return PublicError(message=message, type=kind, code="generation_failed")


def _timed_out(message: str, family: Family | None, after_s: float) -> str:
    if family is None:
        return message
    minutes = max(1, round(after_s / 60))
    after = f" after {minutes} minute{'s' if minutes > 1 else ''}" if family.name == "video" else ""
    return f"{family.name.capitalize()} generation timed out{after}"


def paid(state: JobState, held_mc: int, charged_mc: int) -> tuple[int | float, int | float]:
    """Credits that it costs, and credits that came back because it failed (X-05)."""
    if state is JobState.COMPLETED:
        return whole(charged_mc), 0
    if state in (JobState.FAILED, JobState.CANCELLED):
        return whole(charged_mc), whole(held_mc - charged_mc)
    return whole(held_mc), 0


def iso(unix_s: float | None) -> str | None:
    """UTC to the millisecond, as in 2026-03-09T16:12:43.120Z."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole(amount_mc: int) -> int | float:
    """Credits as the surface's JSON has them: `30`, and only where there are parts of one `30.5`."""
    return amount_mc // MILLI if amount_mc % MILLI == 0 else credits(amount_mc)
