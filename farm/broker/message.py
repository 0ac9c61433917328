"""What goes over the broker: ids, nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt to be run. `order` is the Celery priority: 0 is taken first. `kind` is for display only."""

    attempt_id: int
    token: int
    queue: str
    order: int
    kind: str
