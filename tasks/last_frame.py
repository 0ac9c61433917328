"""The kind `last-frame`: the last frame of a video as a picture, for another video to go on from."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Kind, Params, TaskSpec
from farm.money import milli

STEP = "extract"
PICTURE = "last-frame"  # the artifact
PRICE = "last_frame"


class LastFrame(Params):
    """`video` is the id of an asset."""

    kind: ClassVar[str] = "last-frame"

    video: str = Field(min_length=1, max_length=64)


def _plan(params: LastFrame) -> Sequence[TaskSpec]:
    said = params.model_dump(mode="json")
    return (
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="cpu-render",
            params=said,
            inputs=(params.video,),
            soft_s=120,
            hard_s=150,
        ),
    )


def _price_mc(_params: LastFrame, catalog: Catalog) -> int:
    return milli(catalog.studio_prices[PRICE])


KIND = Kind(
    name=LastFrame.kind,
    version=1,
    params=LastFrame,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.cpu_render.last_frame:perform"},
    summary="Take the last frame of a video as a picture.",
)
