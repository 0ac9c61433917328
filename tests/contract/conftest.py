"""The benches that the engines of services are tested on: one server of each kind for a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.engine_bench import ENGINES, Bench, configure
from workers.gpu_generate.remote import buying


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One server of each kind, and configs that are read once."""
    engine = ENGINES[request.param]
    with engine.server() as server:
        yield Bench(engine, server, tmp_path_factory.mktemp(engine.name))


@pytest.fixture
def bench(place: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(buying, "_FIRST_S", 0.02)
    place.server.forget()
    configure(place, place.folder, monkeypatch)
    yield Bench(place.engine, place.server, tmp_path)
    assert place.server.broken == []
