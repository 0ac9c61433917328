"""The kind `generate-image`: pictures from a prompt."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.models import Capability, Wish
from farm.providers import AUTO

STEP = "generate"
PROMPT_CHARACTERS = 4_000
MOST_PICTURES = 10
MOST_SEED = 2**53 - 1  # what JSON's readers keep exact


class GenerateImage(Params):
    """What to make. Numbers that the model cannot have are brought to the nearest, as the result tells.

    What is not said is the model's own default. Picture `n` of a job with a `seed` has the seed + n.
    """

    kind: ClassVar[str] = "generate-image"

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS)
    negative_prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True
    count: int = Field(default=1, ge=1, le=MOST_PICTURES)
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, gt=0)
    cfg: float | None = Field(default=None, ge=0, le=50)
    seed: int | None = Field(default=None, ge=0, le=MOST_SEED)
    sampler: str | None = Field(default=None, max_length=64)
    scheduler: str | None = Field(default=None, max_length=64)

    @property
    def wish(self) -> Wish:
        """What rules and prices look at."""
        return Wish(width=self.width, height=self.height, steps=self.steps, count=self.count)

    @property
    def route(self) -> Route:
        capability = Capability.TEXT_TO_IMAGE
        return Route(capability=capability, model=self.model, failover=self.failover, wish=self.wish)


def image_name(number: int) -> str:
    """The artifact of the `number`-th picture, from 1."""
    return f"image-{number}"


def _plan(params: GenerateImage) -> Sequence[TaskSpec]:
    return (TaskSpec(name="generate", step=STEP, params=params.model_dump(mode="json"), route=params.route),)


def _price_mc(params: GenerateImage, catalog: Catalog) -> int:
    return catalog.providers.candidates(params.route)[0].price_mc


KIND = Kind(
    name=GenerateImage.kind,
    version=1,
    params=GenerateImage,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.gpu_generate.generate:perform"},
    summary="Generate pictures from a prompt.",
)
