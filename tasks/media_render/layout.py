"""Lays a media render out on a timeline: which clip is seen when, what is heard, what is written.

Pure. Edges are computed exactly and snapped to frames one by one, so that errors never add up; transitions
never move them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from farm.errors import BadRequest
from farm.noun import Noun
from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Motion,
    Rate,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from tasks.media_render.captions import captions, check_crowding
from tasks.media_render.effects import with_effects
from tasks.media_render.imported import imported
from tasks.media_render.music import known_beats, medium_of, tune_of
from tasks.media_render.on_beats import Grid, ends_on_beats
from tasks.media_render.params import (
    MAX_TOTAL_S,
    SIZES,
    Cut,
    MediaRender,
    Placement,
    RenderAsset,
    TransitionType,
    exact,
)
from tasks.media_render.profiles import PROFILES
from tasks.media_render.target import to_target
from tasks.media_render.tune_query import Found
from tasks.media_render.voiceover import (
    Speech,
    check_voiceover,
    last_frame,
    stretched,
    voice_media,
    voice_tracks,
)

DEFAULT_VISUAL_S = 3
TRANSITION_S = Fraction(1, 2)
BGM_FADE_IN_S = Fraction(1, 4)
BGM_FADE_OUT_S = Fraction(3, 2)
_ALMOST = Fraction(999, 1000)  # of a frame: 0.0333 s are meant as one of thirty


def timeline_of(params: MediaRender, beats: Grid | None = None, speech: Speech | None = None) -> Timeline:
    """The timeline that is meant. Raises BadRequest naming the parameter that cannot be met.

    With `beat_sync` cuts follow `beats`, as they were measured, else the beats of a bundled tune. A voiceover
    is in it once it was spoken.
    """
    _check_profile(params)
    check_voiceover(params)
    found = tune_of(params)
    if params.timeline is None:
        shown = _shown(params, beats or known_beats(params, found), speech)
    else:
        shown = _brought(params, speech)
    _check_extent(params, shown)
    bare = shown.model_copy(
        update={
            "media": (
                *_media(params, {medium.id for medium in shown.media}),
                *(medium for medium in shown.media if medium.builtin is not None),
                *([medium_of(found.tune)] if found else []),
                *voice_media(params, speech),
            )
        }
    )
    heard = bare.model_copy(
        update={
            "audio": (*bare.audio, *_music(params, bare, found), *voice_tracks(params, bare, speech)),
            "text": (*bare.text, *captions(params, bare, speech)),
        }
    )
    return with_effects(params, heard)


def _shown(params: MediaRender, beats: Grid | None, speech: Speech | None) -> Timeline:
    """The visuals in their places."""
    width, height = SIZES[params.aspect_ratio]
    rate = Rate.of(params.fps)
    clips = tuple(_clips(params, rate, beats, speech))
    return Timeline(
        name=params.name or params.output_file_name.rpartition(".")[0],
        rate=rate,
        width=width,
        height=height,
        media=_media(params, {clip.media for clip in clips}),
        video=(VideoTrack(clips=clips),),
    )


def _brought(params: MediaRender, speech: Speech | None) -> Timeline:
    """The caller's own timeline; its last picture stays until the last word of a voiceover."""
    timeline = imported(params).timeline
    check_crowding([clip for track in timeline.text for clip in track.clips], "timeline")
    last = timeline.end_frame_exclusive
    end = last_frame(last, params, timeline.rate.fps, speech)
    tracks = []
    for track in timeline.video:
        clips = track.clips
        if clips and clips[-1].end_frame_exclusive == last:
            clips = (*clips[:-1], clips[-1].model_copy(update={"end_frame_exclusive": end}))
        tracks.append(track.model_copy(update={"clips": clips}))
    return timeline.model_copy(update={"video": tuple(tracks)})


def _check_profile(params: MediaRender) -> None:
    profile = PROFILES[params.profile]
    if not params.output_file_name.endswith((".mp4", profile.suffix)):
        raise BadRequest(
            f"A film of profile {params.profile} ends in {profile.suffix}.", param="output_file_name"
        )
    if params.chapters and not profile.has_chapters:
        raise BadRequest(f"A film of profile {params.profile} has no chapters.", param="chapters")


