"""Ties a child process to its parent's life, so that nothing outlives a farm that was killed."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel signal this process when its parent ends. Linux only, nothing elsewhere.

    The kernel means the parent's *thread* that started the child: start children from threads that stay.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
