"""The kind `generate-video`: a film from a prompt, and perhaps from a first and a last picture."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import Field, model_validator

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.models import Capability, Wish
from farm.providers import AUTO

STEP = "generate"
VIDEO = "video"  # the artifact
PROMPT_CHARACTERS = 4_000
MOST_SEED = 2**53 - 1  # what JSON's readers keep exact
_SOFT_S, _HARD_S = 600.0, 660.0  # C-093: ten minutes


class GenerateVideo(Params):
    """What to make. Numbers that the model cannot have are brought to the nearest, as the result tells.

    Without `frames`, `length_s` says how many; what is not said at all is the model's own default.
    `image` and `last_image` are ids of assets. Without a `seed` each run is another.
    """

    kind: ClassVar[str] = "generate-video"

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS)
    negative_prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True
    image: str | None = Field(default=None, min_length=1, description="Id of the picture it begins with")
    last_image: str | None = Field(default=None, min_length=1, description="Id of the picture it ends with")
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    frames: int | None = Field(default=None, gt=0)
    length_s: Decimal | None = Field(default=None, gt=0)
    frame_rate: int | None = Field(default=None, gt=0, le=120)
    steps: int | None = Field(default=None, gt=0)
    cfg: float | None = Field(default=None, ge=0, le=50)
    seed: int | None = Field(default=None, ge=0, le=MOST_SEED)
    sampler: str | None = Field(default=None, max_length=64)
    scheduler: str | None = Field(default=None, max_length=64)
    shift: float | None = Field(default=None, ge=0, le=100)

    @property
    def capability(self) -> Capability:
        """What is asked of a model, by what was handed in."""
        if self.last_image is not None:
            return Capability.FIRST_LAST_FRAME
        return Capability.IMAGE_TO_VIDEO if self.image is not None else Capability.TEXT_TO_VIDEO

    @property
    def wish(self) -> Wish:
        """What rules and prices look at."""
        return Wish(
            width=self.width,
            height=self.height,
            frames=self.frames,
            length_s=self.length_s,
            frame_rate=self.frame_rate,
            steps=self.steps,
        )

    @property
    def route(self) -> Route:
        return Route(capability=self.capability, model=self.model, failover=self.failover, wish=self.wish)

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Self:
        if self.last_image is not None and self.image is None:
            raise ValueError("last_image needs an image to begin with")
        return self


def _plan(params: GenerateVideo) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name="generate",
            step=STEP,
            params=params.model_dump(mode="json"),
            inputs=tuple(asset for asset in (params.image, params.last_image) if asset is not None),
            route=params.route,
            soft_s=_SOFT_S,
            hard_s=_HARD_S,
        ),
    )


def _price_mc(params: GenerateVideo, catalog: Catalog) -> int:
    return catalog.providers.candidates(params.route)[0].price_mc


KIND = Kind(
    name=GenerateVideo.kind,
    version=1,
    params=GenerateVideo,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.gpu_generate.generate:perform"},
    summary="Generate a video from a prompt, or from a picture and a prompt.",
)
