"""Webhooks: endpoints, deliveries, and how a delivery is signed. Pure: no clock, no store, no network.

One body goes out under two sets of headers, so that a receiver may check whichever it knows: Standard
Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`; secrets read `whsec_…`), and the generation
API's own (`X-CreativeAI-*`, an HMAC of the body under the API key).
"""

import hashlib
import hmac
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from farm.errors import BadRequest
from farm.generation import EVENTS as GENERATION_EVENTS
from farm.generation import VIDEO_COMPLETED, VIDEO_FAILED

# The `target` of a delivery that goes to its job's own webhook_url.
JOB_URL = "webhook_url"
TEST_EVENT = "webhook.test"
EVENTS = (
    "job.completed",
    "job.failed",
    "job.cancelled",
    "batch.completed",
    "batch.cancelled",
    "budget.warning",
    "budget.exhausted",
    *GENERATION_EVENTS,  # a generation's end may be listened for by either name
    VIDEO_COMPLETED,
    VIDEO_FAILED,
)

_SECRET_BYTES = 24
_MAX_HEADERS = 20
_MAX_HEADER_VALUE = 1000
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[ -~]*")
_OUR_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_OUR_PREFIXES = ("webhook-", "x-creativeai-", "x-farm-", "proxy-")


class EndpointState(StrEnum):
    """Whether an endpoint hears of events. A deleted one stays for its deliveries, without secrets."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class DeliveryState(StrEnum):
    """`failed` has no attempts left, or its endpoint is gone; only a replay brings it back."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that an account registered. `events` empty is all; the values of `headers` are never shown."""

    id: str
    url: str
    description: str
    events: tuple[str, ...]
    header_names: tuple[str, ...]
    state: EndpointState
    disabled_because: str | None
    failing_since: float | None
    old_secret_until: float | None
    created_at: float


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What an endpoint is made from, or changed to."""

    url: str
    description: str = ""
    events: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. `endpoint_id` None: the job's own webhook_url, in `url`.

    `tries` counts finished attempts; `due_at` is when the next may be made, None when there is none.
    """

    id: str
    number: int
    event: str
    subject: str
    endpoint_id: str | None
    url: str
    webhook_id: str
    state: DeliveryState
    tries: int
    due_at: float | None
    last_status: int | None
    last_error: str | None
    response: str | None
    body: str | None
    created_at: float
    tried_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Letter:
    """What one attempt sends. `subject` is the job's id; `try_number` counts from 1."""

    webhook_id: str
    event: str
    subject: str
    try_number: int
    body: bytes


def new_secret() -> str:
    """A fresh `whsec_…` secret for an endpoint."""
    return f"whsec_{b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def webhook_id(subject: str, event: str, target: str) -> str:
    """The same for every attempt and replay of one event at one target: what a receiver drops doubles by."""
    return "msg_" + hashlib.sha256(f"{subject}:{event}:{target}".encode()).hexdigest()[:32]


def body_text(fields: Mapping[str, object]) -> str:
    """The body as it is sent and signed, byte for byte. ASCII, so that no receiver decodes it otherwise."""
    return json.dumps(fields, separators=(",", ":"), allow_nan=False)


def signed_headers(
    letter: Letter, now: float, signing_secrets: Sequence[str], api_key: str | None
) -> dict[str, str]:
    """Both header sets. Several secrets give several signatures, of which a receiver needs one to fit."""
    stamp = str(int(now))
    signatures = [
        standard_signature(secret, letter.webhook_id, stamp, letter.body) for secret in signing_secrets
    ]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": letter.webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
        "X-CreativeAI-Event": letter.event,
        "X-CreativeAI-Delivery-Id": letter.subject,
        "X-Farm-Attempt": str(letter.try_number),
    }
    if api_key is not None:
        digest = hmac.new(api_key.encode(), letter.body, hashlib.sha256).hexdigest()
        headers["X-CreativeAI-Signature"] = f"sha256={digest}"
    return headers


def standard_signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,…` over id, timestamp and body, as https://www.standardwebhooks.com has it."""
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode()}"


def check_events(events: Sequence[str]) -> None:
    """Raise BadRequest unless each is an event that can be listened for."""
    for event in events:
        if event not in EVENTS:
            raise BadRequest(f"There is no event {event!r}. Known: {', '.join(EVENTS)}.", param="events")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise BadRequest unless these may be sent beside the farm's own headers."""
    if len(headers) > _MAX_HEADERS:
        raise BadRequest(f"At most {_MAX_HEADERS} headers.", param="headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise BadRequest(f"{name[:100]!r} is no header name.", param="headers")
        if name.lower() in _OUR_HEADERS or name.lower().startswith(_OUR_PREFIXES):
            raise BadRequest(f"The farm sets {name} itself.", param="headers")
        if len(value) > _MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
            raise BadRequest(
                f"The value of {name} must be at most {_MAX_HEADER_VALUE} characters of plain ASCII.",
                param="headers",
            )
    if len({name.lower() for name in headers}) < len(headers):
        raise BadRequest("A header is given twice.", param="headers")
