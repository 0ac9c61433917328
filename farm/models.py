"""The models that may be asked for: what each makes, by which rules, at what price. Values only.

configs/models/*.toml has one entry for each. Who serves a model on this farm is said in providers.toml.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from farm.errors import BadRequest
from farm.money import milli
from farm.noun import Noun

_COMMIT = r"^([0-9a-f]{40})?$"
ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}\*?$"
_SECONDS_A_BLOCK = 10
_LONGEST_SIDE = 4096

ModelId = Annotated[str, Field(pattern=ID_PATTERN)]
Credits = Annotated[Decimal, Field(ge=0)]


class Makes(StrEnum):
    """What comes out."""

    VIDEO = "video"
    IMAGE = "image"
    MESH = "mesh"
    SPEECH = "speech"
    AUDIO = "audio"
    TEXT = "text"


class Engine(StrEnum):
    """What runs a model. A remote one runs at a service only: its weights are not to be had."""

    DIFFUSERS = "diffusers"
    COMFYUI = "comfyui"
    ANIMATIC = "animatic"
    CHARTS = "charts"
    SPEECH = "speech"
    RETOUCH = "retouch"
    REMOTE = "remote"


class Capability(StrEnum):
    """What is asked of a model; the routes of providers.toml are named so."""

    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    FIRST_LAST_FRAME = "first-last-frame"
    SOUND_TO_VIDEO = "sound-to-video"
    VIDEO_TO_VIDEO = "video-to-video"
    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_EDIT = "image-edit"
    REMOVE_BACKGROUND = "remove-background"
    UPSCALE = "upscale"
    RESTORE = "restore"
    TEXT_TO_3D = "text-to-3d"
    CHART_TO_VIDEO = "chart-to-video"
    TEXT_TO_AUDIO = "text-to-audio"
    SPEECH = "speech"
    CHAT = "chat"


class Given(StrEnum):
    """What is handed in beside a prompt."""

    IMAGE = "image"
    LAST_IMAGE = "last_image"
    AUDIO = "audio"
    VIDEO = "video"
    MASK = "mask"


class FrameRule(Noun):
    """How many frames a model can make: `step` x k + `offset`, from `least` to `most`."""

    step: int = Field(default=1, gt=0)
    offset: int = Field(default=0, ge=0)
    least: int = Field(gt=0)
    most: int = Field(gt=0)

    def nearest(self, frames: int) -> int:
        """The count nearest to `frames`; of two as near the smaller. Raises BadRequest beyond `most`."""
        if frames > self.most:
            raise BadRequest(f"frames: this model makes at most {self.most}.", param="frames")
        return max(self.least, min(self.most, _nearest(frames - self.offset, self.step) + self.offset))

    def holds(self, frames: int) -> bool:
        return self.least <= frames <= self.most and (frames - self.offset) % self.step == 0


class SizeRule(Noun):
    """Which pictures a model can make: sides that are multiples, between `least` and `most` pixels."""

    multiple: int = Field(default=8, gt=0)
    least: int = Field(default=64, gt=0)
    most: int = Field(default=2048, gt=0, le=_LONGEST_SIDE)

    def nearest(self, side: int, field: str) -> int:
        """As FrameRule's."""
        if side > self.most:
            raise BadRequest(f"{field}: this model makes at most {self.most} pixels.", param=field)
        return max(self.least, min(self.most, _nearest(side, self.multiple)))

    def holds(self, side: int) -> bool:
        return self.least <= side <= self.most and side % self.multiple == 0


class Defaults(Noun):
    """What a model is asked for where the request says nothing."""

    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    frames: int = Field(default=1, gt=0)
    frame_rate: int = Field(default=24, gt=0, le=120)
    steps: int | None = Field(default=None, gt=0)
    cfg: float | None = Field(default=None, ge=0)
    sampler: str | None = None
    scheduler: str | None = None
    shift: float | None = None


class Cost(Noun):
    """Credits: base + frames x per_frame + steps x per_step, and per_10_s for each ten seconds begun.

    Rounded up to whole credits for each picture or video.
    """

    base: Credits = Decimal(0)
    per_frame: Credits = Decimal(0)
    per_step: Credits = Decimal(0)
    per_10_s: Credits = Decimal(0)

    def credits(self, frames: int, steps: int, seconds: Fraction) -> Decimal:
        blocks = max(1, ceil(seconds / _SECONDS_A_BLOCK))
        whole = self.base + frames * self.per_frame + steps * self.per_step + blocks * self.per_10_s
        return whole.quantize(Decimal(1), ROUND_CEILING)


class Wish(Noun):
    """The part of a request that rules and prices look at. None is the model's own default.

    `length_s` asks for as many frames as last so long, where no frames are named.
    """

    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    frames: int | None = Field(default=None, gt=0)
    length_s: Decimal | None = Field(default=None, gt=0)
    frame_rate: int | None = Field(default=None, gt=0, le=120)
    steps: int | None = Field(default=None, gt=0)
    count: int = Field(default=1, gt=0)


