"""Batch: many jobs handed in together, one row each; and what became of them. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from farm.errors import BadRequest
from farm.kinds import TaskSpec

LONGEST_CUSTOM_ID = 200
_REFERENCE = "$artifact"


class BatchState(StrEnum):
    """`open` takes rows; `closed` takes none and ends with the last of its jobs; the last two are its ends.

    A batch that has completed is closed again while failed rows of it are retried.
    """

    OPEN = "open"
    CLOSED = "closed"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a batch is made from. `kind` and `defaults` are for rows that name none.

    `id_prefix` is how a surface has its id begin.
    """

    name: str = ""
    kind: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    max_running: int | None = None
    webhook_url: str | None = None
    id_prefix: str = "batch"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of its rows are where. Each row counts once, by its latest job. Money is milli-credits.

    `running` are those with an attempt under way; what is between two of its tasks is queued.
    """

    queued: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rejected: int = 0
    held_mc: int = 0
    charged_mc: int = 0

    @property
    def total(self) -> int:
        """Rows that became jobs."""
        return self.queued + self.running + self.ended

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands. `number` is its place in the store; `eta_s` is None while nobody can tell."""

    id: str
    number: int
    account_id: int
    name: str
    kind: str | None
    defaults: Mapping[str, Any]
    state: BatchState
    paused: bool
    max_running: int | None
    webhook_url: str | None
    created_at: float
    closed_at: float | None
    ended_at: float | None
    counts: Counts = Counts()
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new job stands in its batch. `held`: its tasks wait until the scheduler lets the job go.

    `unmet` counts the jobs it needs.
    """

    batch: int
    custom_id: str
    held: bool
    unmet: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that became no job. `line` counts from 1; `digest` stands for the line's text."""

    line: int
    digest: str
    custom_id: str | None
    field: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an upload ended before its last row, and with which: it and all after it are not taken."""

    line: int
    custom_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some rows. `known` had been taken before, by an upload that broke off."""

    accepted: int = 0
    known: int = 0
    rejected: int = 0
    stopped_at: Stop | None = None

    def plus(self, other: "Taken") -> "Taken":
        return Taken(
            self.accepted + other.accepted,
            self.known + other.known,
            self.rejected + other.rejected,
            self.stopped_at or other.stopped_at,
        )


def reference(custom_id: str, artifact: str) -> str:
    """How a task's inputs name an artifact of another job of its batch. No asset's id has a dot."""
    return f"{custom_id}.{artifact}"


def split_reference(name: str) -> tuple[str, str] | None:
    """The custom_id and artifact that an input names; None for an asset."""
    custom_id, dot, artifact = name.rpartition(".")
    return (custom_id, artifact) if dot else None


def resolved(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Params with each `{"$artifact": "clean.image"}` as the input it names, and the custom_ids so named.

    Raises BadRequest where one cannot be read.
    """
    needed: list[str] = []

    def walk(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            if _REFERENCE in value:
                return _named(value, path, needed)
            return {key: walk(item, f"{path}.{key}" if path else key) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, f"{path}[{number}]") for number, item in enumerate(value)]
        return value

    return {key: walk(item, key) for key, item in params.items()}, needed


def _named(value: Mapping[str, Any], path: str, needed: list[str]) -> str:
    name = value[_REFERENCE]
    parts = split_reference(name) if isinstance(name, str) and len(value) == 1 else None
    if parts is None or not all(parts):
        raise BadRequest('Write it as {"$artifact": "CUSTOM_ID.ARTIFACT"}.', param=f"params.{path}")
    needed.append(parts[0])
    return reference(*parts)


def check_references(plan: Sequence[TaskSpec], needs: Sequence[str]) -> None:
    """Raise BadRequest unless every artifact that the tasks read is of a job that theirs needs."""
    for name in {name for task in plan for name in task.inputs}:
        parts = split_reference(name)
        if parts is not None and parts[0] not in needs:
            raise BadRequest(f"{name!r} is no asset and no file of a job that this one needs.", param="needs")
    own = {name for task in plan for name in task.needs}
    if both := sorted(own.intersection(needs)):
        raise BadRequest(f"{both[0]!r} is a task's name in this job; call the row otherwise.", param="needs")
