"""What a watcher sees between two looks into the store: live progress, previews, log lines of attempts.

Progress goes over Redis pub/sub and is gone when nobody listens. Log lines go to one Redis stream per job,
capped and expiring: its ids let a follower read the tail and go on from there, also after its line broke,
without a line twice or missing. Of previews the latest lies there for minutes. All of it may be lost;
nothing else is lost with it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import redis
import redis.asyncio

from farm.job import LogEntry, LogLine
from farm.preview import Preview, is_preview

_CHANNEL = "farm:live:"
_LOG = "farm:log:"
_FIELD = "entry"
_PREVIEW = "farm:preview:"
_PREVIEW_S = 600  # as long as one step of a film may take
_PARTS = ("jpeg", "task", "at")
_CONNECT_S = 1.0


class Listener:
    """Waits for what is told of one job."""

    def __init__(self, pubsub: "redis.asyncio.client.PubSub | None") -> None:
        self._pubsub = pubsub

    async def next(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, or None after `timeout_s` or when the broker is away."""
        if self._pubsub is not None:
            with suppress(redis.RedisError, OSError, ValueError):  # whatever was told
                message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
                said = json.loads(message["data"]) if message else None
                return said if isinstance(said, dict) else None
        await asyncio.sleep(timeout_s)
        return None


class LogReader:
    """Reads one job's log as it grows."""

    def __init__(self, client: "redis.asyncio.Redis | None", job_id: str) -> None:
        self._client = client
        self._key = _LOG + job_id

    async def after(self, last_id: str, timeout_s: float) -> Sequence[LogEntry]:
        """What was said after that entry; waits up to `timeout_s` for the first. Empty without a broker."""
        if self._client is not None:
            with suppress(redis.RedisError, OSError):
                block = int(timeout_s * 1000) or None
                answer: Any = await self._client.xread({self._key: last_id}, block=block)
                return _entries(found for _, entries in answer or () for found in entries)
        await asyncio.sleep(timeout_s)
        return ()


class Live(Protocol):
    """Events that may be lost: progress, stages, log lines, "look again"."""

    def tell(self, job_id: str, event: dict[str, Any]) -> None:
        """Say something about a job to whoever watches it now. Never raises."""
        ...

    def listen(self, job_id: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to one job for as long as the block runs; without a broker it only waits."""
        ...

    def log(self, job_id: str, lines: Sequence[LogLine]) -> None:
        """Add lines to a job's log. Never raises."""
        ...

    def tail(self, job_id: str, count: int) -> Sequence[LogEntry]:
        """The last lines of a job's log, oldest first; empty when they were lost, or are too old."""
        ...

    def read_log(self, job_id: str) -> AbstractAsyncContextManager[LogReader]:
        """Read a job's log as it grows, for as long as the block runs."""
        ...

    def show(self, job_id: str, preview: Preview) -> None:
        """Keep it in place of the one before; watchers hear its `task` and `preview_at`. Never raises."""
        ...

    def preview(self, job_id: str) -> Preview | None:
        """The latest, unless it was lost, or is too old."""
        ...


class SilentLive:
    """For farms without a broker."""

    def tell(self, job_id: str, event: dict[str, Any]) -> None:
        return

    @asynccontextmanager
    async def listen(self, job_id: str) -> AsyncIterator[Listener]:
        yield Listener(None)

    def log(self, job_id: str, lines: Sequence[LogLine]) -> None:
        return

    def tail(self, job_id: str, count: int) -> Sequence[LogEntry]:
        return ()

    @asynccontextmanager
    async def read_log(self, job_id: str) -> AsyncIterator[LogReader]:
        yield LogReader(None, job_id)

    def show(self, job_id: str, preview: Preview) -> None:
        return

    def preview(self, job_id: str) -> Preview | None:
        return None


class RedisLive:
    """One channel and one stream per job: its last `tail_lines` lines, until `keep_s` after the latest."""

    def __init__(self, url: str, *, tail_lines: int, keep_s: int) -> None:
        self._url = url
        self._tail_lines = tail_lines
        self._keep_s = keep_s
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=_CONNECT_S, socket_timeout=2.0)

    def tell(self, job_id: str, event: dict[str, Any]) -> None:
        with suppress(redis.RedisError, OSError):
            self._redis.publish(_CHANNEL + job_id, json.dumps(event))

    @asynccontextmanager
    async def listen(self, job_id: str) -> AsyncIterator[Listener]:
        client = redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=_CONNECT_S)
        pubsub = client.pubsub()
        try:
            with suppress(redis.RedisError, OSError):
                await pubsub.subscribe(_CHANNEL + job_id)
            yield Listener(pubsub if pubsub.subscribed else None)
        finally:
            with suppress(redis.RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                await client.aclose()

    def log(self, job_id: str, lines: Sequence[LogLine]) -> None:
        if not lines:
            return
        with suppress(redis.RedisError, OSError):
            pipe = self._redis.pipeline(transaction=False)
            for line in lines:
                pipe.xadd(_LOG + job_id, {_FIELD: _text(line)}, maxlen=self._tail_lines, approximate=False)
            pipe.expire(_LOG + job_id, self._keep_s)
            pipe.execute()

    def tail(self, job_id: str, count: int) -> Sequence[LogEntry]:
        with suppress(redis.RedisError, OSError):
            found: Any = self._redis.xrevrange(_LOG + job_id, count=count)
            return _entries(reversed(found))
        return ()

    @asynccontextmanager
    async def read_log(self, job_id: str) -> AsyncIterator[LogReader]:
        client = redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=_CONNECT_S)
        try:
            yield LogReader(client, job_id)
        finally:
            with suppress(redis.RedisError, OSError):
                await client.aclose()

    def show(self, job_id: str, preview: Preview) -> None:
        key, event = _PREVIEW + job_id, {"task": preview.task, "preview_at": preview.at}
        with suppress(redis.RedisError, OSError):
            pipe = self._redis.pipeline()
            pipe.hset(key, mapping={part: getattr(preview, part) for part in _PARTS})
            pipe.expire(key, _PREVIEW_S)
            pipe.publish(_CHANNEL + job_id, json.dumps(event))
            pipe.execute()

    def preview(self, job_id: str) -> Preview | None:
        with suppress(redis.RedisError, OSError, ValueError):  # whatever lies there
            found: Any = self._redis.hmget(_PREVIEW + job_id, _PARTS)
            jpeg, task, at = found
            if None not in found and is_preview(jpeg):
                return Preview(jpeg, task.decode(), float(at))
        return None


def _text(line: LogLine) -> str:
    return json.dumps([line.task, line.attempt_id, line.line, line.private])


def _entries(found: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> Sequence[LogEntry]:
    return [_entry(entry_id.decode(), fields[_FIELD.encode()]) for entry_id, fields in found]


def _entry(entry_id: str, text: bytes) -> LogEntry:
    task, attempt_id, line, private = json.loads(text)
    millis = int(entry_id.partition("-")[0])
    return LogEntry(entry_id, millis / 1000, LogLine(task, attempt_id, line, private))
