"""Buffers that are used again from frame to frame. Each thread has its own, as renders run at once."""

import threading

import numpy as np
import numpy.typing as npt

from workers.media.planes import Plane, Planes

_KEPT = 48  # arrays per thread; sizes that come after that push out all the others


class _Held(threading.local):
    """What a thread has made so far. It goes with the thread."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, int, int], Plane] = {}
        self.pictures: dict[tuple[str, int, int], Planes] = {}


_held = _Held()


def picture(key: str, width: int, height: int) -> Planes:
    """A picture of that size, with whatever was last left in it under that key."""
    name = (key, width, height)
    if name not in _held.pictures:
        if len(_held.pictures) >= _KEPT:
            _held.pictures.clear()
        _held.pictures[name] = Planes.blank(width, height)
    return _held.pictures[name]


def array(key: str, height: int, width: int) -> Plane:
    """A C-contiguous uint8 array of that shape, with whatever was last left in it under that key."""
    name = (key, height, width)
    if name not in _held.arrays:
        if len(_held.arrays) >= _KEPT:
            _held.arrays.clear()
        _held.arrays[name] = np.zeros((height, width), np.uint8)
    return _held.arrays[name]


def sums(length: int) -> npt.NDArray[np.int64]:
    """An int64 array of that length."""
    return array("sums", length, 8).view(np.int64)[:, 0]
