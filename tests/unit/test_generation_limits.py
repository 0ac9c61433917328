"""What each tier may generate: B-471 … B-477 and X-24, by the configs that ship."""

from decimal import Decimal

import pytest

from farm.account import Account
from farm.api.generation import within_tier
from farm.catalog import Catalog, read_catalog
from farm.errors import BadRequest, ModelNotOffered, NotAllowed
from farm.generation_limits import limits_of, require_feature, within
from farm.models import Capability, Wish
from farm.offers import ModelRoute, Offer
from farm.providers import Route
from farm.rules.tiers import Feature
from farm.settings import Settings
from tasks.generate_video import GenerateVideo

CATALOG = read_catalog(Settings())


def account(tier: str) -> Account:
    return Account(1, "acct_1", "ada", tier, None)


def film(model: str = "animatic", **wish: int | Decimal) -> Route:
    return Route(capability=Capability.TEXT_TO_VIDEO, model=model, wish=Wish.model_validate(wish))


def offering(*models: str, capability: Capability = Capability.TEXT_TO_VIDEO) -> Catalog:
    """The catalog of a farm where somebody has these models."""
    route = ModelRoute(offers=(Offer(provider="animatic", price=Decimal(1), estimated_s=4),))
    book = CATALOG.providers
    routes = {**book.routes, capability: {**book.routes[capability], **dict.fromkeys(models, route)}}
    return CATALOG.model_copy(update={"providers": book.model_copy(update={"routes": routes})})


# The tier, the most of a film's shorter side, of its frames, and whether models' results are marked.
TIERS = [
    ("free", 480, 81, True),  # B-471
    ("starter", 1080, 121, False),  # B-472
    ("creator", 2160, 201, False),  # B-473
    ("pro", 2160, 301, False),  # B-474
    ("studio", 2160, 301, False),  # B-475
    ("enterprise", 2160, 999, False),  # B-476
]


@pytest.mark.parametrize(("tier", "side", "frames", "watermark"), TIERS)
def test_b471_to_b476_x24_a_tier_has_the_documents_limits(
    tier: str, side: int, frames: int, watermark: bool
) -> None:
    assert limits_of(CATALOG, tier).watermark is watermark
    customer = account(tier)
    asked = film(width=side * 2, height=side, frames=frames)
    assert within(CATALOG, customer, asked) == asked.wish  # 480p is the shorter side's
    refused = {
        "width": film(width=side + 1, height=side + 2),
        "height": film(height=side + 1, width=4096),
        "frames": film(frames=frames + 1),
    }
    named = {}
    for field, route in refused.items():
        with pytest.raises(NotAllowed) as error:
            within(CATALOG, customer, route)
        named[field] = (error.value.param, error.value.public_code)
    assert named["width"] == named["height"] == ("width", "tier_limit")
    assert named["frames"] == ("frames", "tier_limit")


def test_a_tier_that_the_configs_do_not_name_is_held_to_the_strictest() -> None:
    assert limits_of(CATALOG, "founders") == limits_of(CATALOG, "free")


def test_what_is_not_said_is_brought_down_and_nobody_refused() -> None:
    """LTX makes 1280x704 by itself, 121 frames; a Free account gets as much of that shape as 480p is."""
    catalog = offering("ltx-t2v", "cogvideo-t2v")
    wish = within(catalog, account("free"), film("ltx-t2v"))
    assert (wish.width, wish.height, wish.frames) == (864, 480, 81)
    fitted = catalog.models.named("ltx-t2v").fitted(wish)
    assert not fitted.normalized
    wish = within(catalog, account("starter"), film("ltx-t2v"))
    assert wish == Wish()
    wish = within(catalog, account("free"), film("cogvideo-t2v", steps=7))
    assert wish.height is not None and wish.height <= 480 and wish.steps == 7


def test_a_width_that_is_said_is_refused_even_if_the_model_alone_exceeds() -> None:
    with pytest.raises(NotAllowed, match="width: the tier free allows"):
        within(offering("ltx-t2v"), account("free"), film("ltx-t2v", width=1920))


def test_a_film_by_its_seconds_is_not_held_to_frames() -> None:
    wish = within(offering("ltx-t2v"), account("free"), film("ltx-t2v", length_s=Decimal(10)))
    assert wish.frames is None and wish.length_s == 10


def test_pictures_have_their_own_limit() -> None:
    catalog = offering("flux", capability=Capability.TEXT_TO_IMAGE)
    picture = Route(capability=Capability.TEXT_TO_IMAGE, model="flux", wish=Wish(width=1024, height=1024))
    assert within(catalog, account("free"), picture) == picture.wish
    large = picture.model_copy(update={"wish": Wish(width=1536, height=1040)})
    with pytest.raises(NotAllowed, match="at most 1024 pixels"):
        within(catalog, account("free"), large)
    assert within(catalog, account("starter"), large) == large.wish
    drawn = picture.model_copy(update={"model": "animatic"})  # whose pictures are frames of its films
    assert within(CATALOG, account("free"), drawn) == picture.wish


def test_steps_are_held_where_an_operator_says_so() -> None:
    free = limits_of(CATALOG, "free").model_copy(update={"steps": 10})
    limits = {**CATALOG.generation_limits, "free": free}
    catalog = offering("hunyuan-t2v").model_copy(update={"generation_limits": limits})
    assert within(catalog, account("free"), film("hunyuan-t2v")).steps == 10
    with pytest.raises(NotAllowed, match="steps: the tier free allows at most 10"):
        within(catalog, account("free"), film("hunyuan-t2v", steps=11))


def test_a_model_that_is_not_there_is_refused_as_everywhere() -> None:
    with pytest.raises(ModelNotOffered):
        within(CATALOG, account("free"), film("wan-t2v"))
    with pytest.raises(BadRequest):
        within(CATALOG, account("free"), film("sora-9"))


# B-477: what opens with which tier.
FEATURES = [
    (Feature.STOCK, "creator"),
    (Feature.TTS, "creator"),
    (Feature.UPSCALE, "creator"),
    (Feature.HOSTING, "pro"),
    (Feature.ORGS, "pro"),
    (Feature.BRAND_KITS, "pro"),
    (Feature.SUBTITLE_TRANSLATION, "pro"),
    (Feature.FACE_SWAP, "pro"),
]


@pytest.mark.parametrize(("feature", "first"), FEATURES)
def test_b477_a_feature_opens_with_its_tier(feature: Feature, first: str) -> None:
    order = [tier for tier, *_ in TIERS]
    for tier in order[: order.index(first)]:
        with pytest.raises(NotAllowed, match=f"does not include {feature}; these do: {first}") as refused:
            require_feature(CATALOG, account(tier), feature)
        assert refused.value.public_code == "tier_required"
    for tier in order[order.index(first) :]:
        require_feature(CATALOG, account(tier), feature)


def test_parameters_are_brought_within_the_tier() -> None:
    params = GenerateVideo(prompt="a fox", model="ltx-t2v", seed=4)
    held = within_tier(offering("ltx-t2v"), account("free"), params)
    assert (held.width, held.height, held.frames, held.seed) == (864, 480, 81, 4)
    assert within_tier(offering("ltx-t2v"), account("pro"), params) == params
