"""Makes a submitting call once, however often it is sent: the Idempotency-Key header on any such route.

A route says so with `openapi_extra=submits("job_starts")`; its endpoint takes the ticket (`MadeOnce`) and
hands it to the submit door, so that a crash between the job and its answer makes no second job. Without the
header, an SDK's own retry (x-stainless-retry-count above 0) with the same body joins its first call.

Answers of success are kept. A refusal made nothing, so it is not: the same key may be used again once the
cause is mended.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from farm.account import Caller
from farm.api.desk import desk_of
from farm.doors import idempotency
from farm.doors.hall import Hall
from farm.doors.idempotency import HEADER, LONGEST_KEY, Answer, Call, Ticket
from farm.errors import BadRequest, FarmUnavailable

MARK = "x-made-once"
REPLAYED = "Idempotent-Replayed"
SDK_RETRY = "x-stainless-retry-count"
_JSON = "application/json"
_MOST_KEPT = 256 * 1024  # bytes: a longer answer is made anew of the job that the call has led to

IN_DOCUMENT: dict[str, Any] = {
    MARK: True,
    "parameters": [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            "description": "A new value for each request. The same value with the same body is answered as "
            f"the first time, with `{REPLAYED}: true`, for 24 hours; with another body it is refused (422).",
        }
    ],
}


async def once(request: Request, body: object, make: Callable[[], Awaitable[Response]]) -> Response:
    """Make the call, or answer it as before. Raises KeyReused, CallInProgress, and what the call raises."""
    caller: Caller = request.state.caller
    call = _call(request, body, caller)
    if call is None:
        return await make()
    hall = desk_of(request).hall
    found = await run_in_threadpool(idempotency.reserve, hall, call)
    if isinstance(found, Answer):
        return Response(found.body, found.status_code, {REPLAYED: "true"}, media_type=_JSON)
    request.state.ticket = found
    return await _make(hall, found, make)


async def _make(hall: Hall, ticket: Ticket, make: Callable[[], Awaitable[Response]]) -> Response:
    is_kept = False
    try:
        response = await make()
        answer = _answer(response)
        if answer is not None:
            with suppress(FarmUnavailable):  # a retry is led to the job by what the submit noted
                await run_in_threadpool(idempotency.keep_answer, hall, ticket, answer)
            is_kept = True
        return response
    finally:
        if not is_kept:
            await run_in_threadpool(idempotency.let_go, hall, ticket)


def _call(request: Request, body: object, caller: Caller) -> Call | None:
    """The call by its key, or by its body where an SDK counts its retries; None: it is made each time."""
    key = request.headers.get(HEADER)
    retries = request.headers.get(SDK_RETRY, "")
    if key is not None:
        return Call(caller.key_id, _checked(key), _fingerprint(request, body))
    if retries.isdecimal():
        return Call(caller.key_id, None, _fingerprint(request, body), is_retry=retries.strip("0") != "")
    return None


def _checked(key: str) -> str:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadRequest(f"{HEADER} has 1 to {LONGEST_KEY} printable ASCII characters.", param=HEADER)
    return key


def _fingerprint(request: Request, body: object) -> str:
    """What makes two calls the same: the address and the JSON value, however it is written."""
    told = [request.method, request.url.path, sorted(request.query_params.multi_items()), body]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _answer(response: Response) -> Answer | None:
    """What may be said again: a JSON answer of success."""
    content_type = response.headers.get("content-type", "")
    if response.status_code >= 300 or not content_type.startswith(_JSON) or len(response.body) > _MOST_KEPT:
        return None
    return Answer(response.status_code, bytes(response.body).decode())


async def _ticket(request: Request) -> Ticket | None:
    ticket = getattr(request.state, "ticket", None)
    assert ticket is None or isinstance(ticket, Ticket)
    return ticket


MadeOnce = Annotated[Ticket | None, Depends(_ticket)]
