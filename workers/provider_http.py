"""One bounded HTTP call to a provider of configs/providers.toml, its answer kept or streamed into a file.

One call, no retries: the farm has one retry loop, in the scheduler. Whatever goes wrong is raised as what it
means to the farm. The provider's host is an operator's word, so it may lie anywhere; else the rules for
customers' URLs hold (farm/net): no redirect, no proxy, nothing decompressed, an end to time and bytes.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from ssl import SSLContext
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.net.guard import Guard, UrlRefused
from farm.net.http import AnswerTooLong, CallFailed, CallTooSlow, GuardedHttp, NotConnected, Reply
from farm.rules.running import OutboundRules
from farm.settings import Settings
from workers.provider_answers import refusal, unanswered, unreachable

_LOOK_S = 0.1
_ANSWER_BYTES = 64 << 20  # pictures come inside of JSON, too


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider is reached, and the key that this process's environment has for it."""

    url: str
    key: str | None = field(default=None, repr=False)
    outbound: OutboundRules = field(default_factory=OutboundRules)

    def is_ours(self, url: str) -> bool:
        """Whether the URL leads to this service itself, so that it may see the key."""
        try:
            return _place(url) == _place(self.url) and urlsplit(url).scheme == urlsplit(self.url).scheme
        except UrlRefused:
            return False

    def said(self, text: str) -> str:
        """Its words without our key."""
        return text.replace(self.key, "…") if self.key else text


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `path` begins with / below the service's URL, or is a whole URL that the service named.

    A `purchase` whose answer never came may have been made: that is AMBIGUOUS. `scheme` is the word before
    the key in the Authorization header.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "Bearer"
    is_purchase: bool = False

    @classmethod
    def of_json(
        cls,
        path: str,
        body: JsonValue,
        headers: Mapping[str, str] | None = None,
        *,
        is_purchase: bool = False,
    ) -> "Ask":
        """A POST with a JSON body."""
        told = {"Content-Type": "application/json", **(headers or {})}
        return cls("POST", path, json.dumps(body).encode(), told, is_purchase=is_purchase)


def service_of(provider: str) -> Service:
    """The provider of that name as the configs have it.

    Raises TaskFailure: INTERNAL for one without a url, PROVIDER_AUTH where this worker lacks its key.
    """
    catalog = read_catalog(Settings())
    found = catalog.providers.providers.get(provider)
    if found is None or found.url is None:
        raise TaskFailure(f"providers.toml gives the provider {provider!r} no url.", FailureClass.INTERNAL)
    key = os.environ.get(found.key_env, "").strip() if found.key_env else None
    if key is not None and not (key.isascii() and key.isprintable() and key):
        raise TaskFailure(
            f"This worker's environment has no {found.key_env}, the key of {provider}.",
            FailureClass.PROVIDER_AUTH,
            code="provider_key_missing",
        )
    return Service(found.url.rstrip("/"), key, catalog.outbound)


def post_into(
    service: Service,
    path: str,
    body: Mapping[str, JsonValue],
    into: Path,
    *,
    call_s: float,
    most_bytes: int,
    checkpoint: Callable[[], None],
) -> None:
    """POST JSON to `path` below the service's URL; the answer's body becomes the file `into`, whole.

    `checkpoint` is called all the while and may raise, which ends the call. Raises TaskFailure.
    """
    ask = Ask.of_json(path, dict(body))
    with into.open("wb") as file:
        reply = _made(service, ask, file, call_s, most_bytes, checkpoint)
    if not reply.succeeded:
        raise refusal(reply.status, _said(reply, service), reply.headers)


def answered(service: Service, ask: Ask, *, call_s: float, checkpoint: Callable[[], None]) -> Reply:
    """Make the call; the Reply has its whole body, whatever its status. Raises TaskFailure for no answer."""
    file = BytesIO()
    reply = _made(service, ask, file, call_s, _ANSWER_BYTES, checkpoint)
    return Reply(reply.status, reply.headers, file.getvalue() or reply.body)


def saved(
    service: Service,
    ask: Ask,
    into: Path,
    *,
    call_s: float,
    most_bytes: int,
    checkpoint: Callable[[], None],
) -> None:
    """Make the call; the body becomes the file `into`, whole. Raises TaskFailure."""
    with into.open("wb") as file:
        reply = _made(service, ask, file, call_s, most_bytes, checkpoint)
    if not reply.succeeded:
        raise refusal(reply.status, _said(reply, service), reply.headers)


def _made(
    service: Service,
    ask: Ask,
    file: BinaryIO,
    call_s: float,
    most_bytes: int,
    checkpoint: Callable[[], None],
) -> Reply:
    url = ask.path if "://" in ask.path else f"{service.url}{ask.path}"
    headers = dict(ask.headers)
    if service.key is not None and service.is_ours(url):
        headers["Authorization"] = f"{ask.scheme} {service.key}"
    with _told(ask), GuardedHttp(guard_of(service, call_s), at_once=1, ssl_context=tls()) as http:
        call = http.save(ask.method, url, headers, ask.body, file, most_bytes)
        return asyncio.run(_watched(call, checkpoint))


@contextmanager
def _told(ask: Ask) -> Iterator[None]:
    """Translate what can happen to a call."""
    try:
        yield
    except UrlRefused as error:
        raise TaskFailure(f"A provider's url will not do: {error.message}", FailureClass.INTERNAL) from error
    except NotConnected as error:
        raise unreachable(ConnectionError(error.message.rstrip("."))) from error
    except CallFailed as error:
        if ask.is_purchase:
            raise unanswered(ConnectionError(error.message.rstrip("."))) from error
        if not isinstance(error, CallTooSlow):
            raise unreachable(ConnectionError(error.message.rstrip("."))) from error
        raise TaskFailure(
            f"The provider is too slow. {error.message}", FailureClass.TIMEOUT, code="provider_timeout"
        ) from error
    except AnswerTooLong as error:
        raise TaskFailure(error.message, FailureClass.CORRUPT_OUTPUT, code=error.public_code) from error


@cache
def tls() -> SSLContext:
    """What connections are trusted by; read once, for that costs more than a call."""
    return httpx.create_ssl_context()


def _place(url: str) -> str:
    """`host:port`. Raises UrlRefused."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or (80 if parts.scheme in ('http', 'ws') else 443)}"
    except ValueError:
        raise UrlRefused("The URL cannot be read.") from None


def guard_of(service: Service, call_s: float) -> Guard:
    """The farm's rules, which let this service in besides, wherever it lies. Raises UrlRefused."""
    place = _place(service.url)
    rules = service.outbound
    return Guard(rules.model_copy(update={"total_s": call_s, "allow_hosts": (*rules.allow_hosts, place)}))


async def _watched(call: Coroutine[None, None, Reply], checkpoint: Callable[[], None]) -> Reply:
    """What the call brings, unless `checkpoint` raises before."""
    under_way = asyncio.create_task(call)
    try:
        while not under_way.done():
            checkpoint()
            await asyncio.wait({under_way}, timeout=_LOOK_S)
        return under_way.result()
    finally:
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)


def _said(reply: Reply, service: Service) -> str:
    """What a refusal says of itself, without our key."""
    text = reply.body.decode(errors="replace").strip()
    with suppress(ValueError, TypeError, KeyError):
        text = str(json.loads(text)["error"]["message"])
    return service.said(text)
