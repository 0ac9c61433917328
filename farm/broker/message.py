"""What goes over the broker: ids, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

_BUNDLE, _BUNDLE_S = 16, 0.02


@dataclass(frozen=True, slots=True)
class About:
    """Whose task it is, for people: what Flower shows of it."""

    job_id: str
    account: str
    tier: str

    @property
    def whose(self) -> str:
        """Short enough that Flower does not cut it."""
        return f"{self.account} ({self.tier})"


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt to be run. `order` is the Celery priority: 0 is taken first.

    `kind` and `about` are for display only. `ahead_s` is what an attempt is estimated to take that goes ahead
    of the slots that are free; None for one that has a slot waiting for it.
    """

    attempt_id: int
    token: int
    queue: str
    order: int
    kind: str
    about: About | None = None
    ahead_s: float | None = None

    @property
    def name(self) -> str:
        """What Flower calls this very attempt: its job's id and its own."""
        return f"{self.about.job_id}.{self.attempt_id}" if self.about else f"attempt.{self.attempt_id}"


def bundled(messages: Sequence[Message]) -> list[list[Message]]:
    """What may travel together, and will run one after another in one slot: little work, ahead of free slots.

    A bundle goes to one queue at one order, and holds up its last by no more than some milliseconds of
    estimated work; there are two at least, where there is enough for two.
    """
    found: list[list[Message]] = []
    most = min(_BUNDLE, max(1, len(messages) // 2))
    for message in messages:
        last = found[-1] if found else []
        if len(last) < most and _joins(message, last):
            last.append(message)
        else:
            found.append([message])
    return found


def _joins(message: Message, bundle: Sequence[Message]) -> bool:
    if not bundle or (message.queue, message.order) != (bundle[0].queue, bundle[0].order):
        return False
    estimates = [other.ahead_s for other in (*bundle, message)]
    return sum(_BUNDLE_S if estimate is None else estimate for estimate in estimates) <= _BUNDLE_S


def about(job_id: str, account: str, tier: str) -> About:
    """Whose task it is, for people."""
    return About(job_id, account, tier)
