"""What a service's refusal means: another provider may be asked, or the caller has to mend it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.api.llm.events import json_of
from farm.breaker import Verdict
from farm.chat import Line
from farm.doors.llm import AnswerTooLong, CallFailed, CallTooSlow, Service
from farm.errors import BadRequest, FailureClass, FarmError, FarmUnavailable, NotFound
from farm.moderation import ContentRefused

_POLICY_CODES = ("content_policy_violation", "content_filter", "moderation_blocked")
_LONGEST_SAID = 500
_LONGEST_CODE = 64
_KEY_OR_CREDIT = (401, 402, 403)
_BUSY = 429
_NOT_THERE = 404
_LEGAL = 451
_PASSING = (408, 409, 425)


class ProvidersDown(FarmUnavailable):
    """Nobody who has the model answered; the message says what each said, without their words."""

    code = "provider_unavailable"
    failure_class = FailureClass.TRANSIENT


@dataclass(eq=False)
class Missed(Exception):
    """This provider did not answer; the next may. `because` is for people, and has nothing secret.

    `unknown`: it says that it has no such model.
    """

    verdict: Verdict
    because: str
    retry_after_s: float | None = None
    unknown: bool = False


def nobody(misses: Sequence[tuple[Line, Missed]]) -> FarmError:
    """What to raise where none answered. A model that only a pattern led to may be one that there is not."""
    model = misses[0][0].model
    if all(missed.unknown and line.is_guess for line, missed in misses):
        return NotFound(f"There is no model {model!r}.", param="model", code="model_not_found")
    told = "; ".join(f"{line.provider} {missed.because}" for line, missed in misses)
    error = ProvidersDown(f"No provider of {model!r} answers: {told}.", param="model")
    pauses = [missed.retry_after_s for _, missed in misses if missed.retry_after_s is not None]
    error.retry_after_s = min(pauses, default=None)
    return error


def after_status(
    status: int, body: bytes, headers: Mapping[str, str], service: Service, field: str
) -> Exception:
    """What to raise for an answer that is none: Missed, or the FarmError that its caller gets.

    `field` is what a policy speaks of.
    """
    said = _error_of(body)
    code = said.get("code")
    if status == _LEGAL or (isinstance(code, str) and code in _POLICY_CODES):
        message = _message(said, service) or "The model's provider refused this text."
        return ContentRefused(message, param=field)
    if status in _KEY_OR_CREDIT:
        return Missed(Verdict.REFUSED, f"refused the farm's key ({status})")
    if status == _BUSY:
        return Missed(Verdict.BUSY, "has too much to do", _retry_after_s(headers))
    if status == _NOT_THERE:
        return Missed(Verdict.NEUTRAL, "does not have it", unknown=True)
    if status < 400 or status >= 500 or status in _PASSING:
        return Missed(Verdict.FAILED, f"answered {status}")
    return _mendable(said, service)


def after_failure(error: CallFailed | AnswerTooLong | TimeoutError) -> Missed:
    """What to raise for a call that brought nothing."""
    if isinstance(error, CallTooSlow | TimeoutError):
        return Missed(Verdict.FAILED, "did not answer in time")
    if isinstance(error, AnswerTooLong):
        return Missed(Verdict.FAILED, "answered without end")
    return Missed(Verdict.UNREACHABLE, "could not be reached")


def _mendable(said: Mapping[str, object], service: Service) -> FarmError:
    code, param = said.get("code"), said.get("param")
    return BadRequest(
        _message(said, service) or "The model's provider refused this request.",
        param=param if isinstance(param, str) else None,
        code=code[:_LONGEST_CODE] if isinstance(code, str) and code else None,
    )


def _error_of(body: bytes) -> Mapping[str, object]:
    found = (json_of(body) or {}).get("error")
    if isinstance(found, str):
        return {"message": found}
    return found if isinstance(found, dict) else {}


def _message(said: Mapping[str, object], service: Service) -> str:
    text = said.get("message")
    return service.without_key(text)[:_LONGEST_SAID] if isinstance(text, str) else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
