"""kombu's Redis transport, which a worker survives whatever lies in its queues, and which owes nothing.

What is no message (no JSON, no envelope, headers of the wrong form) would end Celery's worker, and with it
every attempt under way. Here it is dropped and said: a message of ours that is lost so is said again. And
Celery acknowledges whatever it takes; for a queue that is `no_ack` that would be a round trip for nothing.
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

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Acknowledge, if anything was noted of this message when it was taken."""
        try:
            self.qos.get(delivery_tag)
        except KeyError:  # from a queue that is no_ack
            return
        super().basic_ack(delivery_tag, multiple)  # type: ignore[no-untyped-call]  # kombu is partly typed


class Transport(redis.Transport):
    """kombu's, with our channel."""

    Channel = Channel
