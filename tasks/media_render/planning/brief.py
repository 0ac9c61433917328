"""What a planner is told: the visuals and what is known of them, the words, the length, what is fixed."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property

from farm.noun import Noun
from farm.timeline import MediaKind, Rate
from tasks.media_render.layout import DEFAULT_VISUAL_S, natural_order
from tasks.media_render.music import has_music, tune_of
from tasks.media_render.on_beats import FURTHEST_S
from tasks.media_render.params import MAX_TOTAL_S, MediaRender, RenderAsset, exact
from tasks.media_render.planning.findings import Heard, Listened, Looked, Seen
from tasks.media_render.voiceover import estimated, until


class Visual(Noun):
    """A picture or clip. `manual_s` is the length that its user set; `duration_s` how long a clip lasts."""

    asset: RenderAsset
    manual_s: Fraction | None = None
    duration_s: float | None = None
    seen: Seen | None = None
    heard: Heard | None = None

    @property
    def id(self) -> str:
        return self.asset.asset_id

    @property
    def is_clip(self) -> bool:
        return self.asset.media_kind is MediaKind.VIDEO


class Brief(Noun):
    """A request as a planner sees it, its visuals in the order of their file names.

    Without `may_arrange` their order and number stay, without `may_choose_transitions` what leads from one to
    the next. `wants_texts`: a planner that can write is to, a line for each visual. Ends of cuts may yet be
    moved by `slack_s`, onto beats, and drawn out until a voice has spoken for `voice_s`; `bpm` is the music's
    tempo, where it is known.
    """

    visuals: tuple[Visual, ...]
    rate: Rate
    instructions: str = ""
    target_s: Fraction | None = None
    may_arrange: bool = True
    may_choose_transitions: bool = True
    wants_texts: bool = False
    slack_s: float = 0.0
    voice_s: float = 0.0
    bpm: float | None = None

    @cached_property
    def by_id(self) -> Mapping[str, Visual]:
        return {visual.id: visual for visual in self.visuals}

    @property
    def was_looked_at(self) -> bool:
        return any(visual.seen is not None for visual in self.visuals)

    def frames(self, seconds: Fraction | float) -> int:
        """How many frames are nearest to a length, one at least and no more than a film may have."""
        return max(1, min(self.rate.nearest_frame(seconds), int(MAX_TOTAL_S * self.rate.fps)))


def brief_of(
    params: MediaRender,
    looked: Looked | None = None,
    listened: Listened | None = None,
    lengths_s: Mapping[str, float] | None = None,
) -> Brief:
    """What a planner is told of a request; `lengths_s` are clips' lengths that were measured besides."""
    seen = {fact.asset_id: fact for fact in (looked or Looked()).visuals}
    heard = {fact.asset_id: fact for fact in (listened or Listened()).sounds}
    manual = {duration.asset_id: exact(duration.duration_s) for duration in params.durations}
    shown = [asset for asset in params.assets if asset.media_kind is not MediaKind.AUDIO]
    visuals = tuple(
        Visual(
            asset=asset,
            manual_s=manual.get(asset.asset_id),
            duration_s=_length(asset, seen.get(asset.asset_id), heard.get(asset.asset_id), lengths_s or {}),
            seen=seen.get(asset.asset_id),
            heard=heard.get(asset.asset_id),
        )
        for asset in sorted(shown, key=lambda asset: natural_order(asset.file_name))
    )
    return Brief(
        visuals=visuals,
        rate=Rate.of(params.fps),
        instructions=(params.instructions or "").strip() if params.ai_analysis else "",
        target_s=None if params.target_duration_s is None else exact(params.target_duration_s),
        may_arrange=params.ai_analysis,
        may_choose_transitions=params.ai_analysis and "transition_types" not in params.model_fields_set,
        slack_s=float(FURTHEST_S) if params.beat_sync and has_music(params) else 0.0,
        voice_s=_voice_s(params),
        bpm=_tempo(params, heard),
        wants_texts=params.ai_analysis and params.text_on_screen and params.voiceover is None,
    )


def _voice_s(params: MediaRender) -> float:
    """How long a voiceover is likely to be; one with times of its own draws no visual out but the last."""
    voice = params.voiceover
    if voice is None or any(line.start_s is not None for line in voice.lines):
        return 0.0
    return float(until(voice, estimated(voice)))


def _tempo(params: MediaRender, heard: Mapping[str, Heard]) -> float | None:
    """Of the music as it was heard, or as the tune's maker says."""
    if params.bgm_asset_id is not None:
        music = heard.get(params.bgm_asset_id)
        return None if music is None else music.bpm
    found = tune_of(params)
    return None if found is None else found.tune.bpm


def _length(
    asset: RenderAsset, seen: Seen | None, heard: Heard | None, measured: Mapping[str, float]
) -> float | None:
    """How long a clip lasts: as measured, else as its uploader said."""
    if asset.media_kind is not MediaKind.VIDEO:
        return None
    if seen is not None and seen.duration_s is not None:
        return seen.duration_s
    if heard is not None and heard.duration_s > 0:
        return heard.duration_s
    return measured.get(asset.asset_id, asset.duration_s)


__all__ = ["DEFAULT_VISUAL_S", "Brief", "Visual", "brief_of"]
