"""The door to language models behind OpenAI's API: kept connections, answers read as they come.

The host is an operator's word (providers.toml), so it may lie anywhere. Else as for all calls of the farm: no
redirect, no proxy, nothing from the environment, nothing decompressed, and an end to every wait.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx

from farm.net.http import AnswerTooLong, CallFailed, CallTooSlow

__all__ = ["AnswerTooLong", "CallFailed", "CallTooSlow", "LlmAnswer", "LlmClient", "Service"]

_EXCERPT_BYTES = 65_536
_KEPT_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider is reached, and its key."""

    url: str
    key: str | None = field(default=None, repr=False)

    def without_key(self, text: str) -> str:
        """What it said, fit to be shown."""
        return text.replace(self.key, "…") if self.key else text


class LlmAnswer:
    """An answer whose head has come. Its body is read piece by piece, or whole, once."""

    def __init__(self, response: httpx.Response, idle_s: float) -> None:
        self._response = response
        self._idle_s = idle_s

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return {name.lower(): value for name, value in self._response.headers.items()}

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises CallFailed, CallTooSlow."""
        raw = aiter(self._response.aiter_raw())
        while True:
            with _told():
                async with asyncio.timeout(self._idle_s):
                    piece = await anext(raw, None)
            if piece is None:
                return
            yield piece

    async def whole(self, most_bytes: int) -> bytes:
        """The whole body. Raises CallFailed, CallTooSlow, AnswerTooLong."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > most_bytes:
                raise AnswerTooLong("The answer is longer than it may be.")
        return bytes(body)

    async def excerpt(self) -> bytes:
        """What can be read of a refusal."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) >= _EXCERPT_BYTES:
                break
        return bytes(body[:_EXCERPT_BYTES])


class LlmClient:
    """For one event loop: `at_once` calls may be under way."""

    def __init__(self, *, at_once: int, connect_s: float, idle_s: float) -> None:
        self._connect_s = connect_s
        self._idle_s = idle_s
        self._http = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=_KEPT_CONNECTIONS),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def post(
        self, service: Service, path: str, body: bytes, *, head_s: float
    ) -> AsyncIterator[LlmAnswer]:
        """POST JSON below the service's URL; the head of its answer comes within `head_s`.

        Raises CallFailed, CallTooSlow.
        """
        request = self._request(service, path, body)
        with _told():
            async with asyncio.timeout(head_s):
                response = await self._http.send(request, stream=True)
        try:
            yield LlmAnswer(response, self._idle_s)
        finally:
            await response.aclose()

    def _request(self, service: Service, path: str, body: bytes) -> httpx.Request:
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "kinefarm",
        }
        if service.key is not None:
            headers["Authorization"] = f"Bearer {service.key}"
        return self._http.build_request(
            "POST",
            f"{service.url.rstrip('/')}/{path}",
            content=body,
            headers=headers,
            timeout=httpx.Timeout(None, connect=self._connect_s),
        )


@contextmanager
def _told() -> Iterator[None]:
    """Translate whatever can happen to a call."""
    try:
        yield
    except httpx.ConnectTimeout:
        raise CallFailed("No connection came about in time.") from None
    except (TimeoutError, httpx.TimeoutException):
        raise CallTooSlow("Nothing came in time.") from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise CallFailed(f"The call broke off: {str(error) or type(error).__name__}.") from error
