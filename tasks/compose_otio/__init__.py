"""compose-otio: an explicit manifest becomes one OpenTimelineIO timeline.

Pure and quick: whoever asks over the postproduction surface is answered at once, without a worker
(farm/doors/answered.py); in batches, over the native API and where somebody does not want to wait, a worker
of any kind of machine writes the same bytes.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import JsonValue

from farm.catalog import Catalog
from farm.kinds import Kind, Params, TaskSpec
from farm.money import milli
from tasks.compose_otio.checks import Limits, checked
from tasks.compose_otio.composed import Composed, compose, composed
from tasks.compose_otio.findings import BrokenManifest, Finding
from tasks.compose_otio.manifest import AsManifest, Manifest

__all__ = [
    "KIND",
    "BrokenManifest",
    "ComposeOtio",
    "Composed",
    "Finding",
    "Limits",
    "Manifest",
    "compose",
    "composed",
]

STEP = "compose"
PRICE = "compose_otio"
_ESTIMATED_S = 0.05


class ComposeOtio(Params):
    """The manifest, as the postproduction surface takes it."""

    kind: ClassVar[str] = "compose-otio"

    manifest: Annotated[dict[str, JsonValue], AsManifest]


def plan(params: ComposeOtio) -> Sequence[TaskSpec]:
    """One short task. Raises BrokenManifest."""
    checked(params.manifest)
    return [
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="cpu-render",
            params=params.model_dump(mode="json"),
            estimated_s=_ESTIMATED_S,
            soft_s=60,
            hard_s=90,
        )
    ]


def price_mc(_params: ComposeOtio, catalog: Catalog) -> int:
    """The same for every manifest."""
    return milli(catalog.postproduction_prices[PRICE])


KIND = Kind(
    name=ComposeOtio.kind,
    version=1,
    params=ComposeOtio,
    plan=plan,
    price_mc=price_mc,
    steps={STEP: "workers.cpu_render.compose_otio:perform"},
    summary="An OpenTimelineIO timeline from an explicit manifest of files, trims, transitions and sounds.",
)
