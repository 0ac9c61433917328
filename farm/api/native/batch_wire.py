"""What the batch routes take and give."""

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from farm.api.native.wire import Asked, JobView
from farm.api.routing import ErrorAnswer
from farm.batch import LONGEST_CUSTOM_ID, Batch, BatchState, Rejected, Stop, Taken
from farm.job import DEFAULT_PRIORITY
from farm.money import credits

CustomId = Annotated[str, Field(min_length=1, max_length=LONGEST_CUSTOM_ID)]
MaxRunning = Annotated[int, Field(ge=1, le=1_000_000)]


class BatchRow(Asked):
    """One row: a job. `params` go over the batch's defaults; rows named in `needs` must complete first.

    A value `{"$artifact": "CUSTOM_ID.ARTIFACT"}` within `params` is that row's finished file, and needs it.
    """

    custom_id: CustomId | None = Field(default=None, description="Unique in the batch; without it line-N.")
    kind: str | None = Field(default=None, max_length=64)
    params: dict[str, JsonValue] = Field(default_factory=dict)
    needs: list[CustomId] = Field(default_factory=list, max_length=100)
    priority: int = Field(default=DEFAULT_PRIORITY, ge=0, le=9)
    start_after: float | None = Field(default=None, ge=0)
    deadline: float | None = Field(default=None, ge=0)
    reference: str | None = Field(default=None, max_length=200)
    webhook_url: str | None = Field(default=None, max_length=2000, description="Told of this row's end.")
    webhook_auto_retry: bool = Field(default=False, description="As of a single job.")


class BatchRequest(Asked):
    """A batch. Without `jobs` it is open, and takes rows until it is closed."""

    name: str = Field(default="", max_length=200)
    kind: str | None = Field(default=None, max_length=64, description="Of rows that name none.")
    defaults: dict[str, JsonValue] = Field(default_factory=dict, description="Params of every row.")
    max_running: MaxRunning | None = Field(default=None, description="Jobs of it that run at once.")
    webhook_url: str | None = Field(default=None, max_length=2000, description="Told of the batch's end.")
    jobs: list[BatchRow] | None = Field(
        default=None, min_length=1, max_length=5000, description="All of its rows: the batch is closed."
    )


class BatchChange(Asked):
    """Null lifts the bound."""

    max_running: MaxRunning | None


class CountsView(BaseModel):
    """Rows by the state of their latest job, and rows that became none."""

    total: int
    queued: int
    running: int
    completed: int
    failed: int
    cancelled: int
    rejected: int


class BatchView(BaseModel):
    """A batch. `partial_failure`: some of its jobs failed or some rows were refused. `eta_s` is a guess."""

    id: str
    name: str
    kind: str | None
    state: BatchState
    paused: bool
    partial_failure: bool
    max_running: int | None
    webhook_url: str | None
    counts: CountsView
    progress: float
    eta_s: float | None
    credits_held: float
    credits_charged: float
    created_at: float
    closed_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, batch: Batch) -> "BatchView":
        counts = batch.counts
        return cls(
            id=batch.id,
            name=batch.name,
            kind=batch.kind,
            state=batch.state,
            paused=batch.paused,
            partial_failure=bool(counts.failed or counts.rejected),
            max_running=batch.max_running,
            webhook_url=batch.webhook_url,
            counts=CountsView.model_validate(counts, from_attributes=True),
            progress=counts.ended / counts.total if counts.total else 0.0,
            eta_s=batch.eta_s,
            credits_held=credits(counts.held_mc),
            credits_charged=credits(counts.charged_mc),
            created_at=batch.created_at,
            closed_at=batch.closed_at,
            ended_at=batch.ended_at,
        )


class BatchPage(BaseModel):
    """Batches, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[BatchView]
    next_cursor: str | None


class BatchJobPage(BaseModel):
    """The rows' latest jobs, in the order they were submitted."""

    data: list[JobView]
    next_cursor: str | None


class StopView(BaseModel):
    """The row at which the credits ended: it and all after it were not taken. `line` counts from 1."""

    line: int
    custom_id: str
    code: str
    message: str

    @classmethod
    def of(cls, stop: Stop | None) -> "StopView | None":
        return None if stop is None else cls(**{name: getattr(stop, name) for name in cls.model_fields})


class TakenView(BaseModel):
    """What became of the rows that were sent. `known` rows were there from an earlier upload."""

    batch_id: str
    accepted: int
    known: int
    rejected: int
    stopped_at: StopView | None
    ignored_columns: list[str] = Field(description="Of a CSV: columns that name no parameter.")

    @classmethod
    def of(cls, batch_id: str, taken: Taken, ignored: list[str]) -> "TakenView":
        return cls(
            batch_id=batch_id,
            accepted=taken.accepted,
            known=taken.known,
            rejected=taken.rejected,
            stopped_at=StopView.of(taken.stopped_at),
            ignored_columns=ignored,
        )


class RetriedView(BaseModel):
    """Failed rows that have a new job. Call again while `remaining` is not 0."""

    batch_id: str
    retried: int
    remaining: int
    stopped_at: StopView | None


class TakenStopped(ErrorAnswer, TakenView):
    """The same as a refusal: the credits ended at row `stopped_at`."""


class RetriedStopped(ErrorAnswer, RetriedView):
    """The same as a refusal: the credits ended at row `stopped_at`."""


class RejectedView(BaseModel):
    """A row that became no job, and why."""

    line: int
    custom_id: str | None
    field: str | None
    code: str
    reason: str

    @classmethod
    def of(cls, rejected: Rejected) -> "RejectedView":
        return cls(**{name: getattr(rejected, name) for name in cls.model_fields})
