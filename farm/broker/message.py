"""What goes over the broker: ids, nothing else."""

from dataclasses import dataclass


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

    `kind` and `about` are for display only.
    """

    attempt_id: int
    token: int
    queue: str
    order: int
    kind: str
    about: About | None = None

    @property
    def name(self) -> str | None:
        """What Flower calls this very attempt: its job's id and its own."""
        return None if self.about is None else f"{self.about.job_id}.{self.attempt_id}"


def about(job_id: str, account: str, tier: str) -> About:
    """Whose task it is, for people."""
    return About(job_id, account, tier)
