"""Files that compose-otio writes beside the `.otio`, for tests."""

import copy

from tasks.compose_otio import File, compose
from tests.manifest_strategies import Json

DISSOLVE = {"type": "dissolve", "durationSec": 1}
INTO_WALK = "/intent/videoSequence/1/transition"


def files(manifest: Json, *formats: str) -> list[File]:
    """The files of a manifest, in these formats."""
    return list(compose(with_formats(manifest, *formats)).files())


def text(manifest: Json, name: str, part: str = "") -> str:
    """One file's text."""
    return next(file.content.decode() for file in files(manifest, name) if file.part == part)


def with_formats(manifest: Json, *formats: str) -> Json:
    """The manifest, asking for these."""
    wanted = copy.deepcopy(manifest)
    wanted.setdefault("output", {})["formats"] = list(formats)
    return wanted
