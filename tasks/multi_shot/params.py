"""What multi-shot is asked: prompts that become one film, and how each shot becomes the next."""

from decimal import Decimal
from typing import ClassVar, Self

from pydantic import Field, model_validator

from farm.kinds import Params, Route
from farm.models import Capability, Wish
from farm.noun import Noun
from farm.providers import AUTO
from tasks.camera import Camera
from tasks.generate_video import MOST_CHARACTERS, MOST_SEED, PROMPT_CHARACTERS
from tasks.multi_shot.layout import Transition, lay_out

MOST_SHOTS = 12
LEAST_SHOT_S = 1  # of the film; what a model makes beyond that is not shown
LONGEST_S = 60

__all__ = ["LEAST_SHOT_S", "LONGEST_S", "MOST_SHOTS", "MultiShot", "Shot", "Transition"]


class Shot(Noun):
    """One prompt, and what its camera does."""

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS)
    camera: Camera | None = None
    motion: float | None = Field(default=None, ge=0, le=1)
    cfg: float | None = Field(default=None, ge=0, le=50)


class MultiShot(Params):
    """`length_s` is the whole film's, shared evenly. `transitions` are one fewer than shots.

    `image` is what the first shot begins with; of a keyframe (`is_anchor`) the others are told as well.
    `prompt` is the first shot's, for lists. The rest is as generate-video has it, for each shot.
    """

    kind: ClassVar[str] = "multi-shot"

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS)
    shots: tuple[Shot, ...] = Field(min_length=2, max_length=MOST_SHOTS)
    transitions: tuple[Transition, ...] = ()
    length_s: Decimal = Field(gt=0, le=LONGEST_S)
    negative_prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True
    image: str | None = Field(default=None, min_length=1)
    is_anchor: bool = False
    images: tuple[str, ...] = Field(default=(), max_length=MOST_CHARACTERS)
    style_image: str | None = Field(default=None, min_length=1)
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    seed: int | None = Field(default=None, ge=0, le=MOST_SEED)
    camera_angle: str = Field(default="", max_length=64)
    sound: bool = False
    watermark: bool = False
    image_url: str | None = Field(default=None, max_length=2_000)

    @property
    def route(self) -> Route:
        """That of the first shot: what tells the model, and what a tier may have of it."""
        capability = Capability.IMAGE_TO_VIDEO if self.image is not None else Capability.TEXT_TO_VIDEO
        place = lay_out(self.length_s, len(self.shots), self.transitions)[0]
        wish = Wish(width=self.width, height=self.height, length_s=place.asked_s)
        return Route(capability=capability, model=self.model, failover=self.failover, wish=wish)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if len(self.transitions) != len(self.shots) - 1:
            raise ValueError(f"transitions: {len(self.shots)} shots have {len(self.shots) - 1} between them")
        if self.length_s < LEAST_SHOT_S * len(self.shots):
            raise ValueError(f"length_s: {len(self.shots)} shots need {LEAST_SHOT_S * len(self.shots)} s")
        return self
