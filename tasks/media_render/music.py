"""The music that a render asks for in words: which tune of the catalog it is, and what is told of it."""

from farm.noun import Noun
from farm.timeline import Media, MediaKind
from tasks.media_render.on_beats import Grid, grid_of
from tasks.media_render.params import MediaRender, exact
from tasks.media_render.shelf import tune_for
from tasks.media_render.tune_query import Found
from tasks.media_render.tunes import BUILTIN, Tune


class Told(Noun):
    """What a job says of the tune that was chosen for it; `note` is the same for people."""

    query: str
    tune: str
    title: str
    bpm: float | None
    key: str
    note: str


def tune_of(params: MediaRender) -> Found | None:
    """The tune that fits the render's words; None when it has a file, which wins, or no words.

    Raises BadRequest when this farm has no tunes, FarmUnavailable when its catalog is broken.
    """
    query = (params.bgm_query or "").strip()
    return tune_for(query) if query and params.bgm_asset_id is None else None


def has_music(params: MediaRender) -> bool:
    """Whether there is background music, however it was asked for."""
    return params.bgm_asset_id is not None or bool((params.bgm_query or "").strip())


def medium_of(tune: Tune) -> Media:
    """The tune in a timeline: no file that the runner fetches, the renderer has it."""
    name = f"{BUILTIN}{tune.name}"
    duration = None if tune.duration_s is None else exact(tune.duration_s)
    return Media(id=name, kind=MediaKind.AUDIO, name=tune.title, duration=duration, builtin=name)


def told(found: Found) -> Told:
    """What the job says of it."""
    tune = found.tune
    return Told(
        query=found.query, tune=tune.name, title=tune.title, bpm=tune.bpm, key=tune.key, note=found.note
    )


def known_beats(params: MediaRender, found: Found | None) -> Grid | None:
    """Where the cuts may go without anybody having listened: a bundled tune's beats, if they are wanted."""
    return grid_of(found.tune) if params.beat_sync and found is not None else None


def unheard(params: MediaRender) -> MediaRender | None:
    """The request, when its cuts follow music that must be listened to first: the worker lays it out anew.

    None when there is nothing to listen for. The tune that was chosen here is then asked for by its name.
    """
    if not params.beat_sync or not has_music(params) or not _has_free_cuts(params):
        return None
    found = tune_of(params)
    if known_beats(params, found) is not None:
        return None
    return params if found is None else params.model_copy(update={"bgm_query": found.tune.name})


def _has_free_cuts(params: MediaRender) -> bool:
    """Whether some visual's length was set by nobody."""
    set_by_hand = {duration.asset_id for duration in params.durations}
    free = [a for a in params.assets if a.media_kind is not MediaKind.AUDIO and a.asset_id not in set_by_hand]
    return bool(free) and not params.placements
