"""Calls that bring files: multipart/form-data with files of one field and a JSON part `metadata`.

The body is read once, piece by piece, into a folder that lives as long as the call; nothing is stored before
all of it was measured against the caller's tier. What is wrong is gathered, so that it is told at once.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, JsonValue
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from farm.account import Account
from farm.api.desk import Desk
from farm.api.routing import TAKES_FILES, submits
from farm.api.surfaces.postproduction.form import METADATA, MORE_PARTS, FileRules, FormReader, Sent, SentFile
from farm.api.uploads import declared
from farm.doors import assets
from farm.errors import BadRequest, TooLarge

__all__ = ["METADATA", "FileRules", "Sent", "SentFile", "received", "store", "takes_files"]

_SILENCE_S = 60.0
_LONGEST_BOUNDARY = 256  # RFC 2046 has 70
_HEADERS_BYTES = 4_224  # of one part, as the parser bounds them


def takes_files(
    route_class: str, name: str, metadata: type[BaseModel], *, many: bool = False
) -> dict[str, Any]:
    """`openapi_extra` of a route that submits with files of field `name`, and a part of this shape.

    Its endpoint reads the body by `received`, and makes the call by `once(request, sent.told, …)`.
    """
    one = {"type": "string", "format": "binary"}
    file = {"type": "array", "items": one} if many else one
    needed = [METADATA] if any(field.is_required() for field in metadata.model_fields.values()) else []
    properties = {name: file, METADATA: _schema_of(metadata)}
    form = {"type": "object", "required": [name, *needed], "properties": properties}
    encoding = {METADATA: {"contentType": "application/json"}}
    content = {"multipart/form-data": {"schema": form, "encoding": encoding}}
    body = {"requestBody": {"required": True, "content": content}}
    return submits(route_class) | {TAKES_FILES: True} | body


def _schema_of(model: type[BaseModel]) -> JsonValue:
    """The shape's JSON schema with its parts put in where they are referred to."""
    whole = model.model_json_schema()
    parts = whole.pop("$defs", {})

    def put_in(value: Any) -> Any:
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/")
            return put_in(parts[name]) if name else {key: put_in(item) for key, item in value.items()}
        return [put_in(item) for item in value] if isinstance(value, list) else value

    inlined: JsonValue = put_in(whole)
    return inlined


@asynccontextmanager
async def received(request: Request, rules: FileRules, metadata_bytes: int) -> AsyncIterator[Sent]:
    """Read the call's body; its files are gone after the block.

    Raises BadRequest when it is no form, TooLarge when there is more of it than could ever be right.
    """
    boundary = _boundary(request)
    most = rules.total_bytes + metadata_bytes + (rules.most + MORE_PARTS) * _HEADERS_BYTES
    _check_length(request, most, rules)
    folder = Path(await run_in_threadpool(tempfile.mkdtemp, prefix="farm-call-"))
    reader = FormReader(boundary, folder, rules, metadata_bytes)
    try:
        got = 0
        async for chunk in _chunks(request):
            got += len(chunk)
            if got > most:
                raise _too_large(rules)
            await run_in_threadpool(reader.feed, chunk)
        yield await run_in_threadpool(reader.sent)
    finally:
        reader.close()
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


def store(
    desk: Desk, account: Account, files: Sequence[SentFile], meta: Mapping[str, float | None] | None = None
) -> list[str]:
    """Keep the files as the account's assets, in their order. Returns their ids. Blocks."""
    new = [declared(desk, file.file_name, file.content_type, file.size_bytes, meta or {}) for file in files]
    made = assets.declare(desk.hall, account, new)
    for asset, file in zip(made, files, strict=True):
        desk.blobs.put(asset.blob_key, file.path, asset.content_type)
    assets.require_uploaded(desk.hall, desk.blobs, made)
    return [asset.id for asset in made]


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise BadRequest("Send a form: Content-Type: multipart/form-data; boundary=…", param="Content-Type")
    return boundary


def _check_length(request: Request, most: int, rules: FileRules) -> None:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise _too_large(rules)


def _too_large(rules: FileRules) -> TooLarge:
    return TooLarge(
        f"The call is larger than it may be: {rules.total_bytes} bytes of {rules.name}.", param=rules.name
    )


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body. Raises BadRequest when it breaks off, or nothing comes for a minute."""
    stream = request.stream()
    while True:
        try:
            with anyio.fail_after(_SILENCE_S):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise BadRequest(
                f"Nothing arrived for {_SILENCE_S:.0f} seconds.", code="upload_stalled"
            ) from None
        except ClientDisconnect:
            raise BadRequest("The call broke off.", code="body_incomplete") from None
        if chunk is None:
            return
        if chunk:
            yield chunk
