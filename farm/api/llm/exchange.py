"""Asks the providers of a language model in order, until one begins to answer. For one API process.

Another provider is asked before the first byte of an answer only. Breakers are the process's own: what it
learns is a few calls old at most, and a wrong guess costs one try.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from farm.api.limits import Allowance, RateLimitedWith
from farm.api.llm.breakers import Breakers
from farm.api.llm.events import Events, data_of, json_of
from farm.api.llm.refusals import Missed, after_status, nobody
from farm.breaker import Verdict
from farm.catalog import Catalog
from farm.chat import Line
from farm.clock import Clock
from farm.doors.llm import LlmAnswer, LlmClient, Service
from farm.errors import FarmUnavailable

T = TypeVar("T")

_AT_ONCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: where below the service's URL, and what, but for the model."""

    path: str
    body: Mapping[str, Any]

    @property
    def field(self) -> str:
        """Where its words are."""
        return "messages" if "messages" in self.body else "prompt"

    def to(self, line: Line) -> bytes:
        return json.dumps({**self.body, "model": line.model}).encode()


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that has come, and from whom. `moved`: not from the first that was to be asked."""

    line: Line
    moved: bool
    body: bytes
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that has begun. `first` is its first event; `rest` raises CallFailed and AnswerTooLong."""

    line: Line
    moved: bool
    first: bytes
    rest: AsyncIterator[bytes]
    open_call: AsyncExitStack


_Begun = tuple[bytes, AsyncIterator[bytes], AsyncExitStack]


