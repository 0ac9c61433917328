"""Wakes the scheduler. A lost ring costs one sweep interval, never a job."""

import threading
import time
from functools import cached_property
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_KEY = "farm:bell"
_RING_S = 0.1
_QUIET_S = 2.0
_TOGETHER_S = 0.004
_CONNECT_S = 1.0
_ANSWER_S = 4.0
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
    """A bounded Redis list: rings pile up while the scheduler works and are taken in one.

    A ring waits 0.1 s for Redis at most, and after one that found nobody there is no other for `quiet_s`: a
    Redis that hangs must not hold up submits. Rings within milliseconds are one, said by a thread.
    """

    def __init__(self, url: str, quiet_s: float = _QUIET_S) -> None:
        self._ringer = _client(url, _RING_S, _RING_S)
        self._waiter = _client(url, _CONNECT_S, _ANSWER_S)
        self._quiet_s = quiet_s
        self._quiet_until = 0.0
        self._rang_at = float("-inf")

    def ring(self) -> None:
        now = time.monotonic()
        if now < self._quiet_until:
            return
        if now - self._rang_at < _TOGETHER_S:
            self._soon.set()
            return
        self._rang_at = now
        self._say()

    def _say(self) -> None:
        try:
            if self._ringer.lpush(_KEY, 1) > _LONGEST:  # nobody listens
                self._ringer.ltrim(_KEY, 0, 0)
        except (redis.RedisError, OSError):
            self._quiet_until = time.monotonic() + self._quiet_s

    @cached_property
    def _soon(self) -> threading.Event:
        """Set, it rings in a moment, from a thread of its own."""
        wanted = threading.Event()

        def ring_together() -> None:
            while wanted.wait():
                time.sleep(_TOGETHER_S)
                wanted.clear()
                self._rang_at = time.monotonic()
                self._say()

        threading.Thread(target=ring_together, name="bell", daemon=True).start()
        return wanted

    def wait(self, timeout_s: float) -> bool:
        try:
            rung = self._waiter.blpop([_KEY], timeout=min(timeout_s, _ANSWER_S / 2))
            if rung is not None:
                self._waiter.delete(_KEY)
            return rung is not None
        except (redis.RedisError, OSError):
            time.sleep(min(timeout_s, _AWAY_S))  # broker away: the sweep finds the work
            return False


def _client(url: str, connect_s: float, answer_s: float) -> redis.Redis:
    """A client that tries once: its own default is to try ten times more."""
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_connect_timeout=connect_s, socket_timeout=answer_s, retry=once)
