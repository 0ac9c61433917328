"""What the postproduction surface takes and gives: camelCase JSON, `data` and `meta` in every answer.

Fields that the document promises without naming them (transitions, placements, gaps, markers, dry run) are
named here.
"""

from base64 import b64encode
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from tasks.compose_otio import File, Finding
from tasks.compose_otio.manifest import AsManifest

RawManifest = Annotated[JsonValue, AsManifest]  # any JSON: the kind tells all that is wrong with it at once


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class FindingView(Answer):
    """One thing that is wrong or could not be kept, at `path`, a JSON pointer into the request.

    `format` is the file beside the `.otio` that it is about, where it is about one.
    """

    code: str
    path: str
    item_id: str | None
    message: str
    got: JsonValue
    allowed: JsonValue
    format: str | None = None

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


class FileView(Answer):
    """A file beside the `.otio`; `content` is its text, or base64 of its bytes."""

    format: str
    file_name: str
    content_type: str
    encoding: Literal["text", "base64"]
    content: str

    @classmethod
    def of(cls, file: File) -> "FileView":
        """As the kind wrote it."""
        return cls(
            format=file.format,
            file_name=file.name,
            content_type=file.content_type,
            encoding="text" if file.is_text else "base64",
            content=file.content.decode() if file.is_text else b64encode(file.content).decode(),
        )


class ComposedView(Answer):
    """The timeline. `otio` is the file's text, byte for byte; a dry run has none, and no `files` either."""

    file_name: str
    content_type: str
    otio: str | None
    duration_sec: float
    frames: int
    fps: str
    credits: float
    files: list[FileView] = []


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
