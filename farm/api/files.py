"""Gives a stored file as the body of an answer, whole or one range of it, from whichever store has it."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from farm.api.blobs import DOWNLOAD_HEADERS
from farm.api.byte_range import range_of
from farm.blobs import Blobs
from farm.blobs.names import attachment
from farm.errors import NotFound

_CHUNK_BYTES = 1 << 20


def file_answer(
    request: Request, blobs: Blobs, blob_key: str, *, file_name: str, content_type: str
) -> Response:
    """200, or 206 for a range; to HEAD the headers alone. Blocks: call it in a thread.

    Raises NotFound where the file is gone, and what a bad Range header is refused with.
    """
    found = blobs.stat(blob_key)
    if found is None:
        raise NotFound("The file is gone.", param="filename")
    part = range_of(request.headers.get("range"), found.size_bytes)
    start, end = part or (0, found.size_bytes)
    headers = {
        **DOWNLOAD_HEADERS,
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "Content-Disposition": attachment(file_name),
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
    body = _chunks(blobs, blob_key, start, end) if request.method != "HEAD" else iter(())
    status = 200 if part is None else 206
    return StreamingResponse(body, status, headers, media_type=content_type)


def _chunks(blobs: Blobs, blob_key: str, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := blobs.read(blob_key, start, min(_CHUNK_BYTES, end - start))):
        yield piece
        start += len(piece)
