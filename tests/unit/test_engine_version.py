"""Segments are taken again only where they would come out the same."""

from collections.abc import Iterator
from importlib.metadata import version

import pytest

from workers.cpu_render.segments import engine_version as module


def said(monkeypatch: pytest.MonkeyPatch, **replaced: object) -> str:
    for name, value in replaced.items():
        monkeypatch.setattr(module, name, value)
    module.engine_version.cache_clear()
    return module.engine_version()


def test_it_is_the_same_until_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch) == said(monkeypatch)


def test_what_reads_photos_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo of a phone looks as libheif decodes it."""
    now = said(monkeypatch)
    newer = said(monkeypatch, version=lambda name: "99" if name == "pi-heif" else version(name))
    assert newer != now


def test_how_letters_are_joined_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once FriBiDi is installed, captions are set anew."""
    with_it, without = (said(monkeypatch, can_shape=lambda has=has: has) for has in (True, False))
    assert with_it != without


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    module.engine_version.cache_clear()
