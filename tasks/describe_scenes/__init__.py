"""describe-scenes: ordered pictures become descriptions, with cues chosen from the narration's own words.

One task looks at all pictures, because cues are chosen for all of them together. Who describes is a route of
configs/providers.toml: a model, or the embedded measured description.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.money import PriceLine, milli
from farm.noun import Noun
from farm.providers import AUTO
from tasks.describe_scenes.checks import BrokenScenes, DescribeLimits, checked
from tasks.describe_scenes.metadata import LEAST_DESCRIPTION, MAX_DESCRIPTION, MAX_IMAGES, Metadata
from tasks.describe_scenes.scenes import SCENES, Described, SceneText, Source

__all__ = [
    "CAPABILITY",
    "KIND",
    "MEASURED",
    "SCENES",
    "STEP",
    "BrokenScenes",
    "DescribeLimits",
    "DescribeScenes",
    "Described",
    "Metadata",
    "SceneImage",
    "SceneText",
    "Source",
]

STEP = "describe"
CAPABILITY = "scene-description"
MEASURED = "measured"  # the model of who describes without one
_SOFT_S, _SOFT_EACH_S = 900.0, 60.0
_STILL_S = 600.0  # the longest silent step is to load a model


class SceneImage(Noun):
    """One picture: an upload, or an artifact of another job of the batch."""

    asset_id: str = Field(min_length=1, max_length=300)
    file_name: str = Field(default="", max_length=300)
    size_bytes: int | None = Field(default=None, gt=0)


class DescribeScenes(Params):
    """Pictures in the order of their scenes. `metadata` is as the postproduction surface takes it."""

    kind: ClassVar[str] = "describe-scenes"

    images: tuple[SceneImage, ...] = Field(min_length=1, max_length=MAX_IMAGES)
    metadata: Metadata = Metadata()
    model: str = Field(default=AUTO, min_length=1, max_length=100)
    max_description: int = Field(default=MAX_DESCRIPTION, ge=LEAST_DESCRIPTION, le=MAX_DESCRIPTION)

    @property
    def route(self) -> Route:
        """Who describes; priced by the picture."""
        return Route(capability=CAPABILITY, model=self.model, units=Decimal(len(self.images)))


def plan(params: DescribeScenes) -> Sequence[TaskSpec]:
    """One task. Raises BrokenScenes."""
    sizes = [image.size_bytes for image in params.images]
    checked(params.metadata.model_dump(mode="json", exclude_unset=True), sizes)
    soft_s = _SOFT_S + _SOFT_EACH_S * len(params.images)
    return [
        TaskSpec(
            name=STEP,
            step=STEP,
            params=params.model_dump(mode="json"),
            inputs=tuple(dict.fromkeys(image.asset_id for image in params.images)),
            route=params.route,
            soft_s=soft_s,
            hard_s=soft_s + 60,
            no_progress_s=_STILL_S,
        )
    ]


def price_mc(params: DescribeScenes, catalog: Catalog) -> int:
    """The sum of its lines."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: DescribeScenes, catalog: Catalog) -> Sequence[PriceLine]:
    """The base with some pictures, each picture more, each scene in more detail, and the model's own."""
    prices = catalog.postproduction_prices
    images = len(params.images)
    more = max(0, images - int(prices["describe_included_images"]))
    marked = len(params.metadata.in_detail(images))
    lines = (
        ("base", milli(prices["describe_scenes"])),
        ("extra_images", more * milli(prices["describe_extra_image"])),
        ("extra_detail", marked * milli(prices["describe_extra_detail"])),
        ("model", catalog.providers.candidates(params.route)[0].price_mc),
    )
    return [PriceLine(name, amount_mc) for name, amount_mc in lines if amount_mc or name == "base"]


KIND = Kind(
    name=DescribeScenes.kind,
    version=1,
    params=DescribeScenes,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={STEP: "workers.vision_describe.describe_scenes:perform"},
    summary="Descriptions of ordered pictures, with cues from the words of their narration.",
)
