"""The one Celery configuration, for publishing and for workers alike.

Early ack with no prefetch, because late acks end the worker when Redis restarts; `no_ack` queues, because
the store's lease already covers a lost message; no result backend, because the store is the only truth.
"""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

RUN = "farm.run"
CONNECT_S = 1.0

_TRANSPORT: dict[str, Any] = {
    # Strictly by priority, then in the order the queues are named; each of the ten levels its own list.
    "queue_order_strategy": "priority",
    "priority_steps": list(range(10)),
    "visibility_timeout": 3600,
    "socket_connect_timeout": CONNECT_S,
    "socket_keepalive": True,
    "socket_timeout": 30,
    "health_check_interval": 25,
    "global_keyprefix": "farm:",
}


def celery_app(url: str, *, events: bool = True) -> Celery:
    """An app for one broker. Making it connects to nothing. `events` is what Flower shows of tasks."""
    app = Celery("kinefarm", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        task_send_sent_event=False,  # farm.broker.shown says it, and the rest
        worker_send_task_events=events,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_timeout=CONNECT_S,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_TRANSPORT,
    )
    return app


def queues(names: Sequence[str]) -> tuple[Queue, ...]:
    """The queues to consume, in order. `no_ack`: taking a message is all there is to its delivery."""
    return tuple(_queue(name) for name in names)


def _queue(name: str) -> Queue:
    exchange = Exchange(name, "direct")  # type: ignore[no-untyped-call]  # kombu is partly typed
    return Queue(name, exchange, routing_key=name, no_ack=True)  # type: ignore[no-untyped-call]  # the same
