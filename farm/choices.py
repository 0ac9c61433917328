"""What a task was given of providers, why, and what followed: values that stay on tasks and attempts."""

from enum import StrEnum
from hashlib import blake2b

from pydantic import Field

from farm.noun import Noun

NOBODY = "-"  # in place of a provider, on tasks that no provider of the configs may do any more


class Phase(StrEnum):
    """The two halves of a call to a provider: until it has accepted the work, and until it has done it."""

    SUBMISSION = "submission"
    COMPLETION = "completion"


class Reason(StrEnum):
    """Why a candidate was taken or was not, beside the class of a failure it answered with."""

    FIRST = "first"
    AGAIN = "again"
    CIRCUIT_OPEN = "circuit_open"
    CAPACITY = "capacity"
    LIMIT = "limit"
    NO_WORKER = "no_worker"
    UNHEALTHY = "unhealthy"
    PREFERRED = "preferred"
    REMOVED = "removed"
    TRIED = "tried"


class Routing(Noun):
    """What "auto" weighed when the task first went: the best model, the configs' own, and by how many points.

    `kept` says why the configs' own was kept although another was better.
    """

    preferred: str
    legacy: str
    margin: float = 0.0
    kept: str | None = None


class Skipped(Noun):
    """A candidate that was not taken, and why: a Reason, or the class of the failure it answered with."""

    provider: str
    model: str
    reason: str


class Choice(Noun):
    """The candidate that a task goes to, and what its next attempt must know.

    `quoted_mc` is the price of the first candidate, `price_mc` of this one. `requires` is what the task asks
    of a worker, without what the provider adds. `why` and `skipped` tell how it came to this one since the
    last attempt.

    `tried` are candidates that failed. `provider_ref` is a purchase to resume; `in_doubt` that an earlier
    attempt may have bought: then only this provider may be asked. `purchase` counts what was bought and came
    to nothing.
    """

    provider: str
    model: str
    quoted_mc: int
    price_mc: int
    requires: dict[str, str] = Field(default_factory=dict)
    why: str = Reason.FIRST
    skipped: tuple[Skipped, ...] = ()
    tried: tuple[tuple[str, str], ...] = ()
    provider_ref: str | None = None
    in_doubt: bool = False
    purchase: int = 0
    routing: Routing | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.model

    @property
    def is_bound(self) -> bool:
        """Whether asking another provider could buy twice."""
        return self.in_doubt or self.provider_ref is not None

    @property
    def saved_mc(self) -> int:
        """How much cheaper it is than what was quoted."""
        return max(0, self.quoted_mc - self.price_mc)


class Then(Noun):
    """What followed an attempt: `what` is done, returned, retry, failover or give_up.

    `why` is a Reason, the class of a failure, or in words why nothing followed.
    """

    what: str
    why: str = ""
    provider: str | None = None
    model: str | None = None
    pause_s: float = 0.0
    skipped: tuple[Skipped, ...] = ()


class Decision(Noun):
    """How an attempt came to its provider, and what followed: readable for good on its row."""

    why: str
    skipped: tuple[Skipped, ...] = ()
    purchase: int = 0
    in_doubt: bool = False
    resumes: bool = False
    probes: bool = False
    routing: Routing | None = None
    then: Then | None = None


def purchase_key(job_id: str, task_name: str, provider: str, model: str, number: int) -> str:
    """The idempotency key of a task's `number`-th purchase there, whichever attempt makes it."""
    said = "\0".join((job_id, task_name, provider, model, str(number)))
    return f"kf_{blake2b(said.encode(), digest_size=20).hexdigest()}"
