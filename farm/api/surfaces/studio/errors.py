"""How the studio surface says no: `error` is a sentence, and beside it is what programs read."""

from collections.abc import Mapping
from typing import Any

from farm.api.errors import Shape

_PATHS = ("/api/models", "/api/image-models", "/api/generation-cost")


def shape(code: str, message: str, param: str | None, _status: int) -> Mapping[str, Any]:
    """`{"error": "…", "code": …}`, with `param` where a field is wrong."""
    return {"error": message, "code": code} | ({"param": param} if param else {})


SHAPES: Mapping[str, Shape] = dict.fromkeys(_PATHS, shape)
