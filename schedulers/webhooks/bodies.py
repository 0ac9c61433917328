"""What an event says, as flat JSON with URLs instead of bytes. Pure.

A job of the generations surface is told as that surface's document has it (generation_bodies.py), one of
/v1/videos as OpenAI tells of its own, every other one in the farm's own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farm.errors import FailureClass
from farm.generation import BATCH_EVENT, BATCH_PREFIX, VIDEOS_SURFACE, family_of, iso, video_event_of
from farm.money import credits
from farm.states import JobState
from farm.store.rows import AnyRow
from schedulers.webhooks.generation_bodies import (
    Ended,
    Fields,
    Output,
    generation_body,
    generation_event,
    video_batch_body,
)

__all__ = ["Ended", "Output", "Told", "account_event", "batch_event", "is_video_batch", "job_event"]

_CALLERS_FAULT = (FailureClass.INVALID_INPUT, FailureClass.POLICY)


@dataclass(frozen=True, slots=True)
class Told:
    """What receivers hear: the event's name, what it is about (by which they drop doubles), and the body."""

    event: str
    subject: str
    body: Mapping[str, Any]


def job_event(event: str, ended: Ended) -> Told:
    """A job's end. Terminal states never change, so it may be built at any later time."""
    job = ended.job
    family = family_of(job.id)
    if family is not None:
        body = generation_body(ended, family, iso(job.ended_at))
        return Told(generation_event(ended, family), job.id, body)
    if job.surface == VIDEOS_SURFACE:
        return _video_event(job)
    return Told(event, job.id, _native(event, job, ended.outputs))


def account_event(event: str, subject: str, payload: Mapping[str, Any], created_at: float) -> Told:
    """An event that tells of no job."""
    body = {**payload, "id": subject, "object": "event", "type": event, "timestamp": iso(created_at)}
    return Told(event, subject, body)


def is_video_batch(batch_id: str) -> bool:
    """Whether the batch is one of the generations surface."""
    return batch_id.rpartition("_")[0] == BATCH_PREFIX


def batch_event(
    event: str, payload: Mapping[str, Any], created_at: float, rows: Sequence[Ended] = ()
) -> Told:
    """A batch's end: how many of its rows ended how, and what they cost together.

    `rows` are the videos of one of the generations surface.
    """
    subject = payload["batch"]
    if is_video_batch(subject):
        return Told(BATCH_EVENT, subject, video_batch_body(payload, rows, iso(created_at)))
    return Told(event, subject, _native_batch(event, payload, created_at))


def _video_event(job: AnyRow) -> Told:
    """Of a video in OpenAI's shape: its id alone, by which `videos.retrieve` tells the rest."""
    event = video_event_of(JobState(job.state))
    body = {
        "id": f"evt_{job.id}",
        "object": "event",
        "created_at": int(job.ended_at),
        "type": event,
        "data": {"id": job.id},
    }
    return Told(event, job.id, body)


def _native_batch(event: str, payload: Mapping[str, Any], created_at: float) -> Fields:
    said = dict(payload)
    body = {
        "id": said.pop("batch"),
        "object": "batch",
        "type": event,
        "timestamp": iso(created_at),
        "status": said.pop("state"),
        "name": said.pop("name"),
        "created_at": iso(said.pop("created_at", None)),
        "completed_at": iso(created_at),
        "credits": credits(said.pop("charged_mc", 0)),
    }
    return body | said


def _native(event: str, job: AnyRow, outputs: Sequence[Output]) -> Fields:
    return {
        "id": job.id,
        "object": "job",
        "type": event,
        "timestamp": iso(job.ended_at),
        "status": job.state,
        "kind": job.kind,
        "reference": job.reference,
        "project_id": job.project_id,
        "output_url": outputs[0].url if outputs else None,
        "outputs": [
            {
                "name": output.name,
                "file_name": output.file_name,
                "content_type": output.content_type,
                "size_bytes": output.size_bytes,
                "url": output.url,
            }
            for output in outputs
        ],
        "error_message": job.error_message,
        "error": _error(job),
        "credits": credits(job.charged_mc),
        "credits_refunded": credits(job.held_mc - job.charged_mc),
        "created_at": iso(job.created_at),
        "completed_at": iso(job.ended_at),
    }


def _error(job: AnyRow) -> Fields | None:
    if job.state != JobState.FAILED:
        return None
    kind = "invalid_request_error" if job.failure_class in _CALLERS_FAULT else "server_error"
    return {"code": job.error_code or job.failure_class, "message": job.error_message or "", "type": kind}
