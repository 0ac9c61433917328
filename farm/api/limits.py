"""Calls per key and minute, one bucket per route class, shared by API processes through Redis.

What a bucket holds goes by the route class, for some by the account's tier, and for a key by its own rate.

A rate counter may be lost: while Redis is away each process counts for itself, and no call fails for it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from farm.clock import Clock
from farm.errors import FarmUnavailable, RateLimited

ByName = Mapping[str, Mapping[str, str]]

_CONNECT_S = 0.1
_ANSWER_S = 0.1
_AWAY_S = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of one bucket. `reset_at` is in Unix seconds: from then on it is full again."""

    limit: int
    remaining: int
    reset_at: int

    def headers(self) -> dict[str, str]:
        """As every response carries it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


class RateLimits:
    """Counts calls. A window begins with the first call in it, so that its end is one moment to wait for."""

    def __init__(
        self,
        rates: Mapping[str, str],
        clock: Clock,
        redis_url: str | None = None,
        *,
        by_tier: ByName | None = None,
        by_key: ByName | None = None,
    ) -> None:
        """`by_tier` is by route class and tier, `by_key` by a key's prefix and route class.

        Raises FarmUnavailable for a rate that is none.
        """
        self._items = _parsed(rates)
        self._by_tier = {name: _parsed(found) for name, found in (by_tier or {}).items()}
        self._by_key = {prefix: _parsed(found) for prefix, found in (by_key or {}).items()}
        self._clock = clock
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared = _shared(redis_url) if redis_url else None
        self._away_until = 0.0

    def take(self, route_class: str, key_id: int, *, tier: str = "", key_prefix: str = "") -> Allowance:
        """Count one call. Raises RateLimited when the bucket is empty."""
        item = self._item(route_class, tier, key_prefix)
        allowed, reset_at, remaining = self._hit(item, route_class, str(key_id))
        allowance = Allowance(item.amount, remaining, max(ceil(reset_at), ceil(self._clock.now())))
        if not allowed:
            raise RateLimitedWith(allowance)
        return allowance

    def _item(self, route_class: str, tier: str, key_prefix: str) -> RateLimitItem:
        own = self._by_key.get(key_prefix, {}).get(route_class)
        return own or self._by_tier.get(route_class, {}).get(tier) or self._items[route_class]

    def _hit(self, item: RateLimitItem, route_class: str, key: str) -> tuple[bool, float, int]:
        shared = self._shared
        if shared is not None and time.monotonic() >= self._away_until:
            try:
                return _hit(shared, item, route_class, key)
            except StorageError:
                self._away_until = time.monotonic() + _AWAY_S
        return _hit(self._own, item, route_class, key)


def _parsed(rates: Mapping[str, str]) -> dict[str, RateLimitItem]:
    try:
        return {name: parse(rate) for name, rate in rates.items()}
    except ValueError as error:
        raise FarmUnavailable(
            f"farm.toml: a rate is written as count/period, as 10/minute: {error}."
        ) from None


class RateLimitedWith(RateLimited):
    """A refusal that knows its bucket."""

    def __init__(self, allowance: Allowance, message: str = "") -> None:
        plain = f"This key has used its {allowance.limit} calls of this kind; wait until X-RateLimit-Reset."
        super().__init__(message or plain, limit=allowance.limit, reset_at=allowance.reset_at)
        self.allowance = allowance


def _hit(limiter: FixedWindowRateLimiter, item: RateLimitItem, *key: str) -> tuple[bool, float, int]:
    allowed = limiter.hit(item, *key)
    window = limiter.get_window_stats(item, *key)
    return allowed, window.reset_time, window.remaining


def _shared(redis_url: str) -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(
        RedisStorage(
            redis_url,
            key_prefix="farm:rate",
            wrap_exceptions=True,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_ANSWER_S,
            # Else it tries ten times more, and a call waits for all of them.
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to redis-py as it is
        )
    )
