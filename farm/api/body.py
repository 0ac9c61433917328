"""Reads a JSON body strictly: bounded in bytes and depth, no NaN, no key twice, no text a store refuses."""

import json
import math
import re
from typing import Any, NoReturn

from starlette.requests import Request

from farm.api.errors import field_path
from farm.errors import BadRequest, TooLarge

MAX_DEPTH = 32
_UNKEPT = re.compile("[\0\ud800-\udfff]")


async def read_json(request: Request, max_bytes: int) -> Any:
    """The request's JSON value. Raises BadRequest or TooLarge; reads no more than `max_bytes`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadRequest("Send a JSON body with Content-Type: application/json.", param="Content-Type")
    return parse_json(await _bytes(request, max_bytes))


def parse_json(raw: bytes) -> Any:
    """Parse strictly. Raises BadRequest; TooLarge when it is nested deeper than MAX_DEPTH."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except ValueError:  # an integer of thousands of digits
        raise BadRequest("The body holds a number that is too long.") from None
    _check(value)
    return value


async def _bytes(request: Request, max_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(raw)


def _check(value: Any) -> None:
    """Hold depth and texts to what every store can keep. Walks without recursion."""
    rest: list[tuple[Any, tuple[str | int, ...]]] = [(value, ("body",))]
    while rest:
        item, path = rest.pop()
        if len(path) > MAX_DEPTH:
            raise _too_deep()
        if isinstance(item, str):
            _check_text(item, path)
        elif isinstance(item, dict):
            for key in item:  # before any of them is part of a path
                _check_text(key, path)
            rest.extend((child, (*path, key)) for key, child in item.items())
        elif isinstance(item, list):
            rest.extend((child, (*path, index)) for index, child in enumerate(item))


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if _UNKEPT.search(text):
        param = field_path(path) or None
        raise BadRequest(
            f"{param or 'The body'} holds a text with a NUL or half a surrogate pair.", param=param
        )


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadRequest("The body holds a number beyond all bounds.")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequest("The body holds an object with the same key twice.")
    return found


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {max_bytes} bytes.")


def _too_deep() -> TooLarge:
    return TooLarge(f"The body is nested deeper than {MAX_DEPTH} levels.")
