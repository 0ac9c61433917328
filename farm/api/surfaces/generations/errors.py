"""How the generations surface says no: OpenAI's envelope, with its document's words for what went wrong."""

from collections.abc import Mapping
from typing import Any

from farm.api.errors import Shape, default_shape

_PATHS = ("/v1/", "/api/generate/", "/api/v1/model/")
# The document's codes for the farm's; one that says more than these stays as it is.
_CODES = {
    "unauthorized": "authentication_error",
    "invalid_request": "invalid_request_error",
    "rate_limited": "rate_limit_exceeded",
}


def shape(code: str, message: str, param: str | None, status: int) -> Mapping[str, Any]:
    """`{"error": {code, message, param, type}, "code"}`."""
    return default_shape(_CODES.get(code, code), message, param, status)


SHAPES: Mapping[str, Shape] = dict.fromkeys(_PATHS, shape)
