"""Cuts a stream into whole server-sent events, and reads what they say. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from farm.doors.llm import AnswerTooLong

DONE = b"[DONE]"
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Events:
    """What has come of a stream and is no whole event yet."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rest = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The events that are whole now, each with the blank line behind it. Raises AnswerTooLong."""
        self._rest += piece
        while (end := _END.search(self._rest)) is not None:
            event = bytes(self._rest[: end.end()])
            del self._rest[: end.end()]
            yield event
        if len(self._rest) > self._most_bytes:
            raise AnswerTooLong("A piece of the answer is longer than it may be.")


def data_of(event: bytes) -> bytes:
    """What an event carries; nothing for a comment."""
    lines = re.split(rb"\r\n|\n|\r", event)
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def event_of(value: Mapping[str, Any]) -> bytes:
    """An event that carries this."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def json_of(data: bytes) -> Mapping[str, Any] | None:
    """A JSON object in UTF-8; None for anything else."""
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