class Change(Noun):
    """A number that a model cannot have as asked, and what it has instead."""

    field: str
    asked: int
    used: int


class Fitted(Noun):
    """A wish as its model has it; what had to change is told in `normalized`."""

    width: int
    height: int
    frames: int
    frame_rate: int
    steps: int
    count: int
    normalized: tuple[Change, ...] = ()

    @property
    def length_s(self) -> Fraction:
        return Fraction(self.frames, self.frame_rate)


class Model(Noun):
    """See configs/models/README.md, where each key is explained."""

    name: str = Field(min_length=1)
    summary: str = ""
    owner: str = Field(min_length=1)
    makes: Makes
    serves: tuple[Capability, ...] = Field(min_length=1)
    engine: Engine
    keys: Mapping[Capability, ModelId] = Field(default_factory=dict)
    pipeline: str = ""
    repository: str = ""
    revision: str = Field(default="", pattern=_COMMIT)
    parts: Mapping[str, str] = Field(default_factory=dict)
    licence: str = Field(min_length=1)
    commercial: Literal["yes", "limited", "no"]
    vram_gb: float | None = Field(default=None, gt=0)
    needs: tuple[Given, ...] = ()
    takes: tuple[Given, ...] = ()
    sound: bool = False
    frames: FrameRule | None = None
    size: SizeRule | None = None
    most_steps: int = Field(default=100, gt=0)
    defaults: Defaults = Field(default_factory=Defaults)
    cost: Cost = Field(default_factory=Cost)
    costs: Mapping[Capability, Cost] = Field(default_factory=dict)
    fallbacks: tuple[ModelId, ...] = ()

    @property
    def longest_s(self) -> Fraction | None:
        """The longest film it makes at its usual rate, None where it makes none."""
        return Fraction(self.frames.most, self.defaults.frame_rate) if self.frames else None

    @property
    def is_remote(self) -> bool:
        return self.engine is Engine.REMOTE

    def fitted(self, wish: Wish) -> Fitted:
        """The nearest that this model can make. Raises BadRequest naming the field out of its reach."""
        frame_rate = wish.frame_rate or self.defaults.frame_rate
        asked = {
            "width": wish.width or self.defaults.width or 0,
            "height": wish.height or self.defaults.height or 0,
            "frames": self._frames_asked(wish, frame_rate),
            "steps": wish.steps or self.defaults.steps or 0,
        }
        used = {name: self._nearest(name, value) for name, value in asked.items()}
        changes = (Change(field=name, asked=asked[name], used=used[name]) for name in asked)
        return Fitted(
            **used,
            frame_rate=frame_rate,
            count=wish.count,
            normalized=tuple(change for change in changes if change.asked != change.used),
        )

    def price_mc(self, fitted: Fitted, capability: Capability | None = None) -> int:
        """Milli-credits for what it makes, all pictures together."""
        cost = self.costs.get(capability, self.cost) if capability else self.cost
        return milli(cost.credits(fitted.frames, fitted.steps, fitted.length_s)) * fitted.count

    def _frames_asked(self, wish: Wish, frame_rate: int) -> int:
        if wish.frames is None and wish.length_s is not None:
            return max(1, round(wish.length_s * frame_rate))
        return wish.frames or self.defaults.frames

    def _nearest(self, name: str, value: int) -> int:
        if name == "frames":
            return self.frames.nearest(value) if self.frames else 1
        if name == "steps":
            if value > self.most_steps:
                raise BadRequest(f"steps: this model takes at most {self.most_steps}.", param="steps")
            return value
        return self.size.nearest(value, name) if self.size else value

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.engine is Engine.DIFFUSERS and not (self.pipeline and self.repository and self.vram_gb):
            raise ValueError("engine diffusers needs pipeline, repository and vram_gb")
        if self.is_remote and (self.repository or self.pipeline or self.vram_gb):
            raise ValueError("a remote model has no pipeline, repository or vram_gb")
        if self.makes in (Makes.VIDEO, Makes.IMAGE) and self.size is None:
            raise ValueError("what makes pictures needs size")
        if self.makes is Makes.VIDEO and self.frames is None:
            raise ValueError("what makes video needs frames")
        for capability in (*self.keys, *self.costs):
            if capability not in self.serves:
                raise ValueError(f"keys and costs name {capability}, which is not in serves")
        self._check_defaults()
        return self

    def _check_defaults(self) -> None:
        """A default that the model cannot make would be changed in every request."""
        sides = (self.defaults.width, self.defaults.height)
        if self.size is not None and not all(side and self.size.holds(side) for side in sides):
            raise ValueError("defaults.width and defaults.height must be sizes that size allows")
        if self.frames is not None and not self.frames.holds(self.defaults.frames):
            raise ValueError(f"defaults.frames {self.defaults.frames} is not what frames allows")


def _nearest(value: int, step: int) -> int:
    """The multiple of `step` nearest to `value`, the smaller of two as near."""
    return step * ceil(Fraction(value, step) - Fraction(1, 2))
