"""Wakes the scheduler. A lost ring costs one sweep interval, never a job."""

import time
from contextlib import suppress
from typing import Protocol

import redis

_KEY = "farm:bell"
_CONNECT_S = 1.0
_LONGEST = 64
_AWAY_S = 0.25


class Bell(Protocol):
    """Rung by submit, finish and cancel; waited on by the scheduler."""

    def ring(self) -> None:
        """Wake the scheduler. Never raises: the farm works without a broker, only slower."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Sleep until rung, at most `timeout_s`. True when it was rung."""
        ...


class SilentBell:
    """For processes without a broker, and for tests that drive the scheduler themselves."""

    def ring(self) -> None:
        return

    def wait(self, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False


class RedisBell:
    """A bounded Redis list: rings pile up while the scheduler works and are taken in one."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=_CONNECT_S, socket_timeout=5.0)

    def ring(self) -> None:
        with suppress(redis.RedisError, OSError):
            pipe = self._redis.pipeline(transaction=False)
            pipe.lpush(_KEY, 1)
            pipe.ltrim(_KEY, 0, _LONGEST)
            pipe.execute()

    def wait(self, timeout_s: float) -> bool:
        try:
            rung = self._redis.blpop([_KEY], timeout=timeout_s)
            if rung is not None:
                self._redis.delete(_KEY)
            return rung is not None
        except (redis.RedisError, OSError):
            time.sleep(min(timeout_s, _AWAY_S))  # broker away: the sweep finds the work
            return False
