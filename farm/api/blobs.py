"""The folder store over HTTP: raw routes that take and give bytes under signed URLs, no body parsing.

Whoever holds the URL is allowed what its Grant says and nothing else; there is no API key here. The
signature is checked before anything is read. S3 serves its own presigned URLs: no routes then.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import ClassVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from farm.api.byte_range import RangeRefused, range_of
from farm.api.errors import default_shape
from farm.blobs import Blobs
from farm.blobs.folder import Draft, FolderBlobs
from farm.blobs.grant import PATH, Grant
from farm.blobs.names import attachment
from farm.clock import Clock
from farm.errors import (
    BadRequest,
    FailureClass,
    FarmError,
    FarmUnavailable,
    NotAllowed,
    NotFound,
    TaskFailure,
    TooLarge,
)
from farm.media_types import HEAD_BYTES, check_upload
from farm.secrets import Secrets

_SILENCE_S = 60.0
_DROPPED_BYTES = 1 << 20  # a refused body up to this size is skipped, a larger one closes the connection
DOWNLOAD_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private",
}


class LengthRequired(BadRequest):
    """The body comes without its length (chunked)."""

    code: ClassVar[str] = "length_required"


class UploadStalled(FarmError):
    """The sender fell silent; nothing of the upload is kept."""

    code: ClassVar[str] = "upload_stalled"


def blob_routes(blobs: Blobs, secrets: Secrets, clock: Clock) -> Sequence[Route]:
    """Routes for PUT, GET and HEAD of `/farm/v1/blobs/{key}`; none unless blobs lie in a folder."""
    if not isinstance(blobs, FolderBlobs):
        return []
    door = _BlobDoor(blobs, secrets, clock)
    return [Route(f"{PATH}/{{key:path}}", door.answer, methods=["GET", "HEAD", "PUT"], name="blobs")]


class _BlobDoor:
    def __init__(self, blobs: FolderBlobs, secrets: Secrets, clock: Clock) -> None:
        self._blobs = blobs
        self._secrets = secrets
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        try:
            grant = self._granted(request)
            return await (self._take(request, grant) if grant.method == "PUT" else self._give(request, grant))
        except FarmError as error:
            return _refusal(request, error)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody listens any more

    def _granted(self, request: Request) -> Grant:
        method = "GET" if request.method == "HEAD" else request.method
        key: str = request.path_params["key"]
        return Grant.parse(method, key, request.query_params, self._secrets, self._clock.now())

    async def _take(self, request: Request, grant: Grant) -> Response:
        _check_headers(request, grant)
        with self._blobs.draft() as draft:
            await _receive(request, grant, draft)
            await run_sync(draft.commit, grant.key, grant.content_type)
        return Response(status_code=200)

    async def _give(self, request: Request, grant: Grant) -> Response:
        path = await run_sync(self._blobs.file, grant.key)
        found = await run_sync(path.stat)
        range_of(request.headers.get("range"), found.st_size)
        headers = {**DOWNLOAD_HEADERS, "Content-Disposition": attachment(grant.file_name or "")}
        return FileResponse(path, headers=headers, media_type=grant.content_type, stat_result=found)


def _check_headers(request: Request, grant: Grant) -> None:
    """Hold the declared type and length against the signed ones, before any byte is read."""
    sent_type = request.headers.get("content-type")
    if sent_type != grant.content_type:
        raise BadRequest(
            f"This URL takes Content-Type {grant.content_type}, not {sent_type}.",
            param="Content-Type",
            code="content_type_mismatch",
        )
    sent_length = request.headers.get("content-length", "")
    if not sent_length.isdecimal() or "transfer-encoding" in request.headers:
        raise LengthRequired(
            f"Send Content-Length: {grant.size_bytes}; chunked bodies are not taken.", param="Content-Length"
        )
    if sent_length != str(grant.size_bytes):
        raise BadRequest(
            f"This URL takes exactly {grant.size_bytes} bytes, not {sent_length}.",
            param="Content-Length",
            code="content_length_mismatch",
        )


async def _receive(request: Request, grant: Grant, draft: Draft) -> None:
    """Write the body to the draft, one chunk in memory; its head is checked before anything is kept."""
    async with aclosing(_chunks(request, grant)) as chunks:
        head = b""
        async for chunk in chunks:
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
        name = grant.file_name or grant.key.rpartition("/")[2]
        check_upload(name, grant.content_type, head[:HEAD_BYTES])
        await run_sync(draft.file.write, head)
        async for chunk in chunks:
            await run_sync(draft.file.write, chunk)


async def _chunks(request: Request, grant: Grant) -> AsyncGenerator[bytes, None]:
    """The body's chunks. Raises TooLarge or BadRequest when they are not exactly the signed size."""
    expected = grant.size_bytes or 0
    received = 0
    stream = request.stream()
    while chunk := await _next(stream):
        received += len(chunk)
        if received > expected:
            raise TooLarge(f"More than the declared {expected} bytes arrived.")
        yield chunk
    if received < expected:
        raise BadRequest(f"Only {received} of {expected} bytes arrived.", code="body_incomplete")


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    """The next chunk, empty at the end. Raises UploadStalled when none comes in time."""
    try:
        with anyio.fail_after(_SILENCE_S):
            return await anext(stream, b"")
    except TimeoutError:
        raise UploadStalled(f"Nothing arrived for {_SILENCE_S:.0f} seconds.") from None


_STATUSES: Sequence[tuple[type[FarmError], int]] = (
    (LengthRequired, 411),
    (BadRequest, 400),
    (NotAllowed, 403),
    (NotFound, 404),
    (UploadStalled, 408),
    (TooLarge, 413),
    (RangeRefused, 416),
    (FarmUnavailable, 503),
)


def _status(error: FarmError) -> int:
    if isinstance(error, TaskFailure) and error.failure is FailureClass.DISK_FULL:
        return 507
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def _refusal(request: Request, error: FarmError) -> Response:
    status = _status(error)
    shape = default_shape(error.public_code, error.message, error.param, status)
    return JSONResponse(shape, status, headers=_refusal_headers(request, error))


def _refusal_headers(request: Request, error: FarmError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RangeRefused):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    if isinstance(error, UploadStalled) or not _soon_skipped(request):
        headers["Connection"] = "close"  # else the server would go on reading what nobody wants
    return headers


def _soon_skipped(request: Request) -> bool:
    length = request.headers.get("content-length", "0")[:20]
    return "transfer-encoding" not in request.headers and length.isdecimal() and int(length) <= _DROPPED_BYTES
