"""Finds what a folder offers: each of its modules declares one thing, and none is listed by hand."""

import importlib
import pkgutil
import re
from typing import Protocol, TypeVar


class Named(Protocol):
    """Something a timeline asks for by name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def scan(package: str, attribute: str, kind: type[T]) -> dict[str, T]:
    """What the modules of a package declare as `attribute`, by slug. Modules without one are helpers."""
    found: dict[str, T] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        declared = getattr(importlib.import_module(module.name), attribute, None)
        if isinstance(declared, kind):
            found[slug(declared.name)] = declared
    return found


def slug(name: str) -> str:
    """How names are compared: `Snapchat Hook`, `snapchat_hook` and `snapchat-hook` are one."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
