"""Calls that bring files: multipart/form-data, any texts and files.

The body is read once, piece by piece; nothing is stored before all of it was measured. `image[]` is read as
`image`. Texts that nobody asked for are handed on, as OpenAI's clients send some; unknown files are refused.
"""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from farm.account import Account
from farm.api.desk import Desk
from farm.api.form_parts import PartsReader, SentFile
from farm.api.form_reader import TEXT_BYTES, FileRule, Form, FormReader, most_parts
from farm.api.routing import TAKES_FILES, submits
from farm.api.uploads import declared
from farm.doors import assets
from farm.errors import BadRequest, TooLarge

__all__ = [
    "MEDIA_TYPE",
    "PART_HEADERS_BYTES",
    "FileRule",
    "Form",
    "SentFile",
    "fed",
    "received_form",
    "store",
    "takes_form",
    "values_of",
]

Reader = TypeVar("Reader", bound=PartsReader)
MEDIA_TYPE = "multipart/form-data"
PART_HEADERS_BYTES = 4_224  # as the parser bounds them
_LONGEST_BOUNDARY = 256  # RFC 2046 has 70
_SILENCE_S = 60.0
_WORDS = {"true": True, "false": False}
_WHOLE, _NUMBER = re.compile(r"-?\d{1,18}"), re.compile(r"-?\d{1,18}\.\d{1,18}")


def takes_form(
    route_class: str,
    body: type[BaseModel],
    files: Mapping[str, bool],
    *,
    or_json: type[BaseModel] | None = None,
) -> dict[str, Any]:
    """`openapi_extra` of a route that submits with a form: the texts of `body`, and files by their fields.

    A field's value says whether it takes several. The endpoint reads the body by `received_form`, and makes
    the call by `once(request, form.told, …)`. `or_json`: what may come as JSON instead.
    """
    one = {"type": "string", "format": "binary"}
    schema = _schema_of(body)
    named = {name: {"type": "array", "items": one} if many else one for name, many in files.items()}
    whole = {**schema, "properties": {**named, **schema["properties"]}}
    content = {MEDIA_TYPE: {"schema": whole}}
    if or_json is not None:
        content["application/json"] = {"schema": _schema_of(or_json)}
    return submits(route_class) | {TAKES_FILES: True, "requestBody": {"required": True, "content": content}}


def _schema_of(body: type[BaseModel]) -> dict[str, Any]:
    """The schema with its parts in their places: FastAPI looks for no models in `openapi_extra`."""
    whole = body.model_json_schema()
    parts = whole.pop("$defs", {})

    def laid(value: Any) -> Any:
        if isinstance(value, list):
            return [laid(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return laid(parts[value["$ref"].rpartition("/")[2]])
        return {name: laid(item) for name, item in value.items()}

    found: dict[str, Any] = laid(whole)
    return found


@asynccontextmanager
async def received_form(request: Request, rules: Mapping[str, FileRule]) -> AsyncIterator[Form]:
    """Read the call's body; its files are gone after the block.

    Raises BadRequest naming the field, and TooLarge when there is more of it than could ever be right.
    """
    most = sum(rule.most * rule.max_bytes for rule in rules.values()) + TEXT_BYTES
    most += most_parts(rules) * PART_HEADERS_BYTES
    refusal = TooLarge(f"The form is larger than it may be: {most} bytes.")
    async with fed(request, partial(FormReader, rules=rules), most, refusal) as reader:
        yield await run_in_threadpool(reader.form)


@asynccontextmanager
async def fed(
    request: Request, reader_of: Callable[[bytes, Path], Reader], most: int, refusal: TooLarge
) -> AsyncIterator[Reader]:
    """A reader, made with the form's boundary and the call's own folder, that was fed the whole body.

    The folder is gone after the block. Raises `refusal` when the body has more than `most` bytes, and
    BadRequest when it is no form, breaks off or stalls.
    """
    boundary = _boundary(request)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise refusal
    folder = Path(await run_in_threadpool(tempfile.mkdtemp, prefix="farm-call-"))
    reader = reader_of(boundary, folder)
    try:
        got = 0
        async for chunk in _chunks(request):
            got += len(chunk)
            if got > most:
                raise refusal
            await run_in_threadpool(reader.feed, chunk)
        yield reader
    finally:
        reader.close()
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


def store(desk: Desk, account: Account, files: Sequence[SentFile]) -> list[str]:
    """Keep files of a form as the account's assets, in their order. Returns their ids. Blocks."""
    new = [declared(desk, file.file_name, file.content_type, file.size_bytes, {}) for file in files]
    made = assets.declare(desk.hall, account, new)
    for asset, file in zip(made, files, strict=True):
        desk.blobs.put(asset.blob_key, file.path, asset.content_type)
    assets.require_uploaded(desk.hall, desk.blobs, made)
    return [asset.id for asset in made]


def values_of(form: Form, model: type[BaseModel]) -> dict[str, object]:
    """The form's texts as the fields of `model` have them: numbers and true or false where no text is wanted.

    An empty text counts as left out, as browsers and n8n send it. Raises BadRequest for what came twice.
    """
    schema = model.model_json_schema()
    needed = schema.get("required", [])
    said: dict[str, object] = {}
    for name, wanted in schema["properties"].items():
        text = form.text(name)
        if text or (text is not None and name in needed):
            said[name] = text if _is_text(wanted) else _value(text)
    return said


def _is_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" or any(_is_text(one) for one in schema.get("anyOf", ()))


def _value(text: str) -> object:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.lower(), text)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != MEDIA_TYPE.encode() or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise BadRequest(f"Send a form: Content-Type: {MEDIA_TYPE}; boundary=…", param="Content-Type")
    return boundary


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
