"""What Flower is told of attempts, in Celery's own events: each has its line, however many share a message.

Celery tells of messages; so its own telling is off, and this takes its place.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from farm.broker.message import Message

HEADER = "farm_shown"
_ROW = ("uuid", "name", "args")


class Watcher(Protocol):
    """Hears of the attempts of one message."""

    def began(self, attempt_id: int) -> None:
        """It is ours, and runs."""
        ...

    def ended(self, attempt_id: int, reason: str | None) -> None:
        """It ran to its end. `reason` is why it failed, None when it did not."""
        ...


class Nobody:
    """Where no events are wanted."""

    def began(self, attempt_id: int) -> None:
        return

    def ended(self, attempt_id: int, reason: str | None) -> None:
        return


Send = Callable[..., None]


class EventWatcher:
    """Says it with `send`, a Celery event dispatcher's. `rows` are what `header` made, by attempt."""

    def __init__(self, send: Send, rows: Mapping[int, Sequence[str]]) -> None:
        self._send = send
        self._rows = dict(rows)
        self._began_at: dict[int, float] = {}

    def began(self, attempt_id: int) -> None:
        row = self._rows.get(attempt_id)
        if row is None:
            return
        self._began_at[attempt_id] = time.monotonic()
        self._send("task-received", **_of(row))
        self._send("task-started", uuid=row[0])

    def ended(self, attempt_id: int, reason: str | None) -> None:
        row = self._rows.pop(attempt_id, None)
        if row is None:
            return
        took_s = time.monotonic() - self._began_at.get(attempt_id, time.monotonic())
        if reason is None:
            self._send("task-succeeded", uuid=row[0], result="", runtime=took_s)
        else:
            self._send("task-failed", uuid=row[0], exception=reason, traceback="", runtime=took_s)

    def close(self) -> None:
        """What never began here was cancelled, delivered twice, or is another's."""
        for attempt_id, row in self._rows.items():
            if attempt_id not in self._began_at:
                self._send("task-rejected", uuid=row[0], requeue=False)


def header(messages: Sequence[Message]) -> list[list[str]]:
    """What a message carries of its attempts for people, in their order; no token."""
    return [
        [message.name, message.kind, message.about.whose if message.about else ""] for message in messages
    ]


def tell_sent(send: Send, message: Message) -> None:
    """It is on its way."""
    (row,) = header([message])
    send("task-sent", **_of(row), queue=message.queue, exchange="", routing_key=message.queue)


def _of(row: Sequence[str]) -> dict[str, Any]:
    about = dict(zip(_ROW, row, strict=True))
    return about | {
        "kwargs": "",
        "root_id": row[0],
        "parent_id": None,
        "retries": 0,
        "eta": None,
        "expires": None,
    }
