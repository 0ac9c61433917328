"""What a file of tests needs installed. It is not imported for that: each test process collects all files."""

from importlib.util import find_spec

import pytest


def need(module: str, reason: str) -> None:
    """Skip the file that calls this while it is imported, unless the module is installed."""
    if find_spec(module) is None:
        pytest.skip(reason, allow_module_level=True)
