"""Where a command writes: what cannot be written is told before anything is sent, made or paid for."""

import os
from collections.abc import Mapping
from pathlib import Path

from farm.errors import BadRequest


def checked_outputs(named: Mapping[str, Path | None]) -> dict[str, Path]:
    """The files that are named, by what they are. Raises BadRequest for a folder, and for one file twice.

    A folder that is not there yet is made when the file is written.
    """
    found = {name: path.expanduser() for name, path in named.items() if path is not None}
    known: dict[Path, str] = {}
    for name, path in found.items():
        _require_writable(name, path)
        other = known.setdefault(path.resolve(), name)
        if other != name:
            raise BadRequest(f"{path} cannot be both {other} and {name}.", param=name)
    return found


def _require_writable(name: str, path: Path) -> None:
    if path.is_dir() or not path.name:
        raise BadRequest(f"{path} is a folder.", param=name)
    if path.exists() and not path.is_file():
        raise BadRequest(f"{path} is no file.", param=name)
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise BadRequest(f"{path} cannot be written: {nearest} is no folder.", param=name)
    if not os.access(nearest, os.W_OK):
        raise BadRequest(f"{path} cannot be written: {nearest} may not be changed.", param=name)