class Exchange:
    """Connections, breakers and calls under way. Opens nothing before the first call."""

    def __init__(self, clock: Clock, environ: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._environ = environ
        self._client: LlmClient | None = None
        self.breakers = Breakers(clock)
        self._at_providers = Counter[str]()
        self._of_accounts = Counter[int]()
        self._ending = set[asyncio.Task[None]]()

    async def aclose(self) -> None:
        """Wait for calls that are being settled, and close what is kept open."""
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it whatever becomes of the call that began it."""
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    @contextmanager
    def seat(self, catalog: Catalog, account_id: int) -> Iterator[None]:
        """A place among the calls under way. Raises RateLimited, or FarmUnavailable when all are taken."""
        rules = catalog.chat
        if self._of_accounts[account_id] >= rules.per_account:
            raise RateLimitedWith(
                Allowance(rules.per_account, 0, int(self._clock.now()) + 1),
                f"This account has {rules.per_account} such calls under way; wait for one to end.",
            )
        if self._of_accounts.total() >= rules.at_once:
            raise FarmUnavailable("The farm has too many such calls under way; ask again in a moment.")
        self._of_accounts[account_id] += 1
        try:
            yield
        finally:
            self._of_accounts[account_id] -= 1
            self._of_accounts += Counter()  # forgets those at 0

    async def whole(self, catalog: Catalog, lines: Sequence[Line], asked: Asked) -> Whole:
        """A whole answer. Raises what `nobody` makes, and the FarmError of a request that was refused."""

        async def ask(line: Line, service: Service) -> tuple[bytes, Mapping[str, Any]]:
            call = self._http(catalog).post(service, asked.path, asked.to(line), head_s=catalog.chat.answer_s)
            with self._at(catalog, line.provider):
                async with call as answer:
                    await _require_answer(answer, service, asked)
                    body = await answer.whole(catalog.chat.answer_bytes)
            said = json_of(body)
            if said is None or not isinstance(said.get("choices"), list):
                raise Missed(Verdict.FAILED, "answered with something else")
            return body, said

        line, (body, said) = await self._first_of(catalog, lines, ask)
        return Whole(line, line != lines[0], body, said)

    async def stream(self, catalog: Catalog, lines: Sequence[Line], asked: Asked) -> Stream:
        """A stream that has begun; whoever gets it closes its `open_call`. Raises as `whole`."""

        async def ask(line: Line, service: Service) -> _Begun:
            async with AsyncExitStack() as stack:
                stack.enter_context(self._at(catalog, line.provider))
                answer = await stack.enter_async_context(
                    self._http(catalog).post(
                        service, asked.path, asked.to(line), head_s=catalog.chat.first_byte_s
                    )
                )
                await _require_answer(answer, service, asked)
                rest = _events(answer, catalog.chat.answer_bytes)
                async with asyncio.timeout(catalog.chat.first_byte_s):
                    first = await _first_event(rest, service, asked)
                return first, rest, stack.pop_all()

        line, (first, rest, stack) = await self._first_of(catalog, lines, ask)
        return Stream(line, line != lines[0], first, rest, stack)

    async def _first_of(
        self, catalog: Catalog, lines: Sequence[Line], ask: Callable[[Line, Service], Awaitable[T]]
    ) -> tuple[Line, T]:
        misses = list[tuple[Line, Missed]]()
        for line in lines:
            try:
                return line, await self._asked(catalog, line, ask)
            except Missed as missed:
                misses.append((line, missed))
        raise nobody(misses)

    async def _asked(self, catalog: Catalog, line: Line, ask: Callable[[Line, Service], Awaitable[T]]) -> T:
        """Ask one provider; again where a connection failed at once: a kept one may have been closed."""
        began = time.monotonic()
        try:
            with self.breakers.through(line.key, catalog.providers.failover):
                return await ask(line, self._service(catalog, line.provider))
        except Missed as missed:
            if missed.verdict is not Verdict.UNREACHABLE or time.monotonic() - began > _AT_ONCE_S:
                raise
        with self.breakers.through(line.key, catalog.providers.failover):
            return await ask(line, self._service(catalog, line.provider))

    @contextmanager
    def _at(self, catalog: Catalog, provider: str) -> Iterator[None]:
        """One of the calls that the provider takes at once. Raises Missed."""
        most = catalog.providers.providers[provider].max_running
        if most is not None and self._at_providers[provider] >= most:
            raise Missed(Verdict.NEUTRAL, "runs as much as it may")
        self._at_providers[provider] += 1
        try:
            yield
        finally:
            self._at_providers[provider] -= 1

    def _service(self, catalog: Catalog, provider: str) -> Service:
        """Raises Missed where this process lacks its key."""
        found = catalog.providers.providers[provider]
        assert found.url is not None  # check_chat
        key = self._environ.get(found.key_env, "").strip() if found.key_env else None
        if key is not None and not (key and key.isascii() and key.isprintable()):
            raise Missed(Verdict.NEUTRAL, f"has no key here: set {found.key_env} in the API's environment")
        return Service(found.url, key)

    def _http(self, catalog: Catalog) -> LlmClient:
        if self._client is None:
            rules = catalog.chat
            self._client = LlmClient(
                at_once=rules.at_once, connect_s=catalog.outbound.connect_s, idle_s=rules.idle_s
            )
        return self._client


async def _require_answer(answer: LlmAnswer, service: Service, asked: Asked) -> None:
    """Raise for anything but 200."""
    if answer.status != 200:
        raise after_status(answer.status, await answer.excerpt(), answer.headers, service, asked.field)


async def _events(answer: LlmAnswer, most_bytes: int) -> AsyncIterator[bytes]:
    """Whole events, and the comments between them, which keep a line open."""
    cut = Events(most_bytes)
    async for piece in answer.pieces():
        for event in cut.feed(piece):
            yield event


async def _first_event(events: AsyncIterator[bytes], service: Service, asked: Asked) -> bytes:
    """The first that carries something. Raises Missed where it is an error or there is none."""
    async for event in events:
        data = data_of(event)
        if not data:
            continue
        said = json_of(data)
        if said is None:
            break
        if said.get("error"):
            raise after_status(500, data, {}, service, asked.field)
        return event
    raise Missed(Verdict.FAILED, "began no stream")
