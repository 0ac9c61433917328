"""A stream handed on event by event as it comes, and settled by what was used, whoever ends it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from farm.api.llm.events import DONE, data_of, event_of, json_of
from farm.api.llm.exchange import Stream
from farm.api.llm.meter import Meter
from farm.chat import Usage
from farm.doors.llm import AnswerTooLong, CallFailed, CallTooSlow
from farm.errors import FarmError

MEDIA_TYPE = "text/event-stream"


class Handed:
    """The events of a stream as its caller gets them. `failure` is why it broke off, if it did."""

    def __init__(self, stream: Stream, meter: Meter, most_s: float, *, tells_usage: bool) -> None:
        self._stream = stream
        self._meter = meter
        self._most_s = most_s
        self._tells_usage = tells_usage
        self.failure: FarmError | None = None

    @property
    def usage(self) -> Usage:
        """What it has cost so far."""
        return self._meter.usage

    async def events(self) -> AsyncIterator[bytes]:
        """Each as it comes; when it breaks off, one that says so."""
        try:
            async for event in self._all():
                if self._is_for_caller(event):
                    yield event
        except (CallFailed, AnswerTooLong) as error:
            self.failure = error
        else:
            if not self._meter.has_finished:
                self.failure = CallFailed("The stream ended before the answer did.")
        if self.failure is not None:
            said = {"code": "provider_unavailable", "message": self.failure.message, "param": None}
            yield event_of({"error": {**said, "type": "server_error"}})

    async def _all(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop()
        until = clock.time() + self._most_s
        for event in self._stream.first:
            yield event
        async for event in self._stream.rest:
            if clock.time() > until:
                raise CallTooSlow(f"The answer did not end within {self._most_s:g} s.")
            yield event

    def _is_for_caller(self, event: bytes) -> bool:
        """Whether to hand it on, once it is counted. The piece that only counts is for who asked for it."""
        data = data_of(event)
        if data == DONE:
            self._meter.has_finished = True
            return True
        said = json_of(data)
        if said is None:
            return True
        self._meter.read(said)
        return self._tells_usage or bool(said.get("choices")) or not said.get("usage")


class EventStream(StreamingResponse):
    """Sends until its events end or its caller hangs up; then `on_end`, whatever happened."""

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: Mapping[str, str],
        on_end: Callable[[], Awaitable[None]],
    ) -> None:
        told = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **headers}
        super().__init__(events, media_type=MEDIA_TYPE, headers=told)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.ensure_future(self._on_end()))
