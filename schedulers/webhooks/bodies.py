"""What an event says, as flat JSON with URLs instead of bytes. Pure.

A surface whose webhooks look otherwise gets its own function in `_BODIES`; the others share the native one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from farm.errors import FailureClass
from farm.money import credits
from farm.states import JobState
from farm.store.rows import AnyRow

_CALLERS_FAULT = (FailureClass.INVALID_INPUT, FailureClass.POLICY)

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A finished file; `url` None when nothing here knows where callers reach it."""

    name: str
    file_name: str
    content_type: str
    size_bytes: int
    url: str | None


def job_body(event: str, job: AnyRow, outputs: Sequence[Output]) -> Fields:
    """The body of a job's event. Terminal states never change, so it may be built at any later time."""
    return _BODIES.get(job.surface, _native)(event, job, outputs)


def account_body(event: str, subject: str, payload: Mapping[str, Any], created_at: float) -> Fields:
    """The body of an event that tells of no job."""
    return {**payload, "id": subject, "object": "event", "type": event, "timestamp": iso(created_at)}


def batch_body(event: str, payload: Mapping[str, Any], created_at: float) -> Fields:
    """The body of a batch's end: how many of its rows ended how, and what they cost together."""
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


def iso(unix_s: float | None) -> str | None:
    """UTC to the millisecond, as in 2026-03-09T16:12:43.120Z."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


_BODIES: Mapping[str, Callable[[str, AnyRow, Sequence[Output]], Fields]] = {}
