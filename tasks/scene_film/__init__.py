"""scene-film: pictures, a narration and the times of its scenes become a cut, and on request the film.

The third of a row of jobs: describe-scenes finds each picture's words, scene-timestamps when they are said,
and this shows each picture for as long as its scene lasts. Each names the file that it takes of the one
before, so that all of them are one batch.
"""

from collections.abc import Sequence

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.money import PriceLine
from tasks import compose_otio
from tasks.compose_otio import ComposeOtio
from tasks.compose_otio.checks import checked
from tasks.scene_film.manifest import stand_in
from tasks.scene_film.params import SceneFile, SceneFilm

__all__ = ["KIND", "STEP", "SceneFile", "SceneFilm"]

STEP = "cut"
_ESTIMATED_S = 0.5


def plan(params: SceneFilm) -> Sequence[TaskSpec]:
    """The cut is laid out by the first task, which grows those of compose-otio. Raises BrokenManifest."""
    checked(stand_in(params))  # what can be known to be wrong is refused now
    pictures = (image.asset_id for image in params.images)
    files = dict.fromkeys([params.timestamps, params.narration.asset_id, *pictures])
    return [
        TaskSpec(
            name=STEP,
            step=STEP,
            pool="cpu-render",
            params=params.model_dump(mode="json"),
            inputs=tuple(files),
            estimated_s=_ESTIMATED_S,
            soft_s=120,
            hard_s=150,
        )
    ]


def price_mc(params: SceneFilm, catalog: Catalog) -> int:
    """What composing, and rendering, `max_duration_s` would cost."""
    return sum(line.amount_mc for line in breakdown(params, catalog))


def breakdown(params: SceneFilm, catalog: Catalog) -> Sequence[PriceLine]:
    """As compose-otio's."""
    return compose_otio.breakdown(ComposeOtio(manifest=stand_in(params)), catalog)


KIND = Kind(
    name=SceneFilm.kind,
    version=1,
    params=SceneFilm,
    plan=plan,
    price_mc=price_mc,
    breakdown=breakdown,
    steps={STEP: "workers.cpu_render.scene_film:perform", **compose_otio.KIND.steps},
    summary="A cut, and its film, of pictures shown while their scenes are told.",
)
