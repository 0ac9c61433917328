"""What the generations surface's events say: flat JSON, its fields named as in the surface's document. Pure.

One function a family. What every family tells (id, state, file, money, error) is put around it here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farm.generation import BATCH_EVENT, Family, error_of, event_of, family_of, paid, status_word, whole
from farm.job import Failure
from farm.provider_facts import Served
from farm.states import JobState
from farm.store.rows import AnyRow

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A finished file; `url` None when nothing here knows where callers reach it."""

    name: str
    file_name: str
    content_type: str
    size_bytes: int
    url: str | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that has ended, its files by name, and who served it."""

    job: AnyRow
    outputs: Sequence[Output] = ()
    served: Served | None = None

    @property
    def first(self) -> Output | None:
        return self.outputs[0] if self.outputs else None

    @property
    def url(self) -> str | None:
        return self.first.url if self.first else None

    def told(self, name: str) -> Any:
        """What its first file's meta says."""
        return self.first.meta.get(name) if self.first else None

    def asked(self, name: str) -> Any:
        """A parameter of it."""
        return self.job.params.get(name)


def generation_body(ended: Ended, family: Family, completed_at: str | None) -> Fields:
    """The body of a generation's end."""
    job = ended.job
    state = JobState(job.state)
    cost, refunded = paid(state, job.held_mc, job.charged_mc)
    said: Fields = {"id": job.id, "object": family.object, "status": status_word(state)}
    said |= _BY_FAMILY[family.name](ended)
    error = error_of(state, failure_of(job), family, _limit_s(job))
    if error is not None:
        said["error"] = error.model_dump()
    said["error_message"] = error.message if error else None
    said["credits"] = cost
    if error is not None:
        said["credits_refunded"] = refunded
    if ended.served is not None and ended.served.facts is not None:
        said["failover_used"] = ended.served.failover_used
    return said | {"completed_at": completed_at}


def generation_event(ended: Ended, family: Family) -> str:
    """What its end is called on the surface."""
    return event_of(family, JobState(ended.job.state))


def video_batch_body(payload: Mapping[str, Any], rows: Sequence[Ended], completed_at: str | None) -> Fields:
    """The body of a video batch's end, its videos in the order they were asked for."""
    return {
        "batch_id": payload["batch"],
        "object": BATCH_EVENT.rpartition(".")[0],
        "status": _batch_status(payload),
        "total_jobs": payload["total_jobs"],
        "completed": payload["completed"],
        "failed": payload["failed"] + payload["cancelled"],
        "jobs": [_batch_row(row) for row in rows],
        "total_credits": whole(payload["charged_mc"]),
        "completed_at": completed_at,
    }


def failure_of(job: AnyRow) -> Failure | None:
    """Why a stored job failed."""
    if job.failure_class is None:
        return None
    return Failure(job.failure_class, job.error_code or job.failure_class, job.error_message or "")


def _limit_s(job: AnyRow) -> float | None:
    """How long it had from its making to its deadline."""
    return None if job.deadline_at is None else job.deadline_at - job.created_at


def _batch_status(payload: Mapping[str, Any]) -> str:
    """Completed with any video; without one it has failed."""
    return "completed" if payload["completed"] else "failed"


def _batch_row(row: Ended) -> Fields:
    state = JobState(row.job.state)
    error = error_of(state, failure_of(row.job), family_of(row.job.id), _limit_s(row.job))
    return {
        "id": row.job.id,
        "prompt": _prompt(row),
        "status": status_word(state),
        "output_url": row.url,
        "error_message": error.message if error else None,
        "credits": paid(state, row.job.held_mc, row.job.charged_mc)[0],
    }


def _video(ended: Ended) -> Fields:
    return {
        "model": ended.asked("model"),
        "model_actual": _actual(ended),
        "prompt": _prompt(ended),
        "output_url": ended.url,
    }


def _image(ended: Ended) -> Fields:
    prompt = _prompt(ended)
    return {
        "model": ended.asked("model"),
        "model_actual": _actual(ended),
        "prompt": prompt,
        "output_url": ended.url,
        "output_urls": [output.url for output in ended.outputs],
        "revised_prompt": ended.told("revised_prompt") or prompt,
        "width": ended.told("width"),
        "height": ended.told("height"),
    }


def _voice(ended: Ended) -> Fields:
    named = {name: ended.asked(name) for name in ("text", "voice", "language")}
    return {**named, "output_url": ended.url, "duration_seconds": ended.told("duration_s")}


def _compose(ended: Ended) -> Fields:
    return {
        "replace_audio": ended.asked("replace_audio"),
        "output_url": ended.url,
        "duration_seconds": ended.told("duration_s"),
    }


def _chart(ended: Ended) -> Fields:
    return {
        "title": ended.asked("title"),
        "animation_style": ended.asked("animation_style"),
        "output_url": ended.url,
        "duration_seconds": ended.told("duration_s"),
    }


def _transcription(ended: Ended) -> Fields:
    said: Fields = next(iter(ended.job.result.values()), {})
    return {
        "language": said.get("language"),
        "output_url": ended.url,
        "duration_seconds": said.get("duration_s"),
    }


def _prompt(ended: Ended) -> Any:
    """As it was written, where more was put to it."""
    return ended.asked("told_prompt") or ended.asked("prompt")


def _actual(ended: Ended) -> str | None:
    return (ended.served.model_actual if ended.served else "") or ended.asked("model")


_BY_FAMILY: Mapping[str, Callable[[Ended], Fields]] = {
    "video": _video,
    "image": _image,
    "voice": _voice,
    "compose": _compose,
    "chart": _chart,
    "transcription": _transcription,
}
