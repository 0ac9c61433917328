"""Every error the farm raises on purpose.

    FarmError
    ├── BadRequest            invalid_request       the caller can mend it; names the field
    │   ├── AssetUnreadable   asset_unreadable      the media itself is broken or refused
    │   └── ModelNotOffered   provider_unavailable  nobody here has this model; its operator can mend that
    ├── NotSignedIn           unauthorized
    ├── NotAllowed            forbidden
    ├── NotFound              not_found             also: another account's id
    ├── Conflict              conflict              (render_in_progress, output_not_ready, …)
    │   └── CallInProgress    idempotency_in_progress   the same call is being made; ask again in a moment
    ├── KeyReused             idempotency_key_reused    an Idempotency-Key came with another request
    ├── InsufficientCredits   insufficient_credits
    │   └── BudgetExceeded    budget_exceeded       the API key's monthly budget does not allow it
    ├── TooLarge              payload_too_large
    ├── RateLimited           rate_limited
    ├── TaskFailure                                 an attempt failed; its class says what may follow
    └── FarmUnavailable       unavailable           a server the farm needs is away, or its schema is wrong

`failure_class` says whether another attempt can help; `retryable` repeats it for callers.
"""

from enum import StrEnum
from typing import ClassVar


class FailureClass(StrEnum):
    """Why an attempt failed. The retry policy decides from this alone (schedulers/retry.py)."""

    TRANSIENT = "transient"
    CAPACITY = "capacity"
    AMBIGUOUS = "ambiguous"
    OOM = "oom"
    TIMEOUT = "timeout"
    NO_PROGRESS = "no_progress"
    CRASH = "crash"
    LOST = "lost"
    DISK_FULL = "disk_full"
    INVALID_INPUT = "invalid_input"
    POLICY = "policy"
    PROVIDER_AUTH = "provider_auth"
    UNSUPPORTED = "unsupported_option"  # this provider has no such option; another may
    CORRUPT_OUTPUT = "corrupt_output"
    DEPENDENCY = "dependency_failed"
    INTERNAL = "internal"


class FarmError(Exception):
    """Base of all. `message` is written for the person who made the call."""

    code: ClassVar[str] = "error"
    failure_class: ClassVar[FailureClass] = FailureClass.INTERNAL

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.public_code = code or self.code


class BadRequest(FarmError):
    """The request is wrong in a way its sender can mend; `param` names the field."""

    code = "invalid_request"
    failure_class = FailureClass.INVALID_INPUT


class AssetUnreadable(BadRequest):
    """The asset cannot be decoded, or is refused; another attempt would fail the same way."""

    code = "asset_unreadable"


class ModelNotOffered(BadRequest):
    """A model of the catalog that no provider of this farm has; the message names the setting."""

    code = "provider_unavailable"


class NotSignedIn(FarmError):
    """No key, an unknown key or a revoked key."""

    code = "unauthorized"


class NotAllowed(FarmError):
    """The key is known and may not do this."""

    code = "forbidden"


class NotFound(FarmError):
    """No such thing, or another account's: the two are never told apart."""

    code = "not_found"


class Conflict(FarmError):
    """The thing exists and its state does not allow this now."""

    code = "conflict"


class CallInProgress(Conflict):
    """The first call under this Idempotency-Key has not been answered yet; a later one gets its answer."""

    code = "idempotency_in_progress"


class KeyReused(FarmError):
    """An Idempotency-Key that belongs to another request."""

    code = "idempotency_key_reused"


class InsufficientCredits(FarmError):
    """The account cannot hold the quoted price."""

    code = "insufficient_credits"


class BudgetExceeded(InsufficientCredits):
    """The API key's monthly budget does not allow this; the account may have the credits."""

    code = "budget_exceeded"


class TooLarge(FarmError):
    """The body or file is larger than allowed or declared."""

    code = "payload_too_large"


class RateLimited(FarmError):
    """Too many calls. `reset_at` is in Unix seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, limit: int, reset_at: float) -> None:
        super().__init__(message)
        self.limit = limit
        self.reset_at = reset_at


class TaskFailure(FarmError):
    """An attempt failed for a reason the engine could name. `retry_after_s` is a provider's own wish."""

    code = "task_failed"

    def __init__(
        self,
        message: str,
        failure: FailureClass,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.failure = failure
        self.retry_after_s = retry_after_s


class FarmUnavailable(FarmError):
    """A server the farm needs is away, or was made by another version; the message says what mends it.

    `retry_after_s` is when it may be there again, where that is known.
    """

    code = "unavailable"
    retry_after_s: float | None = None
