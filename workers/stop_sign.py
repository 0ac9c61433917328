"""The sign by which other threads stop an attempt: shown once, seen at once by whoever waits on it."""

import socket
import threading
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Self


class Reason(StrEnum):
    """Why an attempt is to stop. Only a cancelled one may end in its own time; the others are killed."""

    CANCELLED = "cancelled"
    NOT_OURS = "not_ours"
    RETURNED = "returned"

    @property
    def is_urgent(self) -> bool:
        return self is not Reason.CANCELLED


class Halted(Exception):
    """The sign was shown while the runner did its own part (fetching, storing)."""


class StopSign:
    """One attempt's sign. `poll` on it wakes when a reason is shown; an urgent one overrules a mild one.

    It holds no file open until somebody waits on it: many attempts may stand behind one that runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nobody looks at it any more."""
        with self._lock:
            for end in self._pair or ():
                end.close()
            self._pair = None

    @property
    def reason(self) -> Reason | None:
        """Why to stop, or None to go on."""
        return self._reason

    def show(self, reason: Reason) -> None:
        """Ask for a stop, from any thread. Nothing happens once the attempt has ended."""
        with self._lock:
            if self._reason is not None and (self._reason.is_urgent or not reason.is_urgent):
                return
            self._reason = reason
            if self._pair is not None:
                self._pair[1].send(b"!")

    def fileno(self) -> int:
        with self._lock:
            if self._pair is None:
                here, there = self._pair = socket.socketpair()
                here.setblocking(False)
                if self._reason is not None:
                    there.send(b"!")
            return self._pair[0].fileno()

    def seen(self) -> None:
        """Take the wake-up, so that the next `poll` waits again."""
        if self._pair is None:
            return
        with suppress(BlockingIOError):
            self._pair[0].recv(16)

    def check(self) -> None:
        """Raise Halted when a reason is shown."""
        if self._reason is not None:
            raise Halted(self._reason)
