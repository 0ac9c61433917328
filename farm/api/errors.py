"""Every refusal as JSON: the farm's error tree to HTTP statuses, in the shape of the surface that was called.

Most surfaces say `{"error": {code, message, param, type}, "code"}`, which the OpenAI SDKs read too; one
that says it otherwise registers its own shape under its path. Nothing of the caller's input is repeated.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from farm.api.byte_range import RangeRefused
from farm.api.limits import RateLimitedWith
from farm.errors import (
    BadRequest,
    CallInProgress,
    Conflict,
    FarmError,
    FarmUnavailable,
    InsufficientCredits,
    KeyReused,
    ModelNotOffered,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    TooLarge,
)
from farm.validation import fault_text

Shape = Callable[[str, str, str | None, int], Mapping[str, Any]]

_STATUSES: Sequence[tuple[type[FarmError], int]] = (
    (ModelNotOffered, 503),
    (BadRequest, 400),
    (NotSignedIn, 401),
    (InsufficientCredits, 402),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (RangeRefused, 416),
    (KeyReused, 422),
    (RateLimited, 429),
    (FarmUnavailable, 503),
)
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_RETRY_UNAVAILABLE_S = 5
_RETRY_IN_PROGRESS_S = 1
_ALIASES = ("body", "query", "path", "header")


class MethodNotAllowed(FarmError):
    """The path exists and takes other methods."""

    code = "method_not_allowed"


def default_shape(code: str, message: str, param: str | None, status: int) -> Mapping[str, Any]:
    """The shape of the native API and of the media render surface."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"code": code, "message": message, "param": param, "type": kind}, "code": code}


def install_errors(app: FastAPI, shapes: Mapping[str, Shape]) -> None:
    """Answer every error in the shape registered for the longest prefix of the path, else the default."""

    def refuse(request: Request, error: FarmError, headers: Mapping[str, str]) -> Response:
        status = status_of(error)
        shape = _shape_for(request.url.path, shapes)
        body = shape(error.public_code, error.message, error.param, status)
        return JSONResponse(body, status, headers={**_headers(request, error), **headers})

    async def farm_error(request: Request, error: FarmError) -> Response:
        return refuse(request, error, {})

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return refuse(request, refused_field(error.errors()), {})

    async def http_error(request: Request, error: HTTPException) -> Response:
        return refuse(request, _from_http(error), error.headers or {})

    async def defect(request: Request, error: Exception) -> Response:
        request_id = getattr(request.state, "request_id", "")
        said = FarmError(f"The farm failed; its log has this under {request_id}.", code="internal_error")
        return refuse(request, said, {"x-request-id": request_id})

    for kind, handler in (
        (FarmError, farm_error),
        (RequestValidationError, invalid),
        (HTTPException, http_error),
        (Exception, defect),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # each takes its own error class


def status_of(error: FarmError) -> int:
    """The HTTP status of an error; 500 for what no caller should ever see."""
    if isinstance(error, MethodNotAllowed):
        return 405
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def refused_field(errors: Sequence[Any], prefix: str = "") -> BadRequest:
    """The first thing pydantic found, as a sentence that names the field."""
    found = errors[0]
    param = prefix + field_path(found["loc"])
    if found["type"] == "extra_forbidden":
        return BadRequest(f"There is no field {param!r}.", param=param)
    if found["type"] == "missing":
        return BadRequest(f"{param or 'A body'} is required.", param=param or None)
    if found["type"] in ("model_type", "model_attributes_type"):  # pydantic would name the class
        return BadRequest(f"{param or 'The body'} must be a JSON object.", param=param or None)
    said = _sentence(fault_text(found))
    return BadRequest(f"{param}: {said}" if param else said, param=param or None)


def refused_params(error: ValidationError, prefix: str) -> BadRequest:
    """The same for parameters checked by their own model."""
    return refused_field(error.errors(include_url=False, include_input=False), prefix)


def field_path(parts: Sequence[str | int]) -> str:
    """`("body", "files", 0, "fileSize")` as `files[0].fileSize`; `<…>` is a member of a union, no field."""
    path = ""
    for part in parts[1:] if parts and parts[0] in _ALIASES else parts:
        if path and isinstance(part, str) and part.startswith("<"):
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _shape_for(path: str, shapes: Mapping[str, Shape]) -> Shape:
    fitting = [prefix for prefix in shapes if path.startswith(prefix)]
    return shapes[max(fitting, key=len)] if fitting else default_shape


def _from_http(error: HTTPException) -> FarmError:
    """What the framework refuses by itself: unknown paths, methods, bodies it cannot read."""
    if isinstance(error.__cause__, FarmError):
        return error.__cause__
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("There is nothing at this path; openapi.json tells what there is.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed("This path does not take this method.")
    return BadRequest(str(error.detail))


def _unavailable_s(error: FarmError) -> int:
    """Whole seconds to wait: what is known, else a guess."""
    known_s = error.retry_after_s if isinstance(error, FarmUnavailable) else None
    return _RETRY_UNAVAILABLE_S if known_s is None else max(1, ceil(known_s))


def _headers(request: Request, error: FarmError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, CallInProgress):  # the one conflict that ends by itself, in the first call's answer
        headers |= {"x-should-retry": "true", "Retry-After": str(_RETRY_IN_PROGRESS_S)}
    elif isinstance(error, Conflict):
        headers["x-should-retry"] = "false"  # the OpenAI SDKs retry a 409 otherwise
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, FarmUnavailable | ModelNotOffered):
        headers["Retry-After"] = str(_unavailable_s(error))
    if isinstance(error, ModelNotOffered):
        headers["x-should-retry"] = "false"  # an operator has to mend it first
    if isinstance(error, RangeRefused):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    if isinstance(error, RateLimitedWith):
        now = request.app.state.desk.hall.clock.now()
        headers |= {"Retry-After": str(max(1, ceil(error.reset_at - now)))}
        request.state.allowance = error.allowance
    return headers
