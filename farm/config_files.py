"""Reads the operator's TOML files and lays one over another. What they mean is their readers' affair."""

import tomllib
from pathlib import Path
from typing import Any

from farm.errors import FarmUnavailable


def read_toml(path: Path) -> dict[str, Any]:
    """What the file says; nothing where there is none. Raises FarmUnavailable naming the file."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise FarmUnavailable(f"{path} is not valid TOML: {error}.") from error


def merge(into: dict[str, Any], over: dict[str, Any]) -> None:
    """Replace in `into` the keys that `over` names, table by table."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
