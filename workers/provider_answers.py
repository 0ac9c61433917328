"""What a provider's HTTP answer, or its silence, means to the farm; for all that are called over HTTP.

The farm has one retry loop, in the scheduler: a provider's client makes one call and raises what comes of it.
"""

from collections.abc import Mapping

from farm.errors import FailureClass, TaskFailure

_CLASSES = {
    400: FailureClass.INVALID_INPUT,
    401: FailureClass.PROVIDER_AUTH,
    402: FailureClass.PROVIDER_AUTH,
    403: FailureClass.PROVIDER_AUTH,
    408: FailureClass.TRANSIENT,
    409: FailureClass.TRANSIENT,
    413: FailureClass.INVALID_INPUT,
    415: FailureClass.INVALID_INPUT,
    422: FailureClass.INVALID_INPUT,
    425: FailureClass.TRANSIENT,
    429: FailureClass.CAPACITY,
    451: FailureClass.POLICY,
}
_LONGEST_S = 3600.0


def refusal(status: int, message: str, headers: Mapping[str, str], *, is_policy: bool = False) -> TaskFailure:
    """The failure behind an answer of 400 and above. `is_policy`: its body tells that it is forbidden."""
    failure = FailureClass.POLICY if is_policy else _CLASSES.get(status, FailureClass.TRANSIENT)
    if status < 500 and status not in _CLASSES:
        failure = FailureClass.INTERNAL  # we called it wrongly
    said = (
        f"The provider answered {status}: {message[:500]}" if message else f"The provider answered {status}."
    )
    return TaskFailure(said, failure, code=f"provider_{status}", retry_after_s=_retry_after_s(headers))


def unreachable(error: OSError) -> TaskFailure:
    """Nobody took the call: nothing was bought."""
    return TaskFailure(f"The provider cannot be reached: {error}.", FailureClass.TRANSIENT, code="connection")


def unanswered(error: Exception) -> TaskFailure:
    """The call was made and its answer never came: the provider may have taken it."""
    return TaskFailure(
        f"The provider did not answer: {error or type(error).__name__}.",
        FailureClass.AMBIGUOUS,
        code="connection",
    )


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, if it has any; its other form, a date, is not read."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(_LONGEST_S, seconds) if seconds >= 0 else None
