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
_CLOSING_S = 1.0  # that a service may take to end a stream after its last event


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
        """Each as it comes; when it breaks off before the answer is whole, one that says so."""
        broke: FarmError = CallFailed("The stream ended before the answer did.")
        try:
            async for event in self._all():
                if self._is_for_caller(event):
                    yield event
        except (CallFailed, AnswerTooLong) as error:
            broke = error
        if not self._meter.has_finished:
            self.failure = broke
            said = {"code": "provider_unavailable", "message": broke.message, "param": None}
            yield event_of({"error": {**said, "type": "server_error"}})

    async def _all(self) -> AsyncIterator[bytes]:
        """To the end of the stream, whose connection may then be used again.

        Raises CallFailed, AnswerTooLong.
        """
        clock = asyncio.get_running_loop()
        until = clock.time() + self._most_s
        event: bytes | None = self._stream.first
        while event is not None:
            yield event
            if self._meter.is_done:
                until = min(until, clock.time() + _CLOSING_S)
            try:
                async with asyncio.timeout_at(until):
                    event = await anext(self._stream.rest, None)
            except TimeoutError:
                raise CallTooSlow(f"The answer did not end within {self._most_s:g} s.") from None

    def _is_for_caller(self, event: bytes) -> bool:
        """Whether to hand it on, once it is counted. The piece that only counts is for who asked for it.

        Raises CallFailed for one that says what went wrong, in words that are the provider's, and for what is
        no piece of an answer.
        """
        data = data_of(event)
        if data == DONE:
            self._meter.is_done = True
        if not data or data == DONE:
            return True
        said = json_of(data)
        if said is None or said.get("error"):
            raise CallFailed("The provider broke the answer off.")
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
