"""Calls a service's JSON API, one request a call, and translates what it refuses into the farm's classes."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.net.http import Reply
from workers.provider_answers import refusal
from workers.provider_http import Ask, Service, answered

Json = Mapping[str, JsonValue]

_CALL_S = 60.0
# What services say in their own words, whatever the status. A policy is never shopped around.
_CODES: Mapping[FailureClass, Collection[str]] = {
    FailureClass.POLICY: (
        "content_policy_violation",
        "moderation_blocked",
        "content_filter",
        "safety_violation",
    ),
    FailureClass.PROVIDER_AUTH: (
        "insufficient_quota",
        "billing_hard_limit_reached",
        "exhausted_balance",
        "invalid_api_key",
    ),
    FailureClass.UNSUPPORTED: ("model_not_found", "feature_not_supported", "unsupported_value"),
    FailureClass.OOM: ("out_of_memory",),
    FailureClass.CORRUPT_OUTPUT: ("no_media_generated",),
    FailureClass.TIMEOUT: ("generation_timeout", "request_timeout"),
}
_LACKING = (404, 405, 410)
_POLICY_WORDS = ("nsfw", "flagged as sensitive", "content policy", "safety system", "moderation")
_MEMORY_WORDS = ("out of memory", "outofmemory")


@dataclass(frozen=True, slots=True)
class Told:
    """What a refusal says: in words, and as a code where the service has such."""

    message: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """A service, how its key is named, how its refusals are read. `checkpoint` may raise, which ends a call.

    A call that buys is not ended so: what came of it must be known.
    """

    service: Service
    told: Callable[[JsonValue], Told]
    checkpoint: Callable[[], None]
    scheme: str = "Bearer"

    def ask(self, ask: Ask, call_s: float = _CALL_S, *, may_stop: bool = False) -> JsonValue:
        """The answer. Raises TaskFailure: AMBIGUOUS where a purchase may have been made."""
        reply = self.reply(ask, call_s, may_stop=may_stop)
        try:
            found: JsonValue = json.loads(reply.body) if reply.body else {}
        except ValueError as error:
            failure = FailureClass.AMBIGUOUS if ask.is_purchase else FailureClass.TRANSIENT
            raise TaskFailure("The provider's answer is no JSON.", failure, code="no_json") from error
        return found

    def reply(self, ask: Ask, call_s: float = _CALL_S, *, may_stop: bool = False) -> Reply:
        """The answer as it came. Raises TaskFailure."""
        named = Ask(ask.method, ask.path, ask.body, ask.headers, self.scheme, ask.is_purchase)
        stop = self.checkpoint if may_stop or not ask.is_purchase else _go_on
        reply = answered(self.service, named, call_s=call_s, checkpoint=stop)
        if not reply.succeeded:
            raise refused(reply, self._told(reply), self.service, is_purchase=ask.is_purchase)
        return reply

    def _told(self, reply: Reply) -> Told:
        text = reply.body.decode(errors="replace").strip()
        try:
            return self.told(json.loads(text))
        except (ValueError, TypeError, KeyError, IndexError):
            return Told(text[:500])


def refused(reply: Reply, told: Told, service: Service, *, is_purchase: bool) -> TaskFailure:
    """The failure behind an answer of 400 and above. What is not there to be bought may be had elsewhere."""
    plain = refusal(reply.status, service.said(told.message), reply.headers)
    is_lacking = is_purchase and reply.status in _LACKING
    failure = named_class(told) or (FailureClass.UNSUPPORTED if is_lacking else plain.failure)
    return TaskFailure(plain.message, failure, code=plain.public_code, retry_after_s=plain.retry_after_s)


def failed(told: Told, service: Service) -> TaskFailure:
    """The failure of work that was accepted."""
    return TaskFailure(
        f"The provider failed: {service.said(told.message)[:500] or 'it does not say why'}.",
        named_class(told) or FailureClass.TRANSIENT,
        code="provider_failed",
    )


def named_class(told: Told) -> FailureClass | None:
    """The class that a service's code or words stand for, if they do."""
    for failure, codes in _CODES.items():
        if told.code in codes:
            return failure
    words = told.message.lower()
    if any(word in words for word in _POLICY_WORDS):
        return FailureClass.POLICY
    return FailureClass.OOM if any(word in words for word in _MEMORY_WORDS) else None


def _go_on() -> None:
    return


def text_of(found: JsonValue, name: str) -> str:
    """A text of an answer. Raises TaskFailure AMBIGUOUS: it tells that something was bought, not what."""
    value = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(value, str) or not value:
        raise TaskFailure(
            f"The provider's answer has no {name}.", FailureClass.AMBIGUOUS, code="answer_incomplete"
        )
    return value


def urls_in(found: JsonValue) -> list[str]:
    """The URLs of finished files in an answer, in order: texts that are one, and what has a `url`."""
    if isinstance(found, str):
        return [found] if found.startswith(("https://", "http://", "data:")) else []
    if isinstance(found, list):
        return [url for one in found for url in urls_in(one)]
    if isinstance(found, Mapping):
        if isinstance(found.get("url"), str):
            return urls_in(found["url"])
        named = [found[name] for name in _RESULTS if name in found]
        return [url for one in (named[:1] or list(found.values())) for url in urls_in(one)]
    return []


# Where answers have their files, the surest first: others are thumbnails and inputs told back.
_RESULTS = ("video", "videos", "images", "image", "output", "audio")
