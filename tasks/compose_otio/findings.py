"""What is wrong with a manifest, and what of it could not be kept: values with a code and a JSON pointer."""

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from farm.errors import BadRequest
from farm.noun import Noun
from farm.validation import fault_text

_MOST_SAID = 20
_LONGEST_GOT = 200
_LARGE = 10**15
_LENGTHS = ("too_long", "too_short", "string_too_long", "string_too_short")
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of")
_ALLOWED = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length")
_LISTS = {
    "/folder/items": "too_many_items",
    "/intent/audioLayers": "track_limit",
    "/intent/videoSequence": "too_many_clips",
    "/intent/markers": "too_many_markers",
}


class Finding(Noun):
    """One thing at `path`, a JSON pointer into the manifest; `item_id` is the item that it is about.

    `format` is the file beside the `.otio` that it is about, where it is about one.
    """

    code: str
    path: str
    message: str
    item_id: str | None = None
    got: JsonValue = None
    allowed: JsonValue = None
    format: str | None = None


class BrokenManifest(BadRequest):
    """A manifest that cannot be composed. `faults` are all that is wrong with it."""

    def __init__(self, faults: Sequence[Finding]) -> None:
        self.faults = tuple(faults)
        said = " ".join(f"{fault.path or '/'}: {fault.message}" for fault in self.faults[:_MOST_SAID])
        more = len(self.faults) - _MOST_SAID
        rest = f" And {more} more." if more > 0 else ""
        super().__init__(f"The manifest cannot be composed. {said}{rest}", param="manifest")


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def shown(value: object) -> JsonValue:
    """A value as an answer may repeat it: numbers and short texts, else what it is."""
    if isinstance(value, str):
        return value[:_LONGEST_GOT]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGE else "a very large number"
    if isinstance(value, float):
        return value if abs(value) <= 1e300 else str(value)  # JSON has no NaN and no infinity
    return "an object" if isinstance(value, Mapping) else "a list"


def of_shape(error: ValidationError) -> Iterator[Finding]:
    """What pydantic found, all of it."""
    for found in error.errors(include_url=False):
        place = pointer(*found["loc"])
        yield Finding(
            code=_code(found, place),
            path=place,
            message=_message(found),
            got=None if found["type"] == "missing" else shown(found["input"]),
            allowed=_allowed(found),
        )


def _code(found: ErrorDetails, place: str) -> str:
    kind = found["type"]
    if kind == "literal_error":
        return "unsupported_schema" if place == "/output/otioSchema" else "unsupported_value"
    if kind in ("missing", "extra_forbidden"):
        return "missing_field" if kind == "missing" else "unknown_field"
    if kind == "too_long" and place in _LISTS:
        return _LISTS[place]
    if kind in _LENGTHS:
        return "out_of_range"
    if kind == "finite_number":
        return "non_finite"
    if kind == "greater_than_equal" and place.endswith("Sec"):
        return "negative_time"
    if kind in _BOUNDS:
        return "unsupported_fps" if place == "/project/fps" else "out_of_range"
    return "wrong_type"


def _message(found: ErrorDetails) -> str:
    if found["type"] == "missing":
        return "Is required."
    if found["type"] == "extra_forbidden":
        return "There is no such field."
    if found["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "Should be an object."
    if found["type"] == "tuple_type":
        return "Should be a list."
    text = re.sub(r"^Input should", "Should", fault_text(found))
    return text if text.endswith(".") else f"{text}."


def _allowed(found: ErrorDetails) -> JsonValue:
    """The bound or the words that would do, where there are some."""
    context = found.get("ctx", {})
    if found["type"] == "literal_error":
        return list(re.findall(r"'([^']*)'", str(context["expected"])))
    return {name: shown(value) for name, value in context.items() if name in _ALLOWED} or None
