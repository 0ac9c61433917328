"""Asset: a file that came in; MediaProject: the folder of assets of one media render."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AssetState(StrEnum):
    """`declared` until its bytes have arrived and been checked; `expired` while they are being deleted."""

    DECLARED = "declared"
    READY = "ready"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Asset:
    """A declared or uploaded file. `size_bytes` is what the uploader declared and must send."""

    id: str
    account_id: int
    project_id: str | None
    file_name: str
    content_type: str
    media_kind: str
    size_bytes: int
    blob_key: str
    state: AssetState
    meta: Mapping[str, Any]
    created_at: float
    expires_at: float | None


MEDIA_PROJECT_PREFIX = "mrproj"


def is_media_project(project_id: str) -> bool:
    """Whether this is the id of one, there or not; the studio's projects have numbers."""
    return project_id.startswith(f"{MEDIA_PROJECT_PREFIX}_")


@dataclass(frozen=True, slots=True)
class MediaProject:
    """A media render's folder. `job_seq` is its latest render, if any; `revision` counts them."""

    id: str
    account_id: int
    name: str
    directory_prefix: str
    job_id: str | None
    revision: int
    created_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What an uploader declares of one file."""

    file_name: str
    content_type: str
    size_bytes: int
    meta: Mapping[str, Any]
