"""Puts what is asked into a service's own words: its names, its lengths and sizes, its kinds of values."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.remote_model import RemoteModel, Word
from workers.gpu_generate.remote.asked import Asked

Names = Mapping[Word, str]

# What a picture would not be what was asked for without; the rest may be left out.
_NEEDED: Sequence[Word] = ("prompt", "image", "last_image", "mask", "images", "audio", "video")


def names_of(asked: Asked, usual: Names) -> dict[Word, str]:
    """The service's name for each word: its usual ones, over which providers.toml goes. "" drops a word."""
    merged = {**usual, **asked.remote.fields}
    return {word: name for word, name in merged.items() if name}


def inputs_of(asked: Asked, usual: Names) -> dict[str, JsonValue]:
    """All that is no file, by the service's names. Raises TaskFailure UNSUPPORTED for what it cannot take."""
    names = names_of(asked, usual)
    _check(asked, names)
    values = {**asked.values, **_allowed(asked.values, asked.remote)}
    found = {names[word]: value for word, value in values.items() if word in names}
    for name in asked.remote.as_text:
        if name in found:
            found[name] = str(found[name])
    return {**found, **asked.remote.fixed}


def ordered_s(asked: Asked) -> Fraction:
    """How long a film or a sound was ordered."""
    allowed = _allowed(asked.values, asked.remote).get("seconds")
    if asked.is_sound:
        return Fraction(str(allowed or asked.values["seconds"]))
    return Fraction(allowed) if isinstance(allowed, int) else asked.fitted.length_s


def sides_of(asked: Asked) -> tuple[int, int]:
    """Width and height as they are ordered."""
    size = _allowed(asked.values, asked.remote).get("size", asked.values["size"])
    return _sides(str(size))


def unsupported(what: str) -> TaskFailure:
    """This service cannot do that, and nothing is wrong with it."""
    return TaskFailure(
        f"The provider's model cannot take {what}.", FailureClass.UNSUPPORTED, code="unsupported_option"
    )


def _check(asked: Asked, names: Names) -> None:
    given: list[Word] = [*asked.values, *asked.files]
    missing = [word for word in _NEEDED if word in given and word not in names]
    if missing:
        raise unsupported(", ".join(missing))
    if asked.values.get("count", 1) != 1 and "count" not in names:
        raise unsupported("more than one picture at a time")


def _allowed(values: Mapping[Word, JsonValue], remote: RemoteModel) -> dict[Word, JsonValue]:
    """Of lengths it has only some of the shortest that is long enough, of sizes the nearest."""
    found: dict[Word, JsonValue] = {}
    if remote.lengths_s and isinstance(length := values.get("seconds"), int | float):
        enough = [one for one in sorted(remote.lengths_s) if one >= length - 0.5]
        if not enough:
            raise unsupported(f"{length:g} s; it makes at most {max(remote.lengths_s)} s")
        found["seconds"] = enough[0]
    if remote.sizes and isinstance(size := values.get("size"), str):
        found["size"] = min(remote.sizes, key=lambda one: _distance(one, size))
    return found


def _distance(one: str, other: str) -> float:
    """How unlike two sizes are: in shape first, then in how much they show."""
    (wide, high), (wider, higher) = _sides(one), _sides(other)
    shape = abs(wide / high - wider / higher)
    return shape * 10 + abs(wide * high - wider * higher) / (wider * higher)


def _sides(size: str) -> tuple[int, int]:
    wide, _, high = size.partition("x")
    return int(wide), int(high)
