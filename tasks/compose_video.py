"""The kind `compose-video`: a film and a sound become one film, whose pictures stay as they are."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Kind, Params, TaskSpec
from farm.money import milli

STEP = "compose"
VIDEO = "video"  # the artifact
PRICE = "compose"
_ESTIMATED_S = 4.0
_SOFT_S = 900.0

Asset = Annotated[str, Field(min_length=1, max_length=64)]
Volume = Annotated[float, Field(ge=0, le=1)]


class ComposeVideo(Params):
    """What to put together. `video` and `audio` are ids of assets; the sound of a film will do as `audio`.

    With `replace_audio` the film's own sound goes, else it stays below and gives way while the new one
    speaks. The film stays as long as it was, and a longer sound is faded out, unless `hold_last_frame`: then
    its last picture stays until all was heard.
    """

    kind: ClassVar[str] = "compose-video"

    video: Asset
    audio: Asset
    replace_audio: bool = True
    audio_volume: Volume = 1.0
    video_volume: Volume = 1.0
    hold_last_frame: bool = False
    offset_s: float = Field(default=0.0, ge=0, description="The sound begins so long after the film.")


def _plan(params: ComposeVideo) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="cpu-render",
            params=params.model_dump(mode="json"),
            inputs=tuple(dict.fromkeys((params.video, params.audio))),
            estimated_s=_ESTIMATED_S,
            soft_s=_SOFT_S,
            hard_s=_SOFT_S + 60,
        ),
    )


def _price_mc(_params: ComposeVideo, catalog: Catalog) -> int:
    return milli(catalog.generation_prices[PRICE])


KIND = Kind(
    name=ComposeVideo.kind,
    version=1,
    params=ComposeVideo,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.cpu_render.compose_video:perform"},
    summary="Put a sound onto a film: instead of its own, or mixed with it.",
)
