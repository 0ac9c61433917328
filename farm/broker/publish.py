"""Publishes attempts to workers. A message that is lost here is said again by the scheduler's sweep."""

import logging
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from celery import Celery
from celery.events import EventDispatcher
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.messaging import Producer

from farm.broker.app import CONNECT_S, RUN, celery_app
from farm.broker.message import Message, bundled
from farm.broker.shown import HEADER, header, tell_sent

_log = logging.getLogger(__name__)
_ANSWER_S = 5.0


class Publisher:
    """Sends messages over one connection, opened when first needed and again after the broker was away.

    For one thread. Short tasks travel several to a message; with `events` Flower shows each all the same.
    """

    def __init__(self, url: str, *, events: bool = True) -> None:
        self._app: Celery = celery_app(url, events=events)
        self._events = events
        self._dispatcher: EventDispatcher | None = None
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, messages: Sequence[Message]) -> bool:
        """Send all of them in one round trip. False when the broker is away; some may have arrived then."""
        if not messages:
            return True
        try:
            self._send(messages)
        except _lost(self._app) as error:
            self._broken(error)
            return False
        if self._away:
            _log.info("the broker is back")
        self._away = False
        return True

    def close(self) -> None:
        """Let go of the connection; the next publish opens another."""
        connection, self._connection, self._producer = self._connection, None, None
        self._dispatcher = None
        if connection is not None:
            connection.release()  # type: ignore[no-untyped-call]  # kombu is partly typed

    def _send(self, messages: Sequence[Message]) -> None:
        producer = self._ready()
        self._show(messages)
        with producer.batch():  # type: ignore[no-untyped-call]  # kombu is partly typed
            for bundle in bundled(messages):
                first = bundle[0]
                self._app.send_task(
                    RUN,
                    args=[number for message in bundle for number in (message.attempt_id, message.token)],
                    queue=first.queue,
                    priority=first.order,
                    shadow=first.kind,
                    argsrepr=first.about.whose if first.about else "",  # else the token would show
                    task_id=first.name,
                    headers={HEADER: header(bundle)} if self._events else None,
                    ignore_result=True,
                    producer=producer,
                )

    def _show(self, messages: Sequence[Message]) -> None:
        """Say that they are sent, before a worker can say more; all in one event of Celery's."""
        if self._dispatcher is None:
            return
        for message in messages:
            tell_sent(self._dispatcher.send, message)
        self._dispatcher.flush()

    def _ready(self) -> Producer:
        if self._producer is None:
            connection = self._app.connection_for_write(transport_options={"socket_timeout": _ANSWER_S})
            self._connection = connection
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_S)
            self._producer = self._app.amqp.Producer(connection.channel(), auto_declare=False)
            if self._events:
                self._dispatcher = self._app.events.Dispatcher(
                    channel=self._producer.channel,
                    buffer_while_offline=False,
                    buffer_group={"task"},
                    buffer_limit=sys.maxsize,
                )
        return self._producer

    def _broken(self, error: BaseException) -> None:
        if not self._away:
            _log.warning("the broker is away: %s", error)
        self._away = True
        try:
            self.close()
        except _lost(self._app):
            _log.debug("the broken connection did not close cleanly", exc_info=True)


def _lost(app: Celery) -> tuple[type[Any], ...]:
    """Everything that means no more than: the broker did not take it."""
    transport = app.connection_for_write()
    return (KombuError, OSError, *transport.connection_errors, *transport.channel_errors)
