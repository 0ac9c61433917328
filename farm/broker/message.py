"""What goes over the broker: ids, nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt to be run. `order` is the Celery priority: 0 is taken first.

    `kind` and `about` are for display only: what Flower calls the task, and whose it is.
    """

    attempt_id: int
    token: int
    queue: str
    order: int
    kind: str
    about: str = ""


def about(job_id: str, account: str, tier: str) -> str:
    """Whose task it is, for people."""
    return f"{job_id} of {account} ({tier})"
