"""A real Valkey for tests. Take it with the fixture `valkey`: one server for the test that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.broker.valkey import EmbeddedValkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A fresh server on a free port, stopped afterwards."""
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()
