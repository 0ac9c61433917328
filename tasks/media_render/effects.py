"""Lays the sound effects of a media render out on its timeline: on the cuts, or where they were placed. Pure.

An automatic effect lies so that its stroke falls on the cut, and within the two visuals that it joins. A
placed one begins exactly when it is told to. One that is placed on a clip goes where the clip goes: onto a
beat, or out of the film where a plan leaves the clip out. Effects may sound at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from farm.errors import BadRequest
from farm.timeline import EFFECTS_ROLE, AudioClip, AudioTrack, Media, MediaKind, Timeline
from tasks.media_render.music import has_music
from tasks.media_render.on_beats import FURTHEST_S
from tasks.media_render.params import MAX_TOTAL_S, MediaRender, SfxPlacement, SfxType, exact

MOST_AT_ONCE = 32
_FADE_S = Fraction(3, 100)  # where an effect is cut off


class Lasting(NamedTuple):
    """How long an effect is, and which moment of it belongs on a cut; in seconds."""

    seconds: Fraction
    cut: Fraction


# What they sound like is the renderer's affair.
EFFECTS: Mapping[SfxType, Lasting] = {
    "click": Lasting(Fraction("0.2"), Fraction(0)),
    "camera-shutter": Lasting(Fraction("0.4"), Fraction(0)),
    "whoosh": Lasting(Fraction("0.95"), Fraction("0.46")),
    "pop": Lasting(Fraction("0.2"), Fraction(0)),
    "hit": Lasting(Fraction("1.4"), Fraction(0)),
    "riser": Lasting(Fraction("2.2"), Fraction("1.9")),
    "glitch": Lasting(Fraction("0.5"), Fraction(0)),
    "notification": Lasting(Fraction(1), Fraction(0)),
    "typing": Lasting(Fraction("1.3"), Fraction(0)),
    "processing": Lasting(Fraction("1.7"), Fraction(0)),
}


def with_effects(params: MediaRender, timeline: Timeline) -> Timeline:
    """The timeline and its sound effects: those placed by hand, else one on each cut if `sfx` is on.

    Raises BadRequest naming the placement that cannot be met.
    """
    clips = list(_placed(params, timeline) if params.sfx_placements else _on_cuts(params, timeline))
    if not clips:
        return timeline
    names = sorted({clip.name for clip in clips if clip.name})
    media = [
        Media(id=_media_id(name), kind=MediaKind.AUDIO, name=name, builtin=f"sfx/{name}") for name in names
    ]
    return timeline.model_copy(
        update={
            "media": (*timeline.media, *media),
            "audio": (*timeline.audio, *_tracks(sorted(clips, key=lambda clip: clip.start_sample))),
        }
    )


def _media_id(name: str) -> str:
    return f"builtin:sfx/{name}"


def _on_cuts(params: MediaRender, timeline: Timeline) -> Iterator[AudioClip]:
    """The types in rotation over the cuts. At the edges of its two visuals an effect is faded."""
    if not params.sfx:
        return
    rate = timeline.sample_rate
    for index, (before, after) in enumerate(pairwise(timeline.video[0].clips)):
        kind = params.sfx_types[index % len(params.sfx_types)]
        lasting = EFFECTS[kind]
        first = timeline.samples_at(after.start_frame) - round(lasting.cut * rate)
        start = max(first, timeline.samples_at(before.start_frame))
        end = min(first + round(lasting.seconds * rate), timeline.samples_at(after.end_frame_exclusive))
        if end > start:
            yield _clip(kind, start, end, start - first, params.sfx_volume, rate)


def _placed(params: MediaRender, timeline: Timeline) -> Iterator[AudioClip]:
    """Each where it was told to begin; what would outlast the video ends with it."""
    rate = timeline.sample_rate
    total = timeline.samples_at(timeline.end_frame_exclusive)
    for index, placement in enumerate(params.sfx_placements):
        length = EFFECTS[placement.sfx_type].seconds
        if placement.duration_s is not None:
            length = min(length, exact(placement.duration_s))
        start_s = _start_of(placement, length, params, timeline, f"sfx_placements[{index}]")
        if start_s is None:
            continue
        start = round(start_s * rate)
        end = min(start + max(1, round(length * rate)), total)
        volume = params.sfx_volume if placement.volume is None else placement.volume
        yield _clip(placement.sfx_type, start, end, 0, volume, rate)


def _start_of(
    placement: SfxPlacement, length: Fraction, params: MediaRender, timeline: Timeline, param: str
) -> Fraction | None:
    """When it begins, in seconds; None for what is not heard, or not yet.

    Raises BadRequest when that is not within the video.
    """
    start, field = placement.start_s, "start_s"
    if start is not None:
        at, slack = exact(start), Fraction(0)
    elif (clip_start := _clip_start(placement, params, timeline, param)) is not None:
        at, slack, field = clip_start + exact(placement.offset_s), _slack(params), "offset_s"
    else:
        return None
    total = timeline.duration
    if at >= 0 and round(at * timeline.sample_rate) < timeline.samples_at(timeline.end_frame_exclusive):
        return at
    if at >= 0 and _is_unspoken(params, timeline):
        return None
    if slack and max(-at, at - total) <= slack:
        return max(Fraction(0), min(at, total - length))
    where = f"at {float(at):g} s; the video is {float(total):g} s long"
    raise BadRequest(f"The sound effect would start {where}.", param=f"{param}.{field}")


def _slack(params: MediaRender) -> Fraction:
    """How far out of the video, in seconds, what is placed on a clip may come to lie; it is moved into it.

    Beats move clips, plans and voices change their lengths, after the request was checked.
    """
    if params.was_planned or params.voiceover is not None:
        return Fraction(MAX_TOTAL_S)
    return FURTHEST_S if params.beat_sync and has_music(params) else Fraction(0)


def _is_unspoken(params: MediaRender, timeline: Timeline) -> bool:
    """Whether all is laid out again once the voiceover was spoken, which may draw the video out."""
    return params.voiceover is not None and not any(track.is_voice for track in timeline.audio)


def _clip_start(
    placement: SfxPlacement, params: MediaRender, timeline: Timeline, param: str
) -> Fraction | None:
    """When the clip that it belongs to is cut to; in a plan for the first time, None where it left it out."""
    wanted = placement.clip_asset_id
    found = [clip for clip in timeline.video[0].clips if clip.media == wanted]
    if len(found) == 1 or (found and params.was_planned):
        return timeline.rate.seconds(found[0].start_frame)
    if wanted in _left_out(params, timeline):
        return None
    name = next((asset.file_name for asset in params.assets if asset.asset_id == wanted), None)
    problem = f"is shown {len(found)} times; pass the time itself" if found else "is not shown in this video"
    raise BadRequest(f"{name or repr(wanted)} {problem}.", param=f"{param}.clip_asset_id")


def effects_notes(params: MediaRender, timeline: Timeline) -> Iterator[str]:
    """What a person should know: which sounds went with the visuals that a plan left out."""
    lost = _left_out(params, timeline)
    wanted = (placement.clip_asset_id for placement in params.sfx_placements)
    if names := [lost[clip] for clip in dict.fromkeys(wanted) if clip is not None and clip in lost]:
        yield f"Not heard are the sound effects of visuals that the plan left out: {', '.join(names)}."


def _left_out(params: MediaRender, timeline: Timeline) -> Mapping[str, str]:
    """The names of the visuals that a plan does not show, by asset id."""
    if not params.was_planned:
        return {}
    shown = {clip.media for clip in timeline.video[0].clips}
    visuals = [asset for asset in params.assets if asset.media_kind is not MediaKind.AUDIO]
    return {asset.asset_id: asset.file_name for asset in visuals if asset.asset_id not in shown}


def _clip(kind: SfxType, start: int, end: int, skipped: int, volume: float, rate: int) -> AudioClip:
    """An effect, or a part of it, from its sample `skipped` on; faded at the ends that are not its own."""
    fade = min(round(_FADE_S * rate), (end - start) // 2)
    is_whole = skipped + end - start == round(EFFECTS[kind].seconds * rate)
    return AudioClip(
        media=_media_id(kind),
        start_sample=start,
        end_sample_exclusive=end,
        source_start=Fraction(skipped, rate),
        gain=volume,
        fade_in_samples=fade if skipped else 0,
        fade_out_samples=0 if is_whole else fade,
        name=kind,
    )


def _tracks(clips: Sequence[AudioClip]) -> Iterator[AudioTrack]:
    """As many tracks as sound at once. Raises BadRequest when that is a din."""
    tracks: list[list[AudioClip]] = []
    for clip in clips:
        free = next((track for track in tracks if track[-1].end_sample_exclusive <= clip.start_sample), None)
        if free is None:
            tracks.append([clip])
        else:
            free.append(clip)
    if len(tracks) > MOST_AT_ONCE:
        raise BadRequest(
            f"More than {MOST_AT_ONCE} sound effects would be heard at once.", param="sfx_placements"
        )
    yield from (AudioTrack(clips=tuple(track), name="effects", role=EFFECTS_ROLE) for track in tracks)
