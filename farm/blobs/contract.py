"""What a blob store promises; the folder and S3 stores keep it, one suite of tests holds both to it.

A blob is written whole or not at all, and a second put under its key replaces it whole. A key is never
another key's folder (`a` and `a/b` cannot both exist). Nothing here knows of accounts, jobs or HTTP.

Errors: NotFound for a key that holds nothing; BadRequest for a key that is not allowed; TaskFailure with
FailureClass.DISK_FULL when the disk written to is full; BlobsUnavailable when the store is away.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from farm.errors import FailureClass, FarmUnavailable


class BlobsUnavailable(FarmUnavailable):
    """The store did not answer or refused the farm itself; another attempt may find it well."""

    failure_class: ClassVar[FailureClass] = FailureClass.TRANSIENT


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What is known of a blob without reading it."""

    size_bytes: int
    content_type: str


class Blobs(Protocol):
    """A store of files under `/`-separated keys. Every method blocks; call it in a thread from async code."""

    def put(self, key: str, path: Path, content_type: str) -> None:
        """Store a copy of the local file. Raises TaskFailure (disk_full) when there is no room."""
        ...

    def fetch(self, key: str, path: Path) -> None:
        """Copy the blob to a local file, which appears whole or not at all. Raises NotFound."""
        ...

    def stat(self, key: str) -> BlobInfo | None:
        """Size and type, or None when nothing is stored under the key."""
        ...

    def read(self, key: str, start: int, length: int) -> bytes:
        """At most `length` (≥ 1) bytes from byte `start`; empty beyond the end. Raises NotFound."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob; no error when it is not there."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Remove every blob below the folder `prefix` (`job_1` means `job_1/…`, never `job_12/…`)."""
        ...

    def upload_url(
        self,
        key: str,
        *,
        content_type: str,
        size_bytes: int,
        expires_s: int,
        base_url: str,
        file_name: str | None = None,
    ) -> str:
        """A URL that takes one PUT body of exactly this type and size, as often as wanted until it expires.

        A later PUT replaces an earlier one whole. The folder store also refuses what is no media file
        by its first bytes, calling it `file_name`; S3 cannot, so whoever uses the blob looks at its head
        first. `base_url` is where callers reach the API; the S3 store does not need it, and allows 7 days
        at most.
        """
        ...

    def download_url(
        self, key: str, *, file_name: str, content_type: str, expires_s: int, base_url: str
    ) -> str:
        """A URL that gives the blob by GET as an attachment named `file_name`, until it expires.

        Made without looking: a key that holds nothing gives 404 when the URL is used.
        """
        ...

    def check(self) -> None:
        """Write and remove a probe. Raises FarmUnavailable with the sentence that mends it."""
        ...
