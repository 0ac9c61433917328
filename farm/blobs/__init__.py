"""Where files lie: a local folder, or S3. The store (SQL) knows what they are, blobs only hold the bytes."""

from pathlib import Path

from farm.blobs.contract import BlobInfo, Blobs, BlobsUnavailable
from farm.blobs.folder import FolderBlobs
from farm.clock import Clock, SystemClock
from farm.errors import FarmUnavailable
from farm.secrets import Secrets
from farm.settings import Settings

__all__ = ["BlobInfo", "Blobs", "BlobsUnavailable", "open_blobs"]


def open_blobs(settings: Settings, secrets: Secrets, clock: Clock | None = None) -> Blobs:
    """The store that FARM_BLOBS_URL names: a folder, or `s3://bucket/prefix?endpoint=…&region=…`.

    Opening S3 sends nothing; opening a folder makes it and sweeps abandoned partial files.
    Raises FarmUnavailable when the location cannot be used.
    """
    location = settings.blobs_location
    if location.startswith("s3://"):
        return _open_s3(location, settings.blobs_public_url)
    if "://" in location:
        raise FarmUnavailable(
            f"FARM_BLOBS_URL is a folder or s3://bucket/prefix, not {location!r}.", param="FARM_BLOBS_URL"
        )
    return FolderBlobs(Path(location).expanduser().absolute(), secrets, clock or SystemClock())


def _open_s3(location: str, public_endpoint: str | None) -> Blobs:
    try:
        from farm.blobs.s3 import S3Blobs, S3Location
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise FarmUnavailable(
            "FARM_BLOBS_URL names S3 and boto3 is not installed: pip install 'kinefarm[s3]'.",
            param="FARM_BLOBS_URL",
        ) from None
    return S3Blobs(S3Location.parse(location), public_endpoint)
