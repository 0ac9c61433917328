"""Names the failure behind an exception, once, at the border between an engine and the farm."""

import errno

from farm.errors import FailureClass, FarmError, TaskFailure
from farm.job import Failure

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def failure_of(error: Exception) -> Failure:
    """What to record for `error`. Anything that was not raised on purpose is `internal`."""
    match error:
        case TaskFailure():
            return Failure(error.failure, error.public_code, error.message, error.retry_after_s)
        case FarmError():
            return Failure(error.failure_class, error.public_code, error.message)
        case MemoryError():
            return Failure(FailureClass.OOM, "out_of_memory", "The task needs more memory than there is.")
        case OSError() if error.errno in _FULL:
            return Failure(FailureClass.DISK_FULL, "disk_full", "No space is left on the worker's disk.")
        case ConnectionError() | TimeoutError():
            return Failure(FailureClass.TRANSIENT, "network", f"A connection broke: {error}.")
        case _:
            return Failure(FailureClass.INTERNAL, "internal_error", f"{type(error).__name__}: {error}")
