"""POST /api/generate/chart-to-video: a chart, from data or from a picture of one, becomes a film."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Self

from fastapi.concurrency import run_in_threadpool
from pydantic import Field, ValidationError, model_validator

from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.errors import refused_params
from farm.api.fetched import Wanted, fetched
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, submits
from farm.api.surfaces.generations.asked import ToldAtTheEnd, Url
from farm.api.surfaces.generations.shared_status import GenerationStatus, submitted
from farm.doors.submit import order, submit
from farm.errors import BadRequest
from farm.job import JobSpec
from tasks.generate_chart import (
    LONGEST_S,
    TITLE_CHARACTERS,
    AnimationStyle,
    ChartData,
    GenerateChart,
)

PREFIX = "chart"
_PICTURES_STYLES = ("ken_burns", "reveal")
_WIRE_NAMES = {"chart": "chart_data", "image": "chart_image_url", "length_s": "duration"}

router = farm_router("/api/generate", "generations")


class ChartRequest(ToldAtTheEnd):
    """`chart_data`, or `chart_image_url`: a picture has no parts, so its styles are ken_burns and reveal.

    Without `animation_style` data builds up and a picture is shown by ken_burns. `duration` is in seconds.
    """

    chart_image_url: Url | None = None
    chart_data: ChartData | None = None
    animation_style: AnimationStyle | None = None
    title: Annotated[str, Field(max_length=TITLE_CHARACTERS)] = ""
    duration: Annotated[float, Field(strict=True, ge=1, le=LONGEST_S)] = 8

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.chart_data is None) == (self.chart_image_url is None):
            raise ValueError("give chart_data or chart_image_url, and not both")
        return self

    @property
    def style(self) -> AnimationStyle:
        """As asked, or what suits the source. Raises BadRequest for a style that a picture cannot have."""
        if self.chart_data is not None:
            return self.animation_style or "build_up"
        style = self.animation_style or "ken_burns"
        if style not in _PICTURES_STYLES:
            known = " or ".join(_PICTURES_STYLES)
            raise BadRequest(
                f"A picture of a chart has no parts to {style}: take {known}, or send chart_data.",
                param="animation_style",
            )
        return style


@router.post("/chart-to-video", status_code=202, openapi_extra=submits("generations"))
async def chart_to_video(
    body: ChartRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, once: MadeOnce
) -> GenerationStatus:
    """Make a chart move: line, bar, pie and area from data, or a picture of any chart."""
    params = params_of(body)
    spec = await run_in_threadpool(body.spec, desk, params, PREFIX)
    await run_in_threadpool(_check, desk, spec)  # refused before a picture is fetched
    if body.chart_image_url is not None:
        wanted = [Wanted(body.chart_image_url, "chart_image_url")]
        (image,) = await fetched(desk, caller.account, wanted, base_url)
        spec = replace(spec, params=params.model_copy(update={"image": image.id}))
    made = await run_in_threadpool(submit, desk.hall, caller, spec, once)
    return await run_in_threadpool(submitted, desk, caller.account.id, made.job_id, base_url)


def _check(desk: Desk, spec: JobSpec) -> None:
    """Raise what the submit would, in the call's own words."""
    try:
        order(desk.hall, spec)
    except BadRequest as error:
        raise _in_wire_names(error) from None


def params_of(body: ChartRequest) -> GenerateChart:
    """What is asked of the farm, before a picture has come."""
    try:
        return GenerateChart(
            chart=body.chart_data,
            image="chart_image_url" if body.chart_image_url is not None else None,
            animation_style=body.style,
            title=body.title,
            length_s=Decimal(str(body.duration)),
        )
    except ValidationError as error:
        raise _in_wire_names(refused_params(error, "")) from None


def _in_wire_names(error: BadRequest) -> BadRequest:
    first, dot, rest = (error.param or "").partition(".")
    name = f"{_WIRE_NAMES.get(first, first)}{dot}{rest}"
    return BadRequest(error.message, param=name or None, code=error.public_code)
