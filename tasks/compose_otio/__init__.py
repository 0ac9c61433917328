"""compose-otio: an explicit manifest becomes one OpenTimelineIO timeline.

Pure and quick: whoever asks over the postproduction surface is answered at once, without a worker
(farm/doors/answered.py); in batches, over the native API and where somebody does not want to wait, a worker
of any kind of machine writes the same bytes. With `render: true` the job also has a render's tasks, and its
price beside the composing's.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import JsonValue

from farm.catalog import Catalog
from farm.kinds import Kind, Params, TaskSpec
from farm.money import PriceLine, milli
from tasks import media_render
from tasks.compose_otio.checks import Limits, checked
from tasks.compose_otio.composed import Composed, compose, composed
from tasks.compose_otio.files import require_writable, wanted
from tasks.compose_otio.findings import BrokenManifest, Finding
from tasks.compose_otio.formats._contract import File
from tasks.compose_otio.manifest import AsManifest, Manifest
from tasks.compose_otio.rendering import render_of

__all__ = [
    "KIND",
    "BrokenManifest",
    "ComposeOtio",
    "Composed",
    "File",
    "Finding",
    "Limits",
    "Manifest",
    "compose",
    "composed",
    "require_writable",
]

STEP = "compose"
PRICE = "compose_otio"
_ESTIMATED_S = 0.05
_SOFT_S, _GRACE_S = 60, 30
_SLOWEST = 20  # times as long as estimated, on a machine with much else to do


class ComposeOtio(Params):
    """The manifest, as the postproduction surface takes it."""

    kind: ClassVar[str] = "compose-otio"

    manifest: Annotated[dict[str, JsonValue], AsManifest]


def plan(params: ComposeOtio) -> Sequence[TaskSpec]:
    """One task, short but for slow files, and with `render` those of the film. Raises BrokenManifest."""
    manifest = checked(params.manifest)
    writing_s = composed(manifest).writing_s if wanted(manifest) else 0.0
    soft_s = _SOFT_S + _SLOWEST * writing_s
    film = media_render.plan(render_of(manifest)) if manifest.render else ()
    return [
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="cpu-render",
            params=params.model_dump(mode="json"),
            estimated_s=_ESTIMATED_S + writing_s,
            soft_s=soft_s,
            hard_s=soft_s + _GRACE_S,
        ),
        *film,
    ]


def price_mc(params: ComposeOtio, catalog: Catalog) -> int:
    """The same for every manifest, and what its film costs."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: ComposeOtio, catalog: Catalog) -> Sequence[PriceLine]:
    """Composing, and the lines of the render."""
    own = PriceLine("compose", milli(catalog.postproduction_prices[PRICE]))
    if params.manifest.get("render") is not True:
        return [own]
    return [own, *media_render.breakdown(render_of(checked(params.manifest)), catalog)]


KIND = Kind(
    name=ComposeOtio.kind,
    version=2,
    params=ComposeOtio,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={STEP: "workers.cpu_render.compose_otio:perform", **media_render.KIND.steps},
    summary="An OpenTimelineIO timeline from an explicit manifest of files, trims, transitions and sounds.",
)
