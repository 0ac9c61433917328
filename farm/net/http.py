"""Sends one HTTP request through the guard. Bounded in time and bytes; nothing from the environment.

No proxy, no redirect, no cookie, no kept connection, no decompression: a compressed answer stays as it
was sent, so that none can grow. Of what is `sent` the status decides, and the body is an excerpt, read as far
as the bounds allow; what is `saved` has come whole.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, BinaryIO, Self

import httpcore
import httpx

from farm.errors import FailureClass, FarmError
from farm.net.guard import Guard, UrlRefused
from farm.rules.running import OutboundRules

_MOST_ADDRESSES = 4
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


class CallFailed(FarmError):
    """No whole answer came: no connection, a broken one, or too slow a one. Another try may be answered."""

    code = "call_failed"
    failure_class = FailureClass.TRANSIENT


class NotConnected(CallFailed):
    """No connection came about: nothing of the request was sent."""


class CallTooSlow(CallFailed):
    """No whole answer came in time."""

    code = "call_too_slow"
    failure_class = FailureClass.TIMEOUT


class AnswerTooLong(FarmError):
    """The answer is longer than it may be."""

    code = "answer_too_long"
    failure_class = FailureClass.CORRUPT_OUTPUT


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `body` holds at most the first `read_bytes` of it, as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


class GuardedHttp:
    """Calls URLs that customers named. For one event loop; `at_once` calls may resolve hosts together."""

    def __init__(self, guard: Guard, *, at_once: int = 8, ssl_context: SSLContext | None = None) -> None:
        self._guard = guard
        self._resolvers = ThreadPoolExecutor(at_once, thread_name_prefix="resolve")
        self._ssl = ssl_context or httpx.create_ssl_context()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask no more names. One that is being asked for is not waited for."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Send, and wait for the answer. Raises UrlRefused and CallFailed."""
        request = self._request(method, url, headers, body)
        with self._told():
            deadline = self._deadline()
            async with self._answered(request, deadline) as response:
                excerpt = await _excerpt(response, self._guard.rules, deadline)
                return Reply(response.status, _headers(response), excerpt)

    async def save(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        into: BinaryIO,
        most_bytes: int,
    ) -> Reply:
        """As `send`; the body of an answer that succeeded goes into the file, and not into the Reply.

        Raises also AnswerTooLong, CallFailed for a body that breaks off, and CallTooSlow.
        """
        deadline = self._deadline()
        async with self._answered(self._request(method, url, headers, body), deadline) as response:
            reply = Reply(response.status, _headers(response), b"")
            if not reply.succeeded:
                excerpt = await _excerpt(response, self._guard.rules, deadline)
                return Reply(reply.status, reply.headers, excerpt)
            async for chunk in self._whole(response, deadline):
                most_bytes -= len(chunk)
                if most_bytes < 0:
                    raise AnswerTooLong("The answer is longer than it may be.")
                into.write(chunk)
        return reply

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._guard.rules.total_s

    @asynccontextmanager
    async def _answered(self, request: httpcore.Request, deadline: float) -> AsyncIterator[httpcore.Response]:
        """The answer, of which nothing but the head has been read. Raises CallFailed."""
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._ssl,
            max_keepalive_connections=0,
            network_backend=_CheckedNetwork(self._guard, self._resolvers),
        ) as pool:
            with self._told():
                async with asyncio.timeout_at(deadline):
                    response = await pool.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()

    async def _whole(self, response: httpcore.Response, deadline: float) -> AsyncIterator[bytes]:
        """The body piece by piece. Raises CallFailed unless all of it came."""
        pieces = aiter(response.aiter_stream())
        while True:
            with self._told():
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Translate whatever can happen to a call."""
        try:
            yield
        except httpcore.ConnectTimeout:
            raise NotConnected(
                f"No connection came about within {self._guard.rules.connect_s:g} s."
            ) from None
        except httpcore.ConnectError as error:
            raise NotConnected(f"The call broke off: {error or type(error).__name__}.") from error
        except (TimeoutError, httpcore.TimeoutException):
            raise CallTooSlow(f"No answer came within {self._guard.rules.total_s:g} s.") from None
        except _BROKEN as error:
            raise CallFailed(f"The call broke off: {error or type(error).__name__}.") from error

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
        to = self._guard.parse(url)
        rules = self._guard.rules
        sent = {"Host": to.authority, "Accept-Encoding": "identity", "Connection": "close", **headers}
        if body or method not in ("GET", "HEAD"):
            sent["Content-Length"] = str(len(body))
        times = {"connect": rules.connect_s, "read": rules.total_s, "write": rules.total_s}
        return httpcore.Request(
            method,
            httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.target),
            headers=list(sent.items()),
            content=body,
            extensions={"timeout": {**times, "pool": rules.total_s}},
        )


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to nothing but addresses that the guard has just checked."""

    def __init__(self, guard: Guard, resolvers: ThreadPoolExecutor) -> None:
        self._guard = guard
        self._resolvers = resolvers
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._addresses(host, port))[:_MOST_ADDRESSES]
        share_s = self._guard.rules.connect_s / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, share_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, share_s)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise UrlRefused("The farm calls no sockets.")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._resolvers, self._guard.addresses, host, port)
        try:
            async with asyncio.timeout(self._guard.rules.connect_s):
                return await asked
        except TimeoutError:
            raise NotConnected(f"{host} was not resolved in time.") from None
        except OSError:
            raise NotConnected(f"{host} does not resolve.") from None


async def _excerpt(response: httpcore.Response, rules: OutboundRules, deadline: float) -> bytes:
    """The beginning of the body. One that breaks off, lies about its size or drips counts too."""
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) >= rules.read_bytes:
                    break
    except (TimeoutError, *_BROKEN):
        pass
    return bytes(body[: rules.read_bytes])


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
