"""Live progress over Redis pub/sub: what a watcher sees between two looks into the store."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import redis
import redis.asyncio

_CHANNEL = "farm:live:"
_CONNECT_S = 1.0


class Listener:
    """Waits for what is told of one job."""

    def __init__(self, pubsub: "redis.asyncio.client.PubSub | None") -> None:
        self._pubsub = pubsub

    async def next(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, or None after `timeout_s` or when the broker is away."""
        if self._pubsub is not None:
            with suppress(redis.RedisError, OSError):
                message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
                return json.loads(message["data"]) if message else None
        await asyncio.sleep(timeout_s)
        return None


class Live(Protocol):
    """Events that may be lost: progress, stages, log lines, "look again"."""

    def tell(self, job_id: str, event: dict[str, Any]) -> None:
        """Say something about a job to whoever watches it now. Never raises."""
        ...

    def listen(self, job_id: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to one job for as long as the block runs; without a broker it only waits."""
        ...


class SilentLive:
    """For farms without a broker."""

    def tell(self, job_id: str, event: dict[str, Any]) -> None:
        return

    @asynccontextmanager
    async def listen(self, job_id: str) -> AsyncIterator[Listener]:
        yield Listener(None)


class RedisLive:
    """One channel per job."""

    def __init__(self, url: str) -> None:
        self._url = url
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
