"""What the generations surface gives, as its document and OpenAI's clients name it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from farm.models import Capability, Cost, FrameRule, Given, Makes, Model, SizeRule
from farm.providers import AUTO

_UNKNOWN = 0  # OpenAI's clients want a number for when a model was made


class PriceView(BaseModel):
    """Credits for one picture or video: base + frames x per_frame + steps x per_step, rounded up.

    `per_10_s` is added for each ten seconds begun.
    """

    base: float
    per_frame: float
    per_step: float
    per_10_s: float

    @classmethod
    def of(cls, cost: Cost) -> "PriceView":
        return cls.model_validate(cost.model_dump(mode="json"))


class ModelView(BaseModel):
    """One model. `capabilities` is what it can be asked for, `serving` what this farm has it for.

    `serving` says under which concrete key, as `model_actual` of a generation tells it.
    """

    id: str
    object: Literal["model"] = "model"
    created: int = _UNKNOWN
    owned_by: str
    name: str
    description: str
    type: str
    available: bool
    capabilities: list[Capability]
    serving: dict[str, str]
    inputs_required: list[Given] = []
    inputs_optional: list[Given] = []
    defaults: dict[str, int | float | str] = {}
    frames: FrameRule | None = None
    size: SizeRule | None = None
    pricing: PriceView | None = None
    pricing_by_capability: dict[str, PriceView] = {}
    sound: bool = False
    license: str = ""
    commercial_use: str = ""

    @classmethod
    def of(cls, model_id: str, model: Model, serving: Mapping[str, str]) -> "ModelView":
        """A model of the catalog."""
        return cls(
            id=model_id,
            owned_by=model.owner,
            name=model.name,
            description=model.summary,
            type=model.makes,
            available=bool(serving),
            capabilities=list(model.serves),
            serving=dict(serving),
            inputs_required=list(model.needs),
            inputs_optional=list(model.takes),
            defaults=model.defaults.model_dump(exclude_none=True),
            frames=model.frames,
            size=model.size,
            pricing=PriceView.of(model.cost),
            pricing_by_capability={one: PriceView.of(cost) for one, cost in model.costs.items()},
            sound=model.sound,
            license=model.licence,
            commercial_use=model.commercial,
        )

    @classmethod
    def auto(cls, means: Mapping[Capability, str]) -> "ModelView":
        """The alias that leaves the choice to the farm."""
        return cls(
            id=AUTO,
            owned_by="Kinefarm",
            name="Auto",
            description="Leaves the choice to the farm; answers tell what it was.",
            type="video",
            available=bool(means),
            capabilities=list(means),
            serving=dict(means),
        )

    @classmethod
    def talker(cls, name: str, serving: Mapping[str, str]) -> "ModelView":
        """A language model of the operator's own."""
        return cls(
            id=name,
            owned_by="operator",
            name=name,
            description="A language model that this farm's operator offers.",
            type=Makes.TEXT,
            available=True,
            capabilities=[Capability.CHAT],
            serving=dict(serving),
        )


class ModelList(BaseModel):
    """As OpenAI lists."""

    object: Literal["list"] = "list"
    data: list[ModelView]
