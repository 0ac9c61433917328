"""FarmRoute: a route that lets a call in before anything of it is parsed: key, rate, then a checked body.

A route names its rate class with `openapi_extra=rated("uploads")`; without one it counts as `native`. A route
that submits says `openapi_extra=submits("uploads")`: its calls are made once per Idempotency-Key.
"""

import re
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from farm.account import Caller
from farm.api.auth import caller_of
from farm.api.body import read_json
from farm.api.desk import Desk, desk_of
from farm.api.idempotency import IN_DOCUMENT, MARK, once
from farm.api.limits import Allowance
from farm.errors import BadRequest, NotFound

_RATE = "x-rate-class"
TAKES_FILES = (
    "x-takes-files"  # its endpoint reads the body, and asks by itself whether the call was made before
)
LARGE_BODY = "x-large-body"  # pictures and sounds come in its JSON: chat.request_bytes bounds it
_DEFAULT_RATE = "native"
# For the OpenAPI document only; auth.py does the work.
_IN_DOCUMENT = [
    Depends(HTTPBearer(auto_error=False, description="An API key of this farm.")),
    Depends(APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key.")),
]


class ErrorDetail(BaseModel):
    """`code` is for programs, `message` for people; `param` names the field, when it is one."""

    code: str
    message: str
    param: str | None
    type: str


class ErrorAnswer(BaseModel):
    """Every refusal."""

    error: ErrorDetail
    code: str


def rated(route_class: str) -> dict[str, Any]:
    """`openapi_extra` that counts a route's calls in this bucket, and says so in the document."""
    return {_RATE: route_class}


def submits(route_class: str) -> dict[str, Any]:
    """As `rated`, for a route whose calls are made once (farm.api.idempotency)."""
    return rated(route_class) | IN_DOCUMENT


def farm_router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes all ask for a key."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=FarmRoute,
        dependencies=_IN_DOCUMENT,
        responses={
            "4XX": {"model": ErrorAnswer, "description": "Refused; the error names the field."},
            "5XX": {"model": ErrorAnswer, "description": "Not the caller's fault; `Retry-After` with a 503."},
        },
    )


class FarmRoute(APIRoute):
    """Signs in, counts, and reads the JSON body strictly, in this order.

    In the document it is called what its docstring says first.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["summary"] = options.get("summary") or _first_sentence(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        rate = str((self.openapi_extra or {}).get(_RATE, _DEFAULT_RATE))
        takes_body = self.body_field is not None
        extra = self.openapi_extra or {}
        is_made_once = extra.get(MARK, False) and not extra.get(TAKES_FILES, False)
        is_large = extra.get(LARGE_BODY, False)

        async def answer(request: Request) -> Response:
            desk = desk_of(request)
            request.state.caller, request.state.allowance = await run_in_threadpool(
                _admit, desk, request, rate
            )
            _check_address(request)
            body = None
            if takes_body:
                rules = desk.hall.catalog
                most = rules.chat.request_bytes if is_large else rules.limits.json_max_bytes
                body = await read_json(request, most)
                request = _Read(request, body)
            if is_made_once:
                return await once(request, body, partial(handle, request))
            return await handle(request)

        return answer


def _first_sentence(endpoint: Callable[..., Any]) -> str:
    text = " ".join((endpoint.__doc__ or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.:;]) ", text)[0].rstrip(".:;")


class _Read(Request):
    """A request whose JSON body has been read and checked."""

    def __init__(self, request: Request, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._value = value

    async def body(self) -> bytes:
        return b"read"  # whatever is not empty: the framework asks for json() then

    async def json(self) -> Any:
        return self._value


def _admit(desk: Desk, request: Request, rate: str) -> tuple[Caller, Allowance]:
    caller = caller_of(desk.hall, request.headers)
    tier, prefix = caller.account.tier, caller.key_prefix
    return caller, desk.limits.take(rate, caller.key_id, tier=tier, key_prefix=prefix)


def _check_address(request: Request) -> None:
    """No store keeps a NUL, so nothing can be found under one."""
    if "\0" in request.url.path or "\0" in request.scope["path"]:
        raise NotFound("There is nothing at this path.")
    for name, value in request.query_params.multi_items():
        if "\0" in name or "\0" in value:
            raise BadRequest("A query parameter holds a NUL.")
