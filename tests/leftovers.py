"""What a farm may leave behind once its work has ended: nothing but what its own rows name."""

from collections.abc import Iterator
from pathlib import Path

import boto3.session
from sqlalchemy import select

from farm.blobs.s3 import S3Location
from farm.store.schema import artifacts
from tests.running import RunningFarm

_ATTEMPTS = "attempts/"


def leftovers(farm: RunningFarm) -> list[str]:
    """Every file that nobody needs any more, in words; empty when all is well."""
    home = farm.settings.root
    folders = [path for path in (home / "work").glob("worker-*/*") if path.is_dir()]
    partial = list((home / "blobs" / "partial").glob("*"))
    with farm.store.read() as connection:
        named = set(connection.scalars(select(artifacts.c.blob_key)))
    unnamed = {key for key in stored_keys(farm) if key.startswith(_ATTEMPTS)} - named
    return [
        *(f"attempt folder {path}" for path in folders),
        *(f"half an upload {path}" for path in partial),
        *(f"blob {key} of no artifact" for key in sorted(unnamed)),
        *(f"no blob {key} of an artifact" for key in sorted(named - stored_keys(farm))),
    ]


def stored_keys(farm: RunningFarm) -> set[str]:
    """The keys of all blobs, in the folder or in S3."""
    url = farm.environment.get("FARM_BLOBS_URL")
    return set(_s3_keys(farm, url) if url else _folder_keys(farm.settings.root / "blobs" / "objects"))


def _folder_keys(objects: Path) -> Iterator[str]:
    return (path.relative_to(objects).as_posix() for path in objects.rglob("*") if path.is_file())


def _s3_keys(farm: RunningFarm, url: str) -> Iterator[str]:
    at = S3Location.parse(url)
    session = boto3.session.Session(
        farm.environment["AWS_ACCESS_KEY_ID"],
        farm.environment["AWS_SECRET_ACCESS_KEY"],
        region_name=at.region,
    )
    pages = session.client("s3", endpoint_url=at.endpoint).get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=at.bucket, Prefix=at.prefix):
        yield from (found["Key"].removeprefix(at.prefix) for found in page.get("Contents", []))
