"""What a performer gets and gives: the contract between the runner and every engine.

A performer is a function `perform(task, context) -> Done` in a pool's package, named by its kind as
`"workers.cpu_render.media_render:perform"`. It runs in the main thread of an engine process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from farm.kinds import TaskSpec


class Cancelled(Exception):
    """Raised out of `Context.progress` and `Context.checkpoint` once the attempt is to stop."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """An asset or an artifact of an earlier task, as a local file that must not be changed."""

    path: Path
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class TaskInput:
    """One task, claimed: its checked parameters as plain JSON values, and its files by asset id.

    `attempt` counts from 1; attempts that were given back unharmed do not count.

    A task of a `provider` buys there under `idempotency_key`, the same for every attempt that may buy it.
    With a `provider_ref` it has been bought: resume that. When `in_doubt`, ask the provider for the key
    first; as long as it cannot be asked, raise `ambiguous`: any other failure tells that nothing was bought.
    """

    kind: str
    step: str
    params: Mapping[str, Any]
    inputs: Mapping[str, InputFile] = field(default_factory=dict)
    attempt: int = 1
    provider: str | None = None
    model: str | None = None
    idempotency_key: str | None = None
    provider_ref: str | None = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """A finished file in the workdir that becomes an artifact named `name` within the job.

    An `intermediate` one is for later tasks of the job only. With a `cache_key`, which says all that it is
    made of, later jobs of the account may take it (TaskSpec.cached).
    """

    name: str
    path: Path
    file_name: str
    content_type: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    intermediate: bool = False
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a task: files, a small JSON result, and more tasks for the same job."""

    outputs: Sequence[Output] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    tasks: Sequence[TaskSpec] = ()


class Context(Protocol):
    """The engine's line to its runner."""

    @property
    def workdir(self) -> Path:
        """An empty folder for this attempt alone; removed afterwards, whatever happens."""
        ...

    def progress(self, fraction: float, stage: str = "") -> None:
        """Report progress 0..1. Cheap: call it per frame. Raises Cancelled when the attempt must stop."""
        ...

    def checkpoint(self) -> None:
        """Raise Cancelled when the attempt must stop."""
        ...

    def log(self, message: str) -> None:
        """Add a line to the attempt's log tail."""
        ...

    def preview(self, jpeg: bytes) -> None:
        """Show what is being made: a JPEG of farm.preview.MOST_BYTES at most. Only the latest is kept.

        What is none, or comes within half a second of another, is left out. Never raises Cancelled.
        """
        ...

    def warm(self, *models: str) -> None:
        """Say which models lie loaded in this process from now on: tasks for them come here rather."""
        ...

    def accepted(self, ref: str) -> None:
        """Record the provider's own id of what it has accepted. On return it is committed: say it at once."""
        ...

    def dropped(self) -> None:
        """Record that nothing will come of what was accepted: it failed there, or was called off.

        Only then may another provider be asked. Never raises Cancelled: it may be said on the way out.
        """
        ...
