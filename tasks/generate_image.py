"""The kind `generate-image`: pictures from a prompt, perhaps after pictures of a character or a style."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.models import Capability, Wish
from farm.moderation import Told
from farm.providers import AUTO

STEP = "generate"
PERFORMER = "workers.gpu_generate.generate:perform"
PROMPT_CHARACTERS = 4_000
_ANGLE_CHARACTERS = 100  # that what is said beside the prompt may add to it
MOST_PICTURES = 10
MOST_CHARACTERS = 4
MOST_SEED = 2**53 - 1  # what JSON's readers keep exact

_ANGLES = {
    "isometric": "isometric view",
    "low-angle": "low-angle shot, looking up",
    "high-angle": "high-angle shot, looking down",
    "bird-eye": "bird's-eye view from straight above",
    "worm-eye": "worm's-eye view from the ground",
    "eye-level": "shot at eye level",
}


class PictureParams(Params):
    """What the kinds that make pictures have in common: the prompt, the model's own settings, the file.

    Numbers that the model cannot have are brought to the nearest, as the result tells; what is not said is
    the model's own default. Picture `n` of a job with a `seed` has the seed + n. A transparent ground makes
    every file a PNG.
    """

    kind: ClassVar[str] = ""
    capability: ClassVar[Capability]

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS + _ANGLE_CHARACTERS)
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
    quality: Literal["standard", "hd"] = "standard"
    background: Literal["auto", "transparent"] = "auto"
    output_format: Literal["png", "jpeg", "webp"] = "png"
    style_image: str | None = Field(default=None, min_length=1, description="Id of a picture in the style")
    watermark: bool = False

    @property
    def full_prompt(self) -> str:
        """What a model is asked for: the prompt and what other parameters say in words."""
        return self.prompt

    @property
    def for_engines(self) -> Self:
        """The same with everything that is words in the prompt: what engines get."""
        return self.model_copy(update={"prompt": self.full_prompt})

    @property
    def wish(self) -> Wish:
        """What rules and prices look at."""
        return Wish(width=self.width, height=self.height, steps=self.steps, count=self.count)

    @property
    def route(self) -> Route:
        return Route(capability=self.capability, model=self.model, failover=self.failover, wish=self.wish)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The assets that its task reads."""
        return () if self.style_image is None else (self.style_image,)


class GenerateImage(PictureParams):
    """`images` are ids of pictures of characters to keep alike; `camera_angle` a word such as `isometric`."""

    kind: ClassVar[str] = "generate-image"
    capability: ClassVar[Capability] = Capability.TEXT_TO_IMAGE

    images: tuple[str, ...] = Field(default=(), max_length=MOST_CHARACTERS)
    camera_angle: str = Field(default="", max_length=64)

    @property
    def full_prompt(self) -> str:
        return f"{self.prompt}, {angle_words(self.camera_angle)}" if self.camera_angle else self.prompt

    @property
    def for_engines(self) -> Self:
        return self.model_copy(update={"prompt": self.full_prompt, "camera_angle": ""})

    @property
    def pictures(self) -> tuple[str, ...]:
        return (*self.images, *super().pictures)


def angle_words(angle: str) -> str:
    """A camera angle as a prompt says it."""
    return _ANGLES.get(angle) or f"{angle.replace('-', ' ').replace('_', ' ')} camera angle"


def image_name(number: int) -> str:
    """The artifact of the `number`-th picture, from 1."""
    return f"image-{number}"


def plan_picture(params: PictureParams) -> Sequence[TaskSpec]:
    """One task that makes all pictures, at a provider."""
    inputs = tuple(dict.fromkeys(params.pictures))
    said = params.for_engines.model_dump(mode="json")
    return (TaskSpec(name="generate", step=STEP, params=said, inputs=inputs, route=params.route),)


def price_picture_mc(params: PictureParams, catalog: Catalog) -> int:
    """As the first candidate prices it."""
    return catalog.providers.candidates(params.route)[0].price_mc


def told_of_picture(params: PictureParams) -> Told:
    """What moderation reads."""
    return Told(capability=params.capability, texts={"prompt": params.full_prompt})


KIND = Kind(
    name=GenerateImage.kind,
    version=2,
    params=GenerateImage,
    plan=plan_picture,
    price_mc=price_picture_mc,
    steps={STEP: PERFORMER},
    summary="Generate pictures from a prompt.",
    told=told_of_picture,
)
