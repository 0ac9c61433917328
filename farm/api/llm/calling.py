"""One call to a language model, from the hold to the settlement: hold, ask, hand on, settle."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.llm.exchange import Asked, Exchange, Stream
from farm.api.llm.meter import Meter
from farm.api.llm.refusals import ProvidersDown
from farm.api.llm.streaming import EventStream, Handed
from farm.chat import Line, Usage, lines_of
from farm.doors import direct
from farm.doors.direct import DirectCall
from farm.doors.idempotency import Ticket
from farm.errors import FarmError
from farm.job import Failure, JobSpec
from tasks.chat import Chat

T = TypeVar("T")

_PREFIX = "chat"
_SLACK_S = 60.0  # after which a call that its process did not end is given up
_HUNG_UP = 499  # nobody reads it


class _HungUp(Exception):
    """The caller left."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked, and its record. `input_tokens` is an estimate; `tells_usage`: its stream does."""

    asked: Asked
    record: Chat
    input_tokens: int
    tells_usage: bool = False


@dataclass(frozen=True, slots=True)
class Calling:
    """Who calls whom. `surface` is what its job says."""

    request: Request
    desk: Desk
    caller: Caller
    exchange: Exchange
    surface: str
    once: Ticket | None = None

    async def answer(self, wanted: Wanted) -> Response:
        """The model's answer, or its stream. Raises what the caller is told; then nothing is charged."""
        catalog, record = self.desk.hall.catalog, wanted.record
        lines = lines_of(catalog.providers, record.model, failover=record.failover)
        with ExitStack() as seat:
            seat.enter_context(self.exchange.seat(catalog, self.caller.account.id))
            call = await run_in_threadpool(
                direct.begin, self.desk.hall, self.caller, self._spec(record), self.once
            )
            meter = Meter(wanted.input_tokens)
            try:
                if not record.stream:
                    return await self._whole(call, lines, wanted.asked, meter)
                asking = self.exchange.stream(catalog, lines, wanted.asked)
                stream = await self._unless_gone(asking)
            except _HungUp:
                await self._abandoned(call)
                return Response(status_code=_HUNG_UP)
            except asyncio.CancelledError:  # this process stops; it waits for what is in the background
                self.exchange.in_background(self._abandoned(call))
                raise
            except FarmError as error:
                await run_in_threadpool(direct.fail, self.desk.hall, call, _failure(error))
                raise
            handed = Handed(stream, meter, catalog.chat.call_s, tells_usage=wanted.tells_usage)
            return self._streamed(call, stream, handed, seat.pop_all())

    async def _abandoned(self, call: DirectCall) -> None:
        await run_in_threadpool(direct.abandon, self.desk.hall, call)

    def _spec(self, record: Chat) -> JobSpec:
        deadline = self.desk.hall.clock.now() + self.desk.hall.catalog.chat.call_s + _SLACK_S
        return JobSpec(
            params=record, surface=self.surface, id_prefix=_PREFIX, deadline=deadline, interactive=True
        )

    async def _whole(self, call: DirectCall, lines: Sequence[Line], asked: Asked, meter: Meter) -> Response:
        whole = await self._unless_gone(self.exchange.whole(self.desk.hall.catalog, lines, asked))
        meter.read(whole.said)
        await self._settle(call, whole.line, meter.usage, moved=whole.moved)
        headers = _headers(whole.line, moved=whole.moved)
        return Response(whole.body, media_type="application/json", headers=headers)

    def _streamed(self, call: DirectCall, stream: Stream, handed: Handed, seat: ExitStack) -> Response:
        async def end() -> None:
            try:
                await stream.open_call.aclose()
            finally:
                seat.close()
                if handed.failure is None:
                    await self._settle(call, stream.line, handed.usage, moved=stream.moved)
                else:
                    self.exchange.breakers.broke(stream.line.key, self.desk.hall.catalog.providers.failover)
                    failure = _failure(handed.failure)
                    await run_in_threadpool(direct.fail, self.desk.hall, call, failure)

        async def on_end() -> None:
            await self.exchange.in_background(end())

        return EventStream(handed.events(), _headers(stream.line, moved=stream.moved), on_end)

    async def _settle(self, call: DirectCall, line: Line, usage: Usage, *, moved: bool) -> None:
        told: dict[str, JsonValue] = {
            "model_actual": line.model,
            "provider": line.provider,
            "failover_used": moved,
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "counted": usage.counted,
        }
        cost_mc = line.price_mc(self.desk.hall.catalog.chat, usage)
        await run_in_threadpool(direct.complete, self.desk.hall, call, cost_mc, {"chat": told})

    async def _unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work brings in time; it is ended when the caller hangs up.

        Raises _HungUp, ProvidersDown.
        """
        asking = asyncio.create_task(work)
        leaving = asyncio.create_task(_left(self.request))
        most_s = self.desk.hall.catalog.chat.call_s
        try:
            await asyncio.wait({asking, leaving}, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            if leaving.done():
                raise _HungUp
            raise ProvidersDown(f"No answer came within {most_s:g} s.", param="model")
        finally:
            asking.cancel()
            leaving.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _headers(line: Line, *, moved: bool) -> Mapping[str, str]:
    return {"x-model-actual": line.model, "x-failover-used": str(moved).lower()}


def _failure(error: FarmError) -> Failure:
    return Failure(error.failure_class, error.public_code, error.message)
