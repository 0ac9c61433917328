"""One bounded HTTP call to a provider of configs/providers.toml, its answer streamed into a file.

One call, no retries: the farm has one retry loop, in the scheduler. Whatever goes wrong is raised as what it
means to the farm. The provider's host is an operator's word, so it may lie anywhere; else the rules for
customers' URLs hold (farm/net): no redirect, no proxy, nothing decompressed, an end to time and bytes.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from ssl import SSLContext
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue

from farm.catalog import OutboundRules, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.net.guard import Guard, UrlRefused
from farm.net.http import AnswerTooLong, CallFailed, CallTooSlow, GuardedHttp, Reply
from farm.settings import Settings
from workers.provider_answers import refusal, unreachable

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider is reached, and the key that this process's environment has for it."""

    url: str
    key: str | None = field(default=None, repr=False)
    outbound: OutboundRules = field(default_factory=OutboundRules)


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
    headers = {"Content-Type": "application/json"}
    if service.key is not None:
        headers["Authorization"] = f"Bearer {service.key}"
    sent = json.dumps(dict(body)).encode()
    url = f"{service.url}{path}"
    try:
        with (
            GuardedHttp(_guard(service, call_s), at_once=1, ssl_context=_tls()) as http,
            into.open("wb") as file,
        ):
            call = http.save("POST", url, headers, sent, file, most_bytes)
            reply = asyncio.run(_watched(call, checkpoint))
    except UrlRefused as error:
        raise TaskFailure(f"A provider's url will not do: {error.message}", FailureClass.INTERNAL) from error
    except CallTooSlow as error:
        raise TaskFailure(
            f"The provider is too slow. {error.message}", FailureClass.TIMEOUT, code="provider_timeout"
        ) from error
    except CallFailed as error:
        raise unreachable(ConnectionError(error.message.rstrip("."))) from error
    except AnswerTooLong as error:
        raise TaskFailure(error.message, FailureClass.CORRUPT_OUTPUT, code=error.public_code) from error
    if not reply.succeeded:
        raise refusal(reply.status, _said(reply, service), reply.headers)


@cache
def _tls() -> SSLContext:
    """Read once: it costs more than a call."""
    return httpx.create_ssl_context()


def _guard(service: Service, call_s: float) -> Guard:
    """The farm's rules, which let this service in besides, wherever it lies. Raises UrlRefused."""
    try:
        parts = urlsplit(service.url)
        place = f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"
    except ValueError:
        raise UrlRefused("The URL cannot be read.") from None
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
    return text.replace(service.key, "…") if service.key else text
