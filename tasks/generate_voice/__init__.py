"""generate-voice: a text, spoken by engines of the farm, or by a service (routes.speech, providers.toml)."""

from collections.abc import Sequence
from decimal import Decimal

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.models import Capability, Wish
from farm.moderation import Told
from tasks.generate_voice.params import GenerateVoice, SoundFormat, Text

__all__ = ["KIND", "LISTED", "VOICE", "GenerateVoice", "SoundFormat", "Text"]

STEP = "speak"
VOICE = "voice"  # the artifact
LISTED = "creative-voice"  # the catalog's model, whose price is the farm's own for a generation
_PRICED_CHARACTERS = 1000
_SOFT_S = 600.0


def _plan(params: GenerateVoice) -> Sequence[TaskSpec]:
    params.listed  # noqa: B018  # a voice that is not there is refused here
    characters = Decimal(len(params.text)) / _PRICED_CHARACTERS
    return (
        TaskSpec(
            name=STEP,
            step=STEP,
            params=params.model_dump(mode="json"),
            route=params.route.model_copy(update={"units": characters}),
            soft_s=_SOFT_S,
            hard_s=_SOFT_S + 60,
        ),
    )


def price_mc(params: GenerateVoice, catalog: Catalog) -> int:
    """The catalog's price; on top of it what a service asks whose model the catalog does not know."""
    (task,) = _plan(params)
    assert task.route is not None
    first = catalog.providers.candidates(task.route)[0]
    if catalog.models.find(first.model) is not None:
        return first.price_mc
    listed = catalog.models.price_mc(LISTED, Capability.SPEECH, Wish())
    return (listed or 0) + first.price_mc


def _told(params: GenerateVoice) -> Told:
    texts = {"text": params.text, "instructions": params.instructions}
    return Told(capability=Capability.SPEECH, texts=texts)


KIND = Kind(
    name=GenerateVoice.kind,
    version=1,
    params=GenerateVoice,
    plan=_plan,
    price_mc=price_mc,
    steps={STEP: "workers.cpu_render.generate_voice:perform"},
    summary="Say a text, in one of several voices and ten languages.",
    told=_told,
)
