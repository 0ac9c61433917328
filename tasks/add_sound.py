"""The kind `add-sound`: a sound onto a film. It is `compose-video` under the studio's price."""

from collections.abc import Sequence
from typing import ClassVar

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.money import milli
from tasks.compose_video import KIND as COMPOSE
from tasks.compose_video import ComposeVideo

PRICE = "add_sound"


class AddSound(ComposeVideo):
    """As `compose-video`."""

    kind: ClassVar[str] = "add-sound"


def _plan(params: AddSound) -> Sequence[TaskSpec]:
    return COMPOSE.plan(params)


def _price_mc(_params: AddSound, catalog: Catalog) -> int:
    return milli(catalog.studio_prices[PRICE])


KIND = Kind(
    name=AddSound.kind,
    version=1,
    params=AddSound,
    plan=_plan,
    price_mc=_price_mc,
    steps=COMPOSE.steps,
    summary="Put a sound onto a film: instead of its own, or mixed with it.",
)
