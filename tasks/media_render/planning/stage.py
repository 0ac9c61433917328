"""The tasks that come before a render's own: look at its visuals, listen to its sounds, plan its cuts.

Pure. Each is done by whoever configs/providers.toml names for it. Plans are for visuals that nobody placed:
placements, cuts and a timeline are plans already, and then nothing is looked at or charged for.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from farm.catalog import Catalog
from farm.kinds import GROWS, Route, TaskSpec
from farm.noun import Noun
from farm.timeline import MediaKind
from tasks.media_render.layout import natural_order
from tasks.media_render.params import Cut, MediaRender, RenderAsset
from tasks.media_render.planning.brief import brief_of
from tasks.media_render.planning.reaching import reaching
from tasks.media_render.planning.rules import RulePlanner
from tasks.media_render.planning.settling import Plan, settled

LOOK, LISTEN, PLAN = "look", "listen", "plan"
RULES = "rules"  # the model of who plans without one
ROUTES: Mapping[str, Route] = {step: Route(capability=f"media-{step}") for step in (LOOK, LISTEN, PLAN)}
_SOFT_S = 900.0
_SOFT_EACH_S = 30.0


class LookParams(Noun):
    """The visuals to look at, by asset id, in the order in which they would be shown."""

    visuals: tuple[str, ...]


class ListenParams(Noun):
    """The sounds and clips to listen to, by asset id."""

    sounds: tuple[str, ...]


class PlanParams(Noun):
    """The request that is to be planned; what it leaves unsaid, its user did. See GROWS of farm.kinds."""

    request: MediaRender
    grows_s: float = 0.0


def is_unplanned(params: MediaRender) -> bool:
    """Whether somebody is to look, listen or plan before it can be laid out."""
    is_asked = params.ai_analysis or params.vision_analysis or params.audio_analysis
    return is_asked and not (params.cuts or params.placements or params.timeline is not None)


def planning_tasks(params: MediaRender, render_s: float) -> list[TaskSpec]:
    """Look and listen, each where asked for, then plan; the last of them grows the render's own tasks.

    These are estimated to take `render_s` seconds.
    """
    looked = _of_kinds(params, MediaKind.IMAGE, MediaKind.VIDEO) if params.vision_analysis else []
    heard = _of_kinds(params, MediaKind.AUDIO, MediaKind.VIDEO) if params.audio_analysis else []
    tasks = []
    if looked:
        tasks.append(_task(LOOK, looked, LookParams(visuals=tuple(looked))))
    if heard:
        tasks.append(_task(LISTEN, heard, ListenParams(sounds=tuple(heard))))
    request = params.model_dump(mode="json", exclude_unset=True)
    # Whatever else the render will need: so that it is checked now and kept, and clips' lengths are known.
    rest = [asset.asset_id for asset in _used(params) if asset.asset_id not in {*looked, *heard}]
    plan = {
        "route": ROUTES[PLAN] if params.ai_analysis else ROUTES[PLAN].model_copy(update={"model": RULES}),
        "params": {"request": request, GROWS: render_s},
        "needs": tuple(task.name for task in tasks),
    }
    return [*tasks, _task(PLAN, rest, None).model_copy(update=plan)]


def planned(params: MediaRender, plan: Plan) -> MediaRender:
    """The request with its cuts, from here on like any other; long enough for what was placed by hand."""
    return _with_cuts(params, reaching(params, plan.cuts, likely_plan(params).cuts))


def likely_plan(params: MediaRender) -> MediaRender:
    """The request as long as it is likely to be, rather too long: planned by its words alone."""
    brief = brief_of(params)
    return _with_cuts(params, settled(RulePlanner().draft(brief), brief).cuts)


def _with_cuts(params: MediaRender, cuts: Sequence[Cut]) -> MediaRender:
    return params.model_copy(update={"cuts": tuple(cuts), "target_duration_s": None})


def longest_s(params: MediaRender) -> Fraction:
    """What no plan is longer than, unless a length was asked for: what the price is for."""
    return sum((Fraction(cut.duration_s or 0) for cut in likely_plan(params).cuts), Fraction(0))


def add_ons(params: MediaRender, prices: Mapping[str, Fraction], catalog: Catalog) -> dict[str, Fraction]:
    """What planning costs, in credits, by the name of its price line."""
    if not is_unplanned(params):
        return {}
    images, videos, sounds = (len(_of_kinds(params, kind)) for kind in MediaKind)
    model = Fraction(catalog.providers.candidates(ROUTES[PLAN])[0].price_mc, 1000)
    look = images * prices["vision_per_image"] + videos * prices["vision_per_video"]
    listen = sounds * prices["audio_analysis_per_file"] + videos * prices["audio_analysis_per_video"]
    return {
        "ai_planning": prices["ai_planning"] + model if params.ai_analysis else Fraction(0),
        "vision_analysis": look if params.vision_analysis else Fraction(0),
        "audio_analysis": listen if params.audio_analysis else Fraction(0),
    }


def unplanned_notes(params: MediaRender) -> Iterator[str]:
    """What a person should know of wishes that nobody looked at."""
    is_read = params.ai_analysis or params.text_on_screen  # which looks for words to write in them
    if (params.instructions or "").strip() and not is_read:
        yield "The instructions were not read: that takes the AI analysis."
    is_asked = params.ai_analysis or params.vision_analysis or params.audio_analysis
    if is_asked and (params.placements or params.timeline is not None):
        yield "Every clip was placed by hand: nothing was analysed or planned, and nothing is charged for it."


def _task(step: str, inputs: Sequence[str], params: Noun | None) -> TaskSpec:
    soft_s = _SOFT_S + _SOFT_EACH_S * len(inputs)
    return TaskSpec(
        name=step,
        step=step,
        params={} if params is None else params.model_dump(mode="json"),
        inputs=tuple(inputs),
        route=ROUTES[step],
        soft_s=soft_s,
        hard_s=soft_s + 60,
    )


def _used(params: MediaRender) -> list[RenderAsset]:
    """The assets that the render may use: all visuals, and the music."""
    return [
        asset
        for asset in params.assets
        if asset.media_kind is not MediaKind.AUDIO or asset.asset_id == params.bgm_asset_id
    ]


def _of_kinds(params: MediaRender, *kinds: MediaKind) -> list[str]:
    """In the order of their file names, as they are planned."""
    assets = sorted(params.assets, key=lambda asset: natural_order(asset.file_name))
    return [asset.asset_id for asset in assets if asset.media_kind in kinds]
