"""What a tier may generate: sizes, frames, steps, features. Pure; configs/tiers.toml has the numbers.

What a request says beyond its tier is refused by the field's name. What it does not say, and its model would
do by itself beyond the tier, is brought down: nobody is refused for what he did not ask for.
"""

from farm.account import Account
from farm.catalog import Catalog
from farm.errors import NotAllowed
from farm.models import Capability, Model, Wish
from farm.providers import Route
from farm.rules.tiers import Feature, GenerationTier

_OF_PICTURES = (Capability.TEXT_TO_IMAGE, Capability.IMAGE_EDIT)  # whatever else the model makes

TIER_LIMIT = "tier_limit"
TIER_REQUIRED = "tier_required"


def limits_of(catalog: Catalog, tier: str) -> GenerationTier:
    """What this tier may; one that the configs do not name may what the first of them may."""
    limits = catalog.generation_limits
    return limits.get(tier) or next(iter(limits.values()))


def within(catalog: Catalog, account: Account, route: Route) -> Wish:
    """The route's wish as the account's tier may have it of the route's model.

    Raises NotAllowed `tier_limit` naming what the wish says beyond the tier, and what the route itself raises
    for a model that is not there. A film asked for by its length is not held to frames.
    """
    wish = route.wish or Wish()
    limits = limits_of(catalog, account.tier)
    model = _model(catalog, route)
    changes = {
        **_size(wish, model, _side(limits, route), account.tier),
        **_frames(wish, model, limits, account.tier),
        **_steps(wish, model, limits, account.tier),
    }
    return wish.model_copy(update=changes)


def require_feature(catalog: Catalog, account: Account, feature: Feature) -> None:
    """Raise NotAllowed `tier_required`, naming the tiers that open it, unless the account's does."""
    if feature in limits_of(catalog, account.tier).features:
        return
    having = [tier for tier, limits in catalog.generation_limits.items() if feature in limits.features]
    named = ", ".join(having) or "none on this farm"
    raise NotAllowed(
        f"The tier {account.tier} does not include {feature}; these do: {named}.", code=TIER_REQUIRED
    )


def _model(catalog: Catalog, route: Route) -> Model | None:
    """The model that would do it first; None where only providers.toml knows it."""
    named = catalog.models.find(catalog.providers.model_of(route))
    return catalog.models.models[named] if named else None


def _side(limits: GenerationTier, route: Route) -> int:
    return limits.picture_side if route.capability in _OF_PICTURES else limits.video_side


def _size(wish: Wish, model: Model | None, most: int, tier: str) -> dict[str, int]:
    """By the shorter side, as 480p, 1080p and 4K mean it."""
    said = {"width": wish.width, "height": wish.height}
    sides = [wish.width or _own(model, "width"), wish.height or _own(model, "height")]
    if min(sides) <= most:
        return {}
    for field, value in said.items():
        if value is not None:
            raise _beyond(field, f"a shorter side of at most {most} pixels", tier)
    return _shrunk(model, sides, most, tier) if model else {}


def _shrunk(model: Model, sides: list[int], most: int, tier: str) -> dict[str, int]:
    """The model's own shape, as large as the tier allows."""
    rule = model.size
    if rule is None:
        return {}
    shorter = most // rule.multiple * rule.multiple
    if shorter < rule.least:
        raise _beyond("model", f"a shorter side of at most {most} pixels, too small for this model", tier)
    scaled = [min(rule.most, round(side * shorter / min(sides))) for side in sides]
    return dict(zip(("width", "height"), (rule.nearest(side, "width") for side in scaled), strict=True))


def _frames(wish: Wish, model: Model | None, limits: GenerationTier, tier: str) -> dict[str, int]:
    if wish.frames is not None:
        if wish.frames > limits.frames:
            raise _beyond("frames", f"at most {limits.frames} frames", tier)
        return {}
    rule = model.frames if model else None
    if rule is None or model is None or wish.length_s is not None or model.defaults.frames <= limits.frames:
        return {}
    most = (limits.frames - rule.offset) // rule.step * rule.step + rule.offset
    if most < rule.least:
        raise _beyond("model", f"at most {limits.frames} frames, too few for this model", tier)
    return {"frames": most}


def _steps(wish: Wish, model: Model | None, limits: GenerationTier, tier: str) -> dict[str, int]:
    if limits.steps is None:
        return {}
    if wish.steps is not None and wish.steps > limits.steps:
        raise _beyond("steps", f"at most {limits.steps} steps", tier)
    own = model.defaults.steps if model and wish.steps is None else None
    return {"steps": limits.steps} if own is not None and own > limits.steps else {}


def _own(model: Model | None, side: str) -> int:
    value = getattr(model.defaults, side) if model else None
    return value or 0


def _beyond(field: str, allowed: str, tier: str) -> NotAllowed:
    return NotAllowed(f"{field}: the tier {tier} allows {allowed}.", param=field, code=TIER_LIMIT)
