"""The kind `generate-chart`: a film of a chart, drawn from data or shown from a picture."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.models import Capability, Wish
from farm.moderation import Told
from farm.noun import Noun
from farm.providers import AUTO

STEP = "draw"
MOST_POINTS = 10_000
_MOST_BARS = 200  # and slices: more of them cannot be told apart
MOST_SERIES = 8
TITLE_CHARACTERS = 120
LONGEST_S = 60
_LARGEST = 1e24  # sums and differences of such numbers are numbers yet

ChartType = Literal["line", "bar", "pie", "area"]
AnimationStyle = Literal["ken_burns", "build_up", "reveal", "morph"]
_FOREIGN = ConfigDict(extra="ignore")  # of the format that charts come in elsewhere, with colours and options


def _text(value: object) -> object:
    """A year is a label as well, and none is an empty one."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Label = Annotated[str, BeforeValidator(_text), Field(max_length=60)]
Number = Annotated[float, Field(strict=True, ge=-_LARGEST, le=_LARGEST)]


class Dataset(Noun):
    """One row of numbers, as many as the chart has labels; null where one is missing."""

    model_config = _FOREIGN

    label: Label = ""
    data: tuple[Number | None, ...] = Field(min_length=1, max_length=MOST_POINTS)


class ChartData(Noun):
    """What a chart shows, as Chart.js has it; fields that are not named here are passed over.

    A pie shows its first dataset, whose numbers are its shares.
    """

    model_config = _FOREIGN

    type: ChartType = "line"
    labels: tuple[Label, ...] = Field(min_length=1, max_length=MOST_POINTS)
    datasets: tuple[Dataset, ...] = Field(min_length=1, max_length=MOST_SERIES)

    @property
    def shares(self) -> tuple[float, ...]:
        """The numbers of a pie; one that is missing is nothing."""
        return tuple(value or 0.0 for value in self.datasets[0].data)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for number, dataset in enumerate(self.datasets):
            if len(dataset.data) != len(self.labels):
                raise ValueError(
                    f"datasets[{number}].data has {len(dataset.data)} numbers for {len(self.labels)} labels"
                )
        if self.type in ("bar", "pie") and len(self.labels) > _MOST_BARS:
            raise ValueError(f"a {self.type} chart has {_MOST_BARS} labels at most; line and area take more")
        if all(value is None for dataset in self.datasets for value in dataset.data):
            raise ValueError("there is no number in its datasets")
        if self.type == "pie" and (min(self.shares) < 0 or sum(self.shares) <= 0):
            raise ValueError("the numbers of a pie are shares: none below 0, and not all 0")
        return self


class GenerateChart(Params):
    """What to draw: `chart` from data, or `image`, the id of a picture of a chart. A picture has no parts to
    build up, so it is shown by ken_burns, or by reveal."""

    kind: ClassVar[str] = "generate-chart"

    chart: ChartData | None = None
    image: str | None = Field(default=None, min_length=1, description="Id of a picture of a chart")
    animation_style: AnimationStyle = "build_up"
    title: str = Field(default="", max_length=TITLE_CHARACTERS)
    length_s: Decimal = Field(default=Decimal(8), ge=1, le=LONGEST_S)
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    frame_rate: int | None = Field(default=None, gt=0, le=60)
    model: str = Field(default=AUTO, min_length=1, max_length=64)

    @property
    def wish(self) -> Wish:
        """What rules and prices look at."""
        return Wish(width=self.width, height=self.height, length_s=self.length_s, frame_rate=self.frame_rate)

    @property
    def route(self) -> Route:
        return Route(capability=Capability.CHART_TO_VIDEO, model=self.model, wish=self.wish)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.chart is None) == (self.image is None):
            raise ValueError("give chart or image, and not both")
        if self.image is not None and self.animation_style in ("build_up", "morph"):
            raise ValueError("a picture has no parts: animation_style is ken_burns or reveal")
        return self


def _plan(params: GenerateChart) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name="draw",
            step=STEP,
            params=params.model_dump(mode="json"),
            inputs=(params.image,) if params.image is not None else (),
            route=params.route,
        ),
    )


def _price_mc(params: GenerateChart, catalog: Catalog) -> int:
    return catalog.providers.candidates(params.route)[0].price_mc


def _told(params: GenerateChart) -> Told:
    words = {"title": params.title}
    if params.chart is not None:
        words["chart.labels"] = " · ".join(params.chart.labels)
        words["chart.datasets"] = " · ".join(dataset.label for dataset in params.chart.datasets)
    return Told(capability=Capability.CHART_TO_VIDEO, texts=words)


KIND = Kind(
    name=GenerateChart.kind,
    version=1,
    params=GenerateChart,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.gpu_generate.generate:perform"},
    summary="Make a chart move: drawn from data, or shown from a picture.",
    told=_told,
)
