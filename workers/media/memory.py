"""Gives memory back that Python and FFmpeg have freed, and the C library keeps."""

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Cheap enough for every few seconds. Without the GNU C library it does nothing."""
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    """Photos come and go in several threads' heaps, each of which grows to its own peak."""
    trim: Callable[[int], object] = getattr(ctypes.CDLL(None), "malloc_trim", _nothing)
    return trim


def _nothing(pad: int) -> None:
    pass
