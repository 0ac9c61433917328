"""The kind `generate-video`: a film from a prompt, and perhaps from a first and a last picture."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import Field, model_validator

from farm.catalog import Catalog
from farm.kinds import Kind, Params, Route, TaskSpec
from farm.models import Capability, Wish
from farm.moderation import Told
from farm.providers import AUTO
from tasks.camera import Camera, motion_words
from tasks.generate_image import angle_words

STEP = "generate"
PERFORMER = "workers.gpu_generate.generate:perform"
VIDEO = "video"  # the artifact
HANDED_ON = "picture"  # the artifact that another video begins with
PROMPT_CHARACTERS = 4_000
MOST_CHARACTERS = 4  # to keep alike
MOST_SEED = 2**53 - 1  # what JSON's readers keep exact
SOFT_S, HARD_S = 600.0, 660.0  # C-093: ten minutes
_MOST_TOLD = PROMPT_CHARACTERS + 400  # with what is said of the camera


class GenerateVideo(Params):
    """What to make. Numbers that the model cannot have are brought to the nearest, as the result tells.

    Without `frames`, `length_s` says how many; what is not said at all is the model's own default.
    `image` and `last_image` are ids of assets, as are `images` (pictures of characters to keep alike) and
    `style_image`. Without a `seed` each run is another. `image_url` is where `image` came from, told back.
    Another video goes on from its picture at `hand_on_s`: an engine that writes on its pictures leaves that
    one unwritten as HANDED_ON; without it the picture is taken out of the video. `told_prompt` is the prompt
    as it was written, for engines that show it.
    """

    kind: ClassVar[str] = "generate-video"

    prompt: str = Field(min_length=1, max_length=_MOST_TOLD)
    negative_prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True
    image: str | None = Field(default=None, min_length=1, description="Id of the picture it begins with")
    last_image: str | None = Field(default=None, min_length=1, description="Id of the picture it ends with")
    audio: str | None = Field(default=None, min_length=1, description="Id of the sound it is made after")
    video: str | None = Field(default=None, min_length=1, description="Id of the video it is made after")
    strength: float | None = Field(default=None, ge=0, le=1, description="How much of `video` may change")
    images: tuple[str, ...] = Field(default=(), max_length=MOST_CHARACTERS)
    style_image: str | None = Field(default=None, min_length=1, description="Id of a picture in the style")
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
    camera_angle: str = Field(default="", max_length=64)
    camera: Camera | None = None
    motion: float | None = Field(default=None, ge=0, le=1, description="From calm to lively")
    sound: bool | None = Field(
        default=None, description="With sound, where the model makes any; null: as it makes it"
    )
    watermark: bool = False
    image_url: str | None = Field(default=None, max_length=2_000)
    hand_on_s: float | None = Field(default=None, ge=0)
    told_prompt: str | None = Field(default=None, max_length=_MOST_TOLD)

    @property
    def full_prompt(self) -> str:
        """What a model is asked for: the prompt, and in words what the camera does and how lively it is."""
        camera = self.camera.words if self.camera else ""
        motion = motion_words(self.motion) if self.motion is not None else ""
        angle = angle_words(self.camera_angle) if self.camera_angle else ""
        more = [words for words in (angle, camera, motion) if words]
        said = self.prompt.rstrip().removesuffix(".")
        return f"{said}. {', '.join(more).capitalize()}." if more else self.prompt

    @property
    def capability(self) -> Capability:
        """What is asked of a model, by what was handed in."""
        if self.video is not None:
            return Capability.VIDEO_TO_VIDEO
        if self.audio is not None:
            return Capability.SOUND_TO_VIDEO
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

    @property
    def files(self) -> tuple[str, ...]:
        """The files that its task reads, each once."""
        named = (self.image, self.last_image, self.audio, self.video, *self.images, self.style_image)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def for_engines(self) -> "GenerateVideo":
        """The same with everything that is words in the prompt: what engines get."""
        said = {"prompt": self.full_prompt, "camera_angle": "", "camera": None, "motion": None}
        return self.model_copy(update={**said, "told_prompt": self.prompt, "image_url": None})

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.last_image is not None and self.image is None:
            raise ValueError("last_image needs an image to begin with")
        if len(self.full_prompt) > _MOST_TOLD:
            raise ValueError("the prompt is too long for what the camera is to do as well")
        return self


def _plan(params: GenerateVideo) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name="generate",
            step=STEP,
            params=params.for_engines.model_dump(mode="json"),
            inputs=params.files,
            route=params.route,
            soft_s=SOFT_S,
            hard_s=HARD_S,
        ),
    )


def price_mc(params: GenerateVideo, catalog: Catalog) -> int:
    """As the first candidate prices it."""
    return catalog.providers.candidates(params.route)[0].price_mc


def _told(params: GenerateVideo) -> Told:
    texts = {"prompt": params.prompt, "camera_angle": params.camera_angle}
    return Told(capability=params.capability, texts={name: text for name, text in texts.items() if text})


KIND = Kind(
    name=GenerateVideo.kind,
    version=2,
    params=GenerateVideo,
    plan=_plan,
    price_mc=price_mc,
    steps={STEP: PERFORMER},
    summary="Generate a video from a prompt, or from a picture and a prompt.",
    told=_told,
)
