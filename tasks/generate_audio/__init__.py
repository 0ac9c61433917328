"""The kind `generate-audio`: music or sound effects from a few words, as long as asked."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from farm.catalog import Catalog, read_catalog
from farm.kinds import Kind, Route, TaskSpec
from farm.moderation import Told
from farm.money import milli
from farm.settings import Settings
from tasks.generate_audio.params import CAPABILITY, LONGEST_S, GenerateAudio

__all__ = ["AUDIO", "KIND", "LONGEST_S", "PRICE", "GenerateAudio", "credits_for"]

STEP = "generate"
AUDIO = "audio"  # the artifact
PRICE = "audio_per_30_s"
_BLOCK_S = 30


def credits_for(length_s: Decimal, catalog: Catalog) -> Decimal:
    """Whole credits: the part of thirty seconds' price that it is, rounded up, and never less than one."""
    share = Decimal(catalog.studio_prices[PRICE]) * length_s / _BLOCK_S
    return max(Decimal(1), share.quantize(Decimal(1), ROUND_CEILING))


def _route(params: GenerateAudio, catalog: Catalog) -> Route:
    units = credits_for(params.length_s, catalog)
    return Route(capability=CAPABILITY, model=params.model, failover=params.failover, units=units)


def _plan(params: GenerateAudio) -> Sequence[TaskSpec]:
    return (
        TaskSpec(
            name="generate",
            step=STEP,
            params=params.model_dump(mode="json"),
            route=_route(params, read_catalog(Settings())),
        ),
    )


def _price_mc(params: GenerateAudio, catalog: Catalog) -> int:
    """A farm where the whole list price is free takes nothing, else whole credits."""
    first = catalog.providers.candidates(_route(params, catalog))[0]
    return milli((Decimal(first.price_mc) / milli(1)).quantize(Decimal(1), ROUND_CEILING))


def _told(params: GenerateAudio) -> Told:
    return Told(capability=CAPABILITY, texts={"prompt": params.prompt, "tags": ", ".join(params.tags)})


KIND = Kind(
    name=GenerateAudio.kind,
    version=1,
    params=GenerateAudio,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.generate_audio:perform"},
    summary="Generate music or sound effects from a description.",
    told=_told,
)
