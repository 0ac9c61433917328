"""Blobs in an S3 bucket; the only module that imports boto3.

Credentials come from boto3's usual chain (AWS_* variables, profile, instance role). URLs are presigned
with s3v4, a PUT with its Content-Type and Content-Length. Transfers are retried twice inside one call:
they repeat harmlessly, and a lost packet should not cost a finished render.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3.session
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from farm.blobs.contract import BlobInfo, BlobsUnavailable
from farm.blobs.disk import landing
from farm.blobs.names import attachment, check_key
from farm.errors import FarmError, FarmUnavailable, NotFound

_DEFAULT_TYPE = "application/octet-stream"
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED = frozenset(
    {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
)
_TRANSFER = TransferConfig(
    multipart_threshold=32 << 20, multipart_chunksize=16 << 20, max_concurrency=4, max_io_queue=32
)


@dataclass(frozen=True, slots=True)
class S3Location:
    """`s3://bucket/prefix?endpoint=…&region=…`, taken apart. `prefix` is empty or ends with `/`."""

    bucket: str
    prefix: str
    endpoint: str | None
    region: str | None

    @classmethod
    def parse(cls, url: str) -> "S3Location":
        """Raises FarmUnavailable when the URL names no bucket or says something unknown."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        unknown = sorted(query.keys() - {"endpoint", "region"})
        if not parts.netloc or unknown:
            reason = f"unknown {unknown}" if unknown else "no bucket"
            raise FarmUnavailable(
                f"FARM_BLOBS_URL reads s3://bucket/prefix?endpoint=…&region=…; {reason} in {url!r}.",
                param="FARM_BLOBS_URL",
            )
        prefix = parts.path.strip("/")
        return cls(
            bucket=parts.netloc,
            prefix=f"{check_key(prefix)}/" if prefix else "",
            endpoint=query.get("endpoint", [None])[0],
            region=query.get("region", [None])[0],
        )


class S3Blobs:
    """The S3 store. Thread-safe. `public_endpoint` is where callers reach the bucket, if elsewhere."""

    def __init__(self, location: S3Location, public_endpoint: str | None = None) -> None:
        self._at = location
        self._client = _client(location, location.endpoint)
        self._signer = _client(location, public_endpoint) if public_endpoint else self._client

    def put(self, key: str, path: Path, content_type: str) -> None:
        at, extra = self._at, {"ContentType": content_type}
        # By path and not by file object: that streams each part, where the other holds up to ten in memory.
        with self._explained(key), create_transfer_manager(self._client, _TRANSFER) as transfers:
            transfers.upload(str(path), at.bucket, at.prefix + check_key(key), extra).result()

    def fetch(self, key: str, path: Path) -> None:
        with self._explained(key), landing(path) as target:
            self._client.download_fileobj(**self._object(key), Fileobj=target, Config=_TRANSFER)

    def stat(self, key: str) -> BlobInfo | None:
        try:
            with self._explained(key):
                head = self._client.head_object(**self._object(key))
        except NotFound:
            return None
        return BlobInfo(head["ContentLength"], head.get("ContentType", _DEFAULT_TYPE))

    def read(self, key: str, start: int, length: int) -> bytes:
        wanted = f"bytes={start}-{start + length - 1}"
        try:
            with self._explained(key):
                body: bytes = self._client.get_object(**self._object(key), Range=wanted)["Body"].read()
        except _BeyondEnd:
            return b""
        return body

    def delete(self, key: str) -> None:
        with self._explained(key):
            self._client.delete_object(**self._object(key))

    def delete_prefix(self, prefix: str) -> None:
        folder = f"{self._at.prefix}{check_key(prefix.removesuffix('/'))}/"
        pages = self._client.get_paginator("list_objects_v2")
        with self._explained(prefix):
            for page in pages.paginate(Bucket=self._at.bucket, Prefix=folder):
                self._delete_all([found["Key"] for found in page.get("Contents", [])])

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
        signed = {**self._object(key), "ContentType": content_type, "ContentLength": size_bytes}
        return self._presigned("put_object", signed, expires_s)

    def download_url(
        self, key: str, *, file_name: str, content_type: str, expires_s: int, base_url: str
    ) -> str:
        shown = {"ResponseContentType": content_type, "ResponseContentDisposition": attachment(file_name)}
        return self._presigned("get_object", {**self._object(key), **shown}, expires_s)

    def check(self) -> None:
        with self._explained("", bucket=True):
            self._client.head_bucket(Bucket=self._at.bucket)
        key = f".check-{secrets.token_hex(8)}"
        with self._explained(key, bucket=True):
            self._client.put_object(**self._object(key), Body=b"probe")
        self.delete(key)

    def _object(self, key: str) -> dict[str, str | int]:
        return {"Bucket": self._at.bucket, "Key": self._at.prefix + check_key(key)}

    def _delete_all(self, keys: list[str]) -> None:
        if not keys:
            return
        listed = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = self._client.delete_objects(Bucket=self._at.bucket, Delete=listed)
        if errors := answer.get("Errors"):
            raise BlobsUnavailable(f"S3 would not delete {len(errors)} blobs: {errors[0].get('Message')}")

    def _presigned(self, call: str, params: dict[str, str | int], expires_s: int) -> str:
        with self._explained(str(params["Key"])):
            url: str = self._signer.generate_presigned_url(call, Params=params, ExpiresIn=expires_s)
        return url

    @contextmanager
    def _explained(self, key: str, *, bucket: bool = False) -> Iterator[None]:
        """Say what S3 said in the farm's errors. With `bucket`, a 404 means that the bucket is missing."""
        try:
            yield
        except ClientError as error:
            raise self._error(error, key, bucket) from error
        except BotoCoreError as error:
            raise BlobsUnavailable(f"S3 is not reachable at {self._where()}: {error}") from error

    def _error(self, error: ClientError, key: str, bucket: bool) -> FarmError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket" or (bucket and code in _ABSENT):
            return BlobsUnavailable(self._no_bucket(), param="FARM_BLOBS_URL")
        if code in _ABSENT:
            return NotFound(f"Nothing is stored under {key!r}.", param="key")
        if code in {"InvalidRange", "416"}:
            return _BeyondEnd("The range lies beyond the end.")
        if code in _REFUSED:
            return BlobsUnavailable(
                f"S3 at {self._where()} refuses the farm's credentials ({code}): check AWS_ACCESS_KEY_ID, "
                f"AWS_SECRET_ACCESS_KEY and their rights on bucket {self._at.bucket!r}.",
                param="AWS_ACCESS_KEY_ID",
            )
        return BlobsUnavailable(f"S3 at {self._where()} failed: {error}")

    def _no_bucket(self) -> str:
        endpoint = f" --endpoint-url {self._at.endpoint}" if self._at.endpoint else ""
        return (
            f"The bucket {self._at.bucket!r} does not exist at {self._where()}. "
            f"Create it: aws s3 mb s3://{self._at.bucket}{endpoint}"
        )

    def _where(self) -> str:
        return str(self._client.meta.endpoint_url)


class _BeyondEnd(FarmError):
    """A range was asked for that starts after the last byte."""


def _client(location: S3Location, endpoint: str | None) -> Any:  # boto3 makes its clients at run time
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
        # The newer default adds checksum headers that presigned URLs and other S3 servers do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.session.Session()
    region = location.region or session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