def natural_order(file_name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `shot-2` comes before `shot-10`, whatever their case."""
    parts = re.split(r"([0-9]+)", file_name.casefold())
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts if part)


def _clips(params: MediaRender, rate: Rate, beats: Grid | None, speech: Speech | None) -> Iterator[VideoClip]:
    placed = _placed(params) if params.placements else _in_order(params, rate, beats, speech)
    spots = [_Spot.of(item, rate) for item in placed]
    _check_room(spots)
    end = last_frame(spots[-1].end, params, rate.fps, speech)
    spots[-1] = spots[-1].model_copy(update={"end": end})
    types = params.transition_types
    for index, spot in enumerate(spots):
        before = spots[index - 1] if index and spots[index - 1].end == spot.start else None
        kind = spot.item.transition_type or types[(index - 1) % len(types)]
        moves = kind == "ken-burns" and spot.item.asset.media_kind is MediaKind.IMAGE
        yield VideoClip(
            media=spot.item.asset.asset_id,
            start_frame=spot.start,
            end_frame_exclusive=spot.end,
            source_start=spot.item.source_start,
            source_end=spot.item.source_end,
            fit=params.fit,
            sound_gain=params.clip_volume,
            motion=Motion.KEN_BURNS if moves else Motion.NONE,
            transition=_transition(kind, before, spot, rate) if before or spot.item.transition_type else None,
            name=spot.item.asset.file_name,
        )


class _Item(Noun):
    """A visual in its place, exact and not yet snapped to frames; times in seconds."""

    param: str
    asset: RenderAsset
    start: Fraction
    end: Fraction
    source_start: Fraction = Fraction(0)
    source_end: Fraction | None = None
    transition_type: TransitionType | None = None


class _Spot(Noun):
    """An item's frames: its edges snapped, so that errors never add up."""

    item: _Item
    start: int
    end: int

    @classmethod
    def of(cls, item: _Item, rate: Rate) -> "_Spot":
        return cls(item=item, start=rate.nearest_frame(item.start), end=rate.nearest_frame(item.end))


def _in_order(params: MediaRender, rate: Rate, beats: Grid | None, speech: Speech | None) -> Iterator[_Item]:
    """The cuts one after the other; with `beats`, ending on them; with `speech`, as long as that."""
    cuts = params.cuts or tuple(_by_name(params))
    manual = _manual(params)
    shown = [_visual(params, cut.asset_id, f"cuts[{index}]") for index, cut in enumerate(cuts)]
    free = [cut.asset_id not in manual for cut in cuts]
    lengths = [manual.get(cut.asset_id) or exact(cut.duration_s or DEFAULT_VISUAL_S) for cut in cuts]
    lengths = to_target(params, shown, lengths, free, rate)
    at = Fraction(0)
    lengths = stretched(lengths, free, params.voiceover, speech)
    ends = ends_on_beats(lengths, free, beats, 1 / rate.fps)
    for index, (cut, asset, end) in enumerate(zip(cuts, shown, ends, strict=True)):
        yield _Item(
            param=f"cuts[{index}]" if params.cuts else "durations",
            asset=asset,
            start=at,
            end=end,
            source_start=exact(cut.source_start_s),
            transition_type=cut.transition_type if index else None,
        )
        at = end


def _by_name(params: MediaRender) -> Iterator[Cut]:
    """Every visual by file name."""
    visuals = [asset for asset in params.assets if asset.media_kind is not MediaKind.AUDIO]
    if not visuals:
        raise BadRequest("There is no image or video to render; upload at least one.", param="assets")
    for asset in sorted(visuals, key=lambda asset: natural_order(asset.file_name)):
        yield Cut(asset_id=asset.asset_id)


def _placed(params: MediaRender) -> list[_Item]:
    """The placements in the order of their starts."""
    manual = _manual(params)
    at = Fraction(0)
    items = []
    for index, placement in enumerate(params.placements):
        param = f"placements[{index}]"
        asset = _visual(params, placement.asset_id, param)
        start = at if placement.start_s is None else exact(placement.start_s)
        at = start + _placed_length(placement, manual)
        items.append(
            _Item(
                param=param,
                asset=asset,
                start=start,
                end=at,
                source_start=exact(placement.source_start_s),
                source_end=None if placement.source_end_s is None else exact(placement.source_end_s),
                transition_type=placement.transition_type,
            )
        )
    return sorted(items, key=lambda item: item.start)


def _placed_length(placement: Placement, manual: Mapping[str, Fraction]) -> Fraction:
    if placement.duration_s is not None:
        return exact(placement.duration_s)
    if placement.source_end_s is not None:
        return exact(placement.source_end_s) - exact(placement.source_start_s)
    return manual.get(placement.asset_id, Fraction(DEFAULT_VISUAL_S))


def _manual(params: MediaRender) -> dict[str, Fraction]:
    """Manual durations in seconds by asset id. Raises BadRequest for two that differ, and below a frame."""
    manual: dict[str, Fraction] = {}
    least = Rate.of(params.fps).seconds(1) * _ALMOST
    for index, duration in enumerate(params.durations):
        asset = _visual(params, duration.asset_id, f"durations[{index}]")
        seconds = exact(duration.duration_s)
        if seconds < least:
            raise BadRequest(_too_short(asset), param=f"durations[{index}]")
        if manual.setdefault(asset.asset_id, seconds) != seconds:
            raise BadRequest(f"{asset.file_name} has another duration already.", param=f"durations[{index}]")
    return manual


def _visual(params: MediaRender, asset_id: str, param: str) -> RenderAsset:
    asset = _asset(params, asset_id, param)
    if asset.media_kind is MediaKind.AUDIO:
        raise BadRequest(f"{asset.file_name} is sound and has no picture.", param=param)
    return asset


def _asset(params: MediaRender, asset_id: str, param: str) -> RenderAsset:
    for asset in params.assets:
        if asset.asset_id == asset_id:
            return asset
    raise BadRequest(f"{asset_id!r} is not one of this render's assets.", param=param)


def _check_room(spots: Sequence[_Spot]) -> None:
    for spot in spots:
        if spot.end <= spot.start:
            raise BadRequest(_too_short(spot.item.asset), param=spot.item.param)
    for before, after in pairwise(spots):
        if after.start < before.end:
            raise BadRequest(
                f"{after.item.asset.file_name} at {float(after.item.start):g} s overlaps "
                f"{before.item.asset.file_name}, which ends at {float(before.item.end):g} s.",
                param=after.item.param,
            )


def _too_short(asset: RenderAsset) -> str:
    return f"{asset.file_name} is shown for less than a frame."


def _check_extent(params: MediaRender, timeline: Timeline) -> None:
    total_s, profile = timeline.duration, PROFILES[params.profile]
    if total_s > MAX_TOTAL_S:
        raise BadRequest(
            f"The render would be longer than {MAX_TOTAL_S // 60} minutes.", param=_says_how_long(params)
        )
    if profile.most_s is not None and total_s > profile.most_s:
        raise BadRequest(
            f"The render would be {float(total_s):g} s long; this profile is for {profile.most_s} s at most.",
            param="profile",
        )
    if min(timeline.width, timeline.height) < profile.least_side:
        raise BadRequest(
            f"The timeline is {timeline.width}x{timeline.height}; "
            f"this profile is for {profile.least_side} pixels a side at least.",
            param="profile",
        )


def _says_how_long(params: MediaRender) -> str:
    """The parameter that a film's length comes from."""
    if params.timeline is not None:
        return "timeline"
    if params.placements:
        return "placements"
    return "durations" if params.durations else "assets"


def _transition(kind: TransitionType, before: _Spot | None, after: _Spot, rate: Rate) -> Transition | None:
    """Half a second centred on the cut, at most half of the shorter neighbour; from black, all after it."""
    if kind == "none":
        return None
    shorter = min(spot.end - spot.start for spot in (before, after) if spot)
    frames = min(rate.nearest_frame(TRANSITION_S), shorter // 2)
    early = frames // 2 if before else 0
    return Transition(type=kind, before_frames=early, after_frames=frames - early) if frames else None


def _media(params: MediaRender, shown: set[str]) -> tuple[Media, ...]:
    """The assets in use, in the order they were given."""
    if params.bgm_asset_id is not None:
        music = _asset(params, params.bgm_asset_id, "bgm_asset_id")
        if music.media_kind is not MediaKind.AUDIO:
            raise BadRequest(f"{music.file_name} is not an audio file.", param="bgm_asset_id")
        shown = shown | {music.asset_id}
    return tuple(
        Media(
            id=asset.asset_id,
            kind=asset.media_kind,
            name=asset.file_name,
            duration=None if asset.duration_s is None else exact(asset.duration_s),
        )
        for asset in params.assets
        if asset.asset_id in shown
    )


def _music(params: MediaRender, timeline: Timeline, found: Found | None) -> Iterator[AudioTrack]:
    """Music from the first frame to the last, started over when it is shorter, faded out at the end."""
    medium = medium_of(found.tune).id if found else params.bgm_asset_id
    if medium is None:
        return
    end = timeline.samples_at(timeline.end_frame_exclusive)
    music = AudioClip(
        media=medium,
        start_sample=0,
        end_sample_exclusive=end,
        gain=params.bgm_volume,
        fade_in_samples=min(int(BGM_FADE_IN_S * timeline.sample_rate), end // 2),
        fade_out_samples=min(int(BGM_FADE_OUT_S * timeline.sample_rate), end // 2),
        loop=True,
    )
    yield AudioTrack(clips=(music,), name="music")
