"""A small picture of what is being made, while it is made. It may come late or never, and is not kept."""

from dataclasses import dataclass

MOST_BYTES = 64 << 10
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Preview:
    """The latest of a job: a JPEG, the task that draws it, and when it came, in Unix seconds."""

    jpeg: bytes
    task: str
    at: float


@dataclass(frozen=True, slots=True)
class PreviewNote:
    """A new one is there, of that task."""

    task: str
    at: float


def is_preview(data: bytes) -> bool:
    """Whether these bytes may pass for one: by their beginning and their size. Nobody is believed."""
    return data.startswith(_JPEG) and len(data) <= MOST_BYTES
