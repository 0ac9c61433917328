"""Calls that bring files: multipart/form-data with files of one field and a JSON part `metadata`.

The body is read once, piece by piece, into a folder that lives as long as the call; nothing is stored before
all of it was measured against the caller's tier. What is wrong is gathered, so that it is told at once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, JsonValue

from farm.api.forms import MEDIA_TYPE, PART_HEADERS_BYTES, fed, store
from farm.api.routing import TAKES_FILES, submits
from farm.api.surfaces.postproduction.form import METADATA, FileRules, FormReader, Sent
from farm.errors import TooLarge

__all__ = ["METADATA", "FileRules", "Sent", "received", "store", "takes_files"]


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
    content = {MEDIA_TYPE: {"schema": form, "encoding": encoding}}
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
    most = rules.total_bytes + metadata_bytes + rules.most_parts * PART_HEADERS_BYTES
    refusal = TooLarge(
        f"The call is larger than it may be: {rules.total_bytes} bytes of {rules.name}.", param=rules.name
    )
    reader_of = partial(FormReader, rules=rules, metadata_bytes=metadata_bytes)
    async with fed(request, reader_of, most, refusal) as reader:
        yield await run_in_threadpool(reader.sent)
