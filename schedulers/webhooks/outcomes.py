"""Decides what follows an attempt. Pure: no clock, no store, no network."""

from dataclasses import dataclass

from farm.net.http import Reply
from farm.rules.running import WebhookRules

_GONE = 410


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Try again at this time."""

    due_at: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """No attempts are left. `disable` says why the endpoint hears nothing more, None that it does."""

    disable: str | None = None


def after(
    answer: Reply | str,
    *,
    tries: int,
    started_at: float,
    to_endpoint: bool,
    failing_since: float | None,
    rules: WebhookRules,
) -> Delivered | Later | GivenUp:
    """What follows attempt number `tries`; `answer` is a reply, or why there was none.

    2xx is success and 410 ends it; whatever else is tried again. `failing_since` is the endpoint's first
    failure since its last success.
    """
    if isinstance(answer, Reply):
        if answer.succeeded:
            return Delivered()
        if answer.status == _GONE:
            return GivenUp("It answered 410 Gone." if to_endpoint else None)
    if to_endpoint and failing_since is not None and started_at - failing_since >= rules.disable_after_s:
        return GivenUp(f"It failed for {rules.disable_after_s / 86_400:g} days without one success.")
    pauses = rules.endpoint_retry_after_s if to_endpoint else rules.job_retry_after_s
    return Later(started_at + pauses[tries - 1]) if tries <= len(pauses) else GivenUp()
