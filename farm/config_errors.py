"""Says what is wrong with the operator's configuration: in which file, at which key, what was meant."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from farm.errors import FarmUnavailable
from farm.validation import fault_text

_UNKNOWN_KEY = "extra_forbidden"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What one file says, below `prefix` of the whole."""

    path: Path
    values: dict[str, Any]
    prefix: Place = ()


def wrong_key(error: ValidationError, files: Sequence[Told]) -> FarmUnavailable:
    """The first fault, named for whoever wrote the file. Of files that say the same key the last counts."""
    first = error.errors()[0]
    place: Place = tuple(first["loc"])
    depth, _, said = max((_depth(file, place), number, file) for number, file in enumerate(files))
    where = ".".join(map(str, place[len(said.prefix) :] if depth else place))
    what = fault_text(first)
    if first["type"] == _UNKNOWN_KEY:
        what = f"there is no such key{_perhaps(str(place[-1]), _beside(files, place))}"
    file = f"{said.path}: " if depth else ""
    return FarmUnavailable(f"{file}{where}: {what}.", param=where)


def require_folder(folder: Path | None) -> None:
    """Raise FarmUnavailable where FARM_CONFIG_DIR names no folder: none of its files would count."""
    if folder is not None and not folder.is_dir():
        raise FarmUnavailable(f"FARM_CONFIG_DIR: there is no folder {folder}.", param="FARM_CONFIG_DIR")


def _depth(file: Told, place: Place) -> int:
    """How many parts of the place the file itself says; 0 where it is about something else."""
    if place[: len(file.prefix)] != file.prefix:
        return 0
    values: Any = file.values
    depth = 0
    for part in place[len(file.prefix) :]:
        if not isinstance(values, Mapping) or part not in values:
            break
        depth, values = depth + 1, values[str(part)]
    return depth and len(file.prefix) + depth


def _beside(files: Sequence[Told], place: Place) -> set[str]:
    """The other keys that files have at that place."""
    found: set[str] = set()
    for file in files:
        values: Any = file.values if place[: len(file.prefix)] == file.prefix else {}
        for part in place[len(file.prefix) : -1]:
            values = values.get(part, {}) if isinstance(values, Mapping) else {}
        found |= set(values) if isinstance(values, Mapping) else set()
    return found - {str(place[-1])}


def _perhaps(word: str, known: set[str]) -> str:
    """`; perhaps lease_s`, where something is like it."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; perhaps {near[0]}" if near else ""
