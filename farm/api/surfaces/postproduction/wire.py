"""What the postproduction surface takes and gives: camelCase JSON, `data` and `meta` in every answer.

Fields that the document promises without naming them (transitions, placements, gaps, markers, dry run) are
named here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from tasks.compose_otio import Finding
from tasks.compose_otio.manifest import AsManifest

RawManifest = Annotated[JsonValue, AsManifest]  # any JSON: the kind tells all that is wrong with it at once


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class FindingView(Answer):
    """One thing that is wrong or could not be kept, at `path`, a JSON pointer into the request."""

    code: str
    path: str
    item_id: str | None
    message: str
    got: JsonValue
    allowed: JsonValue

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        """As the kind found it."""
        return cls(**finding.model_dump())


class Meta(Answer):
    """What belongs to the call. `credits` is what it cost."""

    request_id: str
    job_id: str | None = None
    credits: float = 0.0
    warnings: list[FindingView] = []


class ComposedView(Answer):
    """The timeline. `otio` is the file's text, byte for byte; a dry run has none."""

    file_name: str
    content_type: str
    otio: str | None
    duration_sec: float
    frames: int
    fps: str
    credits: float


class ComposeAnswer(Answer):
    """`responseFormat: json`, and every dry run."""

    data: ComposedView
    meta: Meta


class AcceptedView(Answer):
    """A job that was made of the call; look for its end at `statusUrl`."""

    job_id: str
    status: Literal["queued"] = "queued"
    status_url: str


class AcceptedAnswer(Answer):
    """`Prefer: respond-async`."""

    data: AcceptedView
    meta: Meta
