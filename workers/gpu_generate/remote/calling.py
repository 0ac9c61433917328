"""Calls a service's JSON API, one request a call, and translates what it refuses into the farm's classes."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.net.http import Reply
from workers.provider_answers import refusal
from workers.provider_http import Ask, Service, answered

Json = dict[str, JsonValue]

_CALL_S = 60.0  # where providers.toml says nothing
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
    FailureClass.CAPACITY: (
        "rate_limit_exceeded",
        "queue_full",
        "runner_scheduling_failure",
        "aborted",  # Replicate: it had not begun when its time was over
    ),
    # fal says so of services behind its models, with 400 too.
    FailureClass.TRANSIENT: ("downstream_service_error", "downstream_service_unavailable"),
    FailureClass.UNSUPPORTED: ("model_not_found", "feature_not_supported", "unsupported_value"),
    FailureClass.OOM: ("out_of_memory",),
    FailureClass.CORRUPT_OUTPUT: ("no_media_generated",),
    FailureClass.TIMEOUT: ("generation_timeout", "request_timeout", "startup_timeout", "canceled"),
}
_LACKING = (404, 405, 410)
_WORDS: Mapping[FailureClass, Collection[str]] = {
    FailureClass.POLICY: ("nsfw", "flagged as sensitive", "content policy", "safety system", "moderation"),
    FailureClass.OOM: ("out of memory", "outofmemory"),
    FailureClass.CAPACITY: ("queue is full", "at capacity", "too many requests"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a refusal says: in words, and as a code where the service has such."""

    message: str = ""
    code: str = ""


@dataclass(slots=True)
class Api:
    """A service, how its key is named, how its refusals are read. `checkpoint` may raise, which ends a call.

    A call that buys is not ended so: what came of it must be known. Nor is any other once it `is_leaving`:
    then something is called off.
    """

    service: Service
    told: Callable[[JsonValue], Told]
    checkpoint: Callable[[], None]
    scheme: str = "Bearer"
    call_s: float | None = None
    is_leaving: bool = False

    def ask(self, ask: Ask, usual_s: float = _CALL_S, *, may_stop: bool = False) -> Json:
        """The answer, an object. Raises TaskFailure: AMBIGUOUS where a purchase may have been made."""
        reply = self.reply(ask, usual_s, may_stop=may_stop)
        try:
            found: JsonValue = json.loads(reply.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            failure = FailureClass.AMBIGUOUS if ask.is_purchase else FailureClass.TRANSIENT
            raise TaskFailure("The provider's answer is no JSON object.", failure, code="no_json")
        return found

    def reply(self, ask: Ask, usual_s: float = _CALL_S, *, may_stop: bool = False) -> Reply:
        """The answer as it came. Raises TaskFailure."""
        named = Ask(ask.method, ask.path, ask.body, ask.headers, self.scheme, ask.is_purchase)
        is_watched = (may_stop or not ask.is_purchase) and not self.is_leaving
        stop = self.checkpoint if is_watched else _go_on
        call_s = usual_s if self.call_s is None else self.call_s
        reply = answered(self.service, named, call_s=call_s, checkpoint=stop)
        if not reply.succeeded:
            raise refused(reply, self._told(reply), self.service, is_purchase=ask.is_purchase)
        return reply

    def _told(self, reply: Reply) -> Told:
        text = reply.body.decode(errors="replace").strip()
        try:
            return self.told(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
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
    return next((failure for failure, said in _WORDS.items() if any(word in words for word in said)), None)


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
