"""Keeps what Python and FFmpeg have freed from staying with the C library, where that is GNU's."""

import ctypes
from collections.abc import Callable
from functools import cache

# Heaps beside the first, each of which grows to its own peak; a render has about ten threads.
_HEAPS = 2
# What is larger lies by itself and goes at once: a photo's planes do, frames of films come too often for it.
_BY_ITSELF_BYTES = 8 << 20
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_PR_SET_THP_DISABLE = 41


@cache
def hold_little() -> None:
    """For all of the process, from its first render on. Takes a tenth of the memory off a busy one.

    No huge pages either, which x264 asks Linux for: much of them is emptied and never used.
    """
    setting = _of_the_c_library("mallopt")
    setting(_M_ARENA_MAX, _HEAPS)
    setting(_M_MMAP_THRESHOLD, _BY_ITSELF_BYTES)
    _of_the_c_library("prctl")(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def give_back() -> None:
    """Cheap enough for every few seconds: photos come and go in several threads' heaps."""
    _of_the_c_library("malloc_trim")(0)


@cache
def _of_the_c_library(name: str) -> Callable[..., object]:
    found: Callable[..., object] = getattr(ctypes.CDLL(None), name, _nothing)
    return found


def _nothing(*_: int) -> None:
    pass
