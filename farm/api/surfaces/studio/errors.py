"""How the studio surface says no: `error` is a sentence, and beside it is what programs read."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from farm.api.errors import Shape

# Of paths that begin alike the longest counts, so what another surface has below one of these is its own.
_PATHS = (
    "/api/models",
    "/api/image",
    "/api/input-image/",
    "/api/upload-image",
    "/api/generat",
    "/api/status",
    "/api/video/",
    "/api/audio",
    "/api/tts/",
    "/api/share/",
    "/api/gallery/",
    "/api/cancel",
    "/api/queue",
    "/api/comfyui/",
    "/api/extend-video",
    "/api/keys",
)


class StudioError(BaseModel):
    """Every refusal here: `error` for people, `code` for programs, `param` when a field is wrong."""

    error: str
    code: str
    param: str | None = None


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": StudioError, "description": "Refused; `param` names the field."},
    "5XX": {"model": StudioError, "description": "Not the caller's fault; `Retry-After` with a 503."},
}


def shape(code: str, message: str, param: str | None, _status: int) -> Mapping[str, Any]:
    """`{"error": "…", "code": …}`, with `param` where a field is wrong."""
    return {"error": message, "code": code} | ({"param": param} if param else {})


SHAPES: Mapping[str, Shape] = dict.fromkeys(_PATHS, shape)
