"""Makes the plan of a composed timeline. Pure.

It says what the `.otio` says: pictures that end before their place does hold their last frame, sounds that
start over are laid out round by round, and a dissolve is no longer than the clips have frames beyond their
trims.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from math import ceil, floor

from farm.otio.warps import frames_shown, frames_used
from farm.timeline import PLAIN_SPEED, AudioClip, Media, MediaKind, Rate, Timeline
from tasks.compose_otio.layout import base_name, items_by_id, own_sounds
from tasks.compose_otio.manifest import Item, Manifest, exact
from tasks.compose_otio.plan import CLIPS, HELD, LAYERS, MARKERS, At, Dissolve, Lane, Mark, Piece, Plan

_HOUR_S = 3_600
_BEGIN_AT_AN_HOUR = ("resolve", "avid")


def plan_of(manifest: Manifest, timeline: Timeline) -> Plan:
    """The plan of a checked manifest that was laid out as this timeline."""
    items = items_by_id(manifest)
    rate = timeline.rate
    seen = [_seen(index, timeline, items) for index in range(len(timeline.video[0].clips))]
    return Plan(
        name=timeline.name,
        rate=rate,
        width=timeline.width,
        height=timeline.height,
        sample_rate=timeline.sample_rate,
        start=start_of(manifest, rate),
        picture=Lane(CLIPS, timeline.video[0].name, "video", tuple(chain(*seen))),
        sounds=(*_layers(manifest, timeline, items), *_own(manifest, timeline, items)),
        marks=tuple(_marks(manifest, timeline)),
    )


def start_of(manifest: Manifest, rate: Rate) -> int:
    """The frame number that its first frame has: 01:00:00:00 where editors come from tapes.

    A time code counts whole frames: at 23.976 an hour of it has 86,400 of them, and lasts 3.6 s longer.
    """
    return _HOUR_S * ceil(rate.fps) if manifest.output.target_consumer in _BEGIN_AT_AN_HOUR else 0


def handles(timeline: Timeline, index: int) -> tuple[int, int]:
    """Frames, as they are shown, that the clip before has after its end and this clip before its start."""
    rate, (previous, clip) = timeline.rate, timeline.video[0].clips[index - 1 : index + 1]
    without_end = previous.frames + clip.frames
    behind = timeline.medium(previous.media)
    after, before = without_end, without_end
    if behind.kind is not MediaKind.IMAGE and behind.duration is not None and previous.source_end is not None:
        left = rate.nearest_frame(behind.duration) - rate.nearest_frame(previous.source_end)
        after = max(0, floor(left / previous.speed))
    if timeline.medium(clip.media).kind is not MediaKind.IMAGE:
        before = floor(rate.nearest_frame(clip.source_start) / clip.speed)
    return after, before


def _seen(index: int, timeline: Timeline, items: dict[str, Item]) -> Iterator[Piece]:
    clip = timeline.video[0].clips[index]
    medium, item, rate = timeline.medium(clip.media), items[clip.media], timeline.rate
    is_still = medium.kind is MediaKind.IMAGE
    start, speed = (0, PLAIN_SPEED) if is_still else (rate.nearest_frame(clip.source_start), clip.speed)
    shown = None if is_still else frames_shown(clip, medium, rate)
    moving = clip.frames if shown is None else min(clip.frames, shown)
    place = range(clip.start_frame, clip.start_frame + moving)
    source = range(start, start + frames_used(moving, speed))
    there = _there(medium, source, rate)
    piece = Piece((*CLIPS, index), item, clip.name or base_name(item), place, source, there, speed)
    yield replace(piece, dissolve=_dissolve(index, timeline))
    if moving < clip.frames:
        held, last = range(place.stop, clip.end_frame_exclusive), range(source.stop - 1, source.stop)
        yield replace(piece, place=held, source=last, speed=HELD)


def _there(medium: Media, source: range, rate: Rate) -> int:
    """As the `.otio` says it: a medium has at least what is used of it."""
    return source.stop if medium.duration is None else max(source.stop, rate.nearest_frame(medium.duration))


def _dissolve(index: int, timeline: Timeline) -> Dissolve | None:
    wanted = timeline.video[0].clips[index].transition
    if wanted is None:
        return None
    after, before = handles(timeline, index)
    made = Dissolve(min(wanted.before_frames, before), min(wanted.after_frames, after))
    made = replace(made, is_cut_short=made.frames < wanted.before_frames + wanted.after_frames)
    return made if made.frames else None


def _layers(manifest: Manifest, timeline: Timeline, items: dict[str, Item]) -> Iterator[Lane]:
    """Each layer's, on a track of its own."""
    for index in range(len(manifest.intent.audio_layers)):
        track = timeline.audio[index]
        (clip,) = track.clips
        at = (*LAYERS, index)
        pieces = tuple(_heard(at, clip, timeline, items[clip.media]))
        fade_in, fade_out = (
            timeline.rate.nearest_frame(Fraction(samples, timeline.sample_rate))
            for samples in (clip.fade_in_samples, clip.fade_out_samples)
        )
        is_between = any(_is_between(edge, timeline) for edge in _edges(clip, timeline))
        yield Lane(at, track.name, track.role, pieces, clip.gain, fade_in, fade_out, is_between)


def _own(manifest: Manifest, timeline: Timeline, items: dict[str, Item]) -> Iterator[Lane]:
    """The clips' own sounds, on one track, if any is heard."""
    indexes = own_sounds(manifest)
    for track in timeline.audio[len(manifest.intent.audio_layers) :]:
        made = (
            _heard((*CLIPS, index), clip, timeline, items[clip.media])
            for index, clip in zip(indexes, track.clips, strict=True)
        )
        yield Lane((*CLIPS, indexes[0]), track.name, track.role, tuple(chain(*made)))


def _is_between(edge: Fraction, timeline: Timeline) -> bool:
    """Whether an edge is further from a frame than samples can help it."""
    nearest = timeline.rate.seconds(timeline.rate.nearest_frame(edge))
    return abs(edge - nearest) * timeline.sample_rate >= 1


def _edges(clip: AudioClip, timeline: Timeline) -> tuple[Fraction, Fraction]:
    rate = timeline.sample_rate
    return Fraction(clip.start_sample, rate), Fraction(clip.end_sample_exclusive, rate)


def _heard(at: At, clip: AudioClip, timeline: Timeline, item: Item) -> Iterator[Piece]:
    """Round by round, where it starts over."""
    medium, rate = timeline.medium(clip.media), timeline.rate
    place = range(*(rate.nearest_frame(edge) for edge in _edges(clip, timeline)))
    first = rate.nearest_frame(clip.source_start)
    length = frames_shown(clip, medium, rate) or len(place)
    for number in range(ceil(len(place) / length) if clip.loop else min(1, len(place))):
        start = place.start + number * length
        part = range(start, min(start + length, place.stop))
        source = range(first, first + frames_used(len(part), clip.speed))
        there = _there(medium, source, rate)
        yield Piece(at, item, clip.name or base_name(item), part, source, there, clip.speed)


def _marks(manifest: Manifest, timeline: Timeline) -> Iterator[Mark]:
    rate = timeline.rate
    for index, marker in enumerate(manifest.intent.markers):
        at = exact(marker.at_sec)
        first = rate.nearest_frame(at)
        last = min(rate.nearest_frame(at + exact(marker.duration_sec)), timeline.end_frame_exclusive)
        yield Mark((*MARKERS, index), marker.name, marker.comment, marker.color, range(first, last))
