"""kombu's Redis transport, which a worker survives whatever lies in its queues.

What is no message (no JSON, no envelope, headers of the wrong form) would end Celery's worker, and with it
every attempt under way. Here it is dropped and said: a message of ours that is lost so is said again.
"""

import logging
from typing import Any

from kombu.transport import redis

_log = logging.getLogger(__name__)
_NO_MESSAGE = (ValueError, TypeError, KeyError, AttributeError)

PATH = f"{__name__}:Transport"


class Channel(redis.Channel):
    """Receives in Celery's own thread; tasks run in others, so no error of theirs comes here."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu is partly typed
        except _NO_MESSAGE as error:
            _log.warning("something that is no message was dropped: %s: %s", type(error).__name__, error)
            return True


class Transport(redis.Transport):
    """kombu's, with our channel."""

    Channel = Channel
