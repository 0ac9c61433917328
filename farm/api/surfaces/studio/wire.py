"""What the studio surface gives of models. Field names that its document leaves open are ours (X-20)."""

from pydantic import BaseModel

from farm.models import Capability, Fitted, FrameRule, Given, Model, SizeRule, Wish
from farm.money import credits

_TYPES = {
    Capability.TEXT_TO_VIDEO: "t2v",
    Capability.IMAGE_TO_VIDEO: "i2v",
    Capability.FIRST_LAST_FRAME: "flf",
    Capability.SOUND_TO_VIDEO: "s2v",
    Capability.VIDEO_TO_VIDEO: "v2v",
    Capability.TEXT_TO_3D: "3d",
}


class CreditRule(BaseModel):
    """Credits are base + frames x per_frame + steps x per_step, rounded up; per_10_s for each ten s begun."""

    base: float
    per_frame: float
    per_step: float
    per_10_s: float


class VideoModel(BaseModel):
    """`defaults` and limits are live. `available`: this farm runs it. `credit_cost` is for the defaults."""

    id: str
    name: str
    description: str
    type: str
    defaults: dict[str, int | float | str]
    frames: FrameRule | None
    size: SizeRule | None
    inputs: list[Given]
    credits: CreditRule
    credit_cost: float
    available: bool

    @classmethod
    def of(cls, name: str, model: Model, available: bool) -> "VideoModel":
        return cls(
            id=name,
            name=model.name,
            description=model.summary,
            type=_TYPES.get(model.serves[0], model.serves[0]),
            defaults=model.defaults.model_dump(exclude_none=True),
            frames=model.frames,
            size=model.size,
            inputs=list(model.needs),
            credits=CreditRule.model_validate(model.cost.model_dump(mode="json")),
            credit_cost=_default_price(model),
            available=available,
        )


class ImageModel(BaseModel):
    """`credit_cost` is for one picture."""

    id: str
    name: str
    description: str
    defaults: dict[str, int | float | str]
    size: SizeRule | None
    inputs: list[Given]
    credit_cost: float
    available: bool

    @classmethod
    def of(cls, name: str, model: Model, available: bool) -> "ImageModel":
        return cls(
            id=name,
            name=model.name,
            description=model.summary,
            defaults=model.defaults.model_dump(exclude_none=True, exclude={"frames", "frame_rate"}),
            size=model.size,
            inputs=list(model.needs),
            credit_cost=_default_price(model),
            available=available,
        )


class VideoModels(BaseModel):
    """The answer of /api/models."""

    models: list[VideoModel]


class ImageModels(BaseModel):
    """The answer of /api/image-models."""

    models: list[ImageModel]


class ChangeView(BaseModel):
    """A number that the model cannot have as asked."""

    requested: int
    used: int


class CostView(BaseModel):
    """An exact quote. `normalized` has the numbers that were changed."""

    model: str
    credits: float
    frames: int
    steps: int
    width: int
    height: int
    frame_rate: int
    normalized: dict[str, ChangeView]

    @classmethod
    def of(cls, model: str, fitted: Fitted, price_mc: int) -> "CostView":
        return cls(
            model=model,
            credits=credits(price_mc),
            frames=fitted.frames,
            steps=fitted.steps,
            width=fitted.width,
            height=fitted.height,
            frame_rate=fitted.frame_rate,
            normalized={
                change.field: ChangeView(requested=change.asked, used=change.used)
                for change in fitted.normalized
            },
        )


def _default_price(model: Model) -> float:
    return credits(model.price_mc(model.fitted(Wish())))
