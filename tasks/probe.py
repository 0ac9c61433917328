"""The kind `probe`: a task that behaves as told, in any pool; for tests and `farm doctor`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from farm.catalog import Catalog
from farm.errors import FailureClass
from farm.kinds import Kind, Params, TaskSpec

STEP = "probe"
_LEAST_S = 0.01


class Probe(Params):
    """What to do, in this order: allocate, sleep and burn with progress, misbehave, write, answer.

    `fail_class`, `exit_code`, `kill_signal` and `hang_c_s` are the misbehaviours; with `fail_times` only the
    first so many attempts misbehave. Times are seconds.
    """

    kind: ClassVar[str] = "probe"

    pool: Literal["cpu-render", "gpu-generate", "asr-align", "vision-describe"] = "cpu-render"
    inputs: tuple[str, ...] = Field(
        default=(), description="Ids of assets to fetch; their sizes are answered"
    )
    allocate_mb: int = Field(default=0, ge=0)
    sleep_s: float = Field(default=0.0, ge=0)
    burn_s: float = Field(default=0.0, ge=0)
    progress_steps: int = Field(default=10, ge=1, description="Parts sleeping and burning is cut into")
    ignore_cancel: bool = False
    fail_class: FailureClass | None = None
    fail_times: int | None = Field(default=None, ge=0)
    exit_code: int | None = None
    kill_signal: int | None = None
    hang_c_s: float = Field(default=0.0, ge=0, description="Stuck in C, holding the interpreter's lock")
    write_bytes: int | None = Field(default=None, ge=0, description="Size of an artifact named `bytes`")
    echo: JsonValue = None
    grow: int = Field(default=0, ge=0, description="How many further tasks to answer with")
    estimated_s: float | None = Field(default=None, gt=0)
    model: str | None = Field(
        default=None,
        max_length=200,
        description="What it says lies loaded, and likes to find so",
    )
    price_mc: int = Field(default=0, ge=0, description="What the job costs, in milli-credits")
    soft_s: float = Field(default=600.0, gt=0)
    hard_s: float = Field(default=660.0, gt=0)
    no_progress_s: float | None = Field(default=None, ge=0)
    say: str | None = Field(default=None, max_length=500, description="A line for the log, at every step")


def task(params: Probe, name: str = "probe") -> TaskSpec:
    """One probe task."""
    return TaskSpec(
        name=name,
        step=STEP,
        pool=params.pool,
        params=params.model_dump(mode="json"),
        inputs=params.inputs,
        estimated_s=params.estimated_s or max(_LEAST_S, params.sleep_s + params.burn_s),
        soft_s=params.soft_s,
        hard_s=params.hard_s,
        no_progress_s=params.no_progress_s,
        affinity=params.model,
    )


def _plan(params: Probe) -> Sequence[TaskSpec]:
    return (task(params),)


def _price_mc(params: Probe, _catalog: Catalog) -> int:
    return params.price_mc


KIND = Kind(
    name=Probe.kind,
    version=1,
    params=Probe,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.probe:perform"},
    summary="Behave as told, in any pool: sleep, burn, fail, hang, crash, write.",
    for_operators=True,
)
