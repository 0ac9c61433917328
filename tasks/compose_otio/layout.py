"""Lays a checked manifest out as the farm's timeline. Pure.

Edges are snapped to frames one by one, from the exact sum of all lengths before: so cuts never drift, and
there is neither gap nor overlap. Source ranges have exactly what is shown at the clip's speed; where rounding
asks for more than a medium has, its last frame is held.
"""

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import PurePosixPath
from typing import NamedTuple

from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Rate,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from tasks.compose_otio.manifest import AudioLayer, Item, Manifest, SequenceClip, exact

DISSOLVE = "crossfade"  # what farm/otio writes as SMPTE_Dissolve
OWN_SOUND = "clips"  # the track and the role of the clips' own sound
_LONGEST_STEM = 80


def timeline_of(manifest: Manifest) -> Timeline:
    """The clips one after the other; each audio layer on a track of its own, at last the clips' own sound.

    Picture and sound are apart, as in editors: a clip's own sound is heard only from that track.
    """
    rate = Rate.of(exact(manifest.project.fps))
    bare = Timeline(
        name=manifest.project.name,
        rate=rate,
        width=manifest.project.resolution.w,
        height=manifest.project.resolution.h,
        sample_rate=manifest.project.audio_sample_rate,
        media=tuple(_medium(item) for item in manifest.folder.items),
        video=(VideoTrack(clips=tuple(_joined(manifest, rate)), name="V1"),),
    )
    layers = [_track(layer, manifest, bare) for layer in manifest.intent.audio_layers]
    return bare.model_copy(update={"audio": (*layers, *_own_track(manifest, bare))})


def own_sounds(manifest: Manifest) -> list[int]:
    """Which clips of the sequence are heard themselves, in order."""
    return [index for index, span in enumerate(manifest.intent.video_sequence) if span.use_audio]


def clip_edges(manifest: Manifest) -> Iterator[tuple[Fraction, Fraction]]:
    """Where each clip begins and ends, in exact seconds."""
    at = Fraction(0)
    for span in manifest.intent.video_sequence:
        start = at + exact(span.gap_before_sec)
        at = start + span.length
        yield start, at


def items_by_id(manifest: Manifest) -> dict[str, Item]:
    """The manifest's items by their ids."""
    return {item.id: item for item in manifest.folder.items}


def base_name(item: Item) -> str:
    """The name of its file."""
    return PurePosixPath(item.path).name


def file_stem(manifest: Manifest) -> str:
    """What its files are called on every system: `Forest Morning Cut` is `forest-morning-cut`."""
    plain = unicodedata.normalize("NFKD", manifest.project.name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_STEM].strip("-") or "timeline"


def _medium(item: Item) -> Media:
    length = item.meta.duration_sec
    duration = None if length is None or item.kind == "image" else exact(length)
    return Media(id=item.id, kind=MediaKind(item.kind), name=item.path, duration=duration)


def _joined(manifest: Manifest, rate: Rate) -> Iterator[VideoClip]:
    """The clips with their transitions, which never take a frame that another one has."""
    clips = list(_clips(manifest, rate))
    taken = 0  # frames at the head of the clip before that belong to its own transition
    for index, (clip, span) in enumerate(zip(clips, manifest.intent.video_sequence, strict=True)):
        transition = _transition(span, rate) if index else None
        if transition is None:
            taken = 0
            yield clip
            continue
        room = clips[index - 1].frames - taken
        before, taken = min(transition.before_frames, room), min(transition.after_frames, clip.frames)
        fitted = Transition(type=DISSOLVE, before_frames=before, after_frames=taken)
        yield clip.model_copy(update={"transition": fitted})


def _transition(span: SequenceClip, rate: Rate) -> Transition | None:
    if span.transition is None or span.transition.type == "cut":
        return None
    frames = rate.nearest_frame(exact(span.transition.duration_sec))
    if frames == 0:
        return None
    return Transition(type=DISSOLVE, before_frames=frames // 2, after_frames=frames - frames // 2)


def _clips(manifest: Manifest, rate: Rate) -> Iterator[VideoClip]:
    items = items_by_id(manifest)
    for span, (start, end) in zip(manifest.intent.video_sequence, clip_edges(manifest), strict=True):
        first, last = rate.nearest_frame(start), rate.nearest_frame(end)
        source = _source(span, items[span.item_id], last - first, rate)
        yield VideoClip(
            media=span.item_id,
            start_frame=first,
            end_frame_exclusive=last,
            source_start=source.start,
            source_end=source.end,
            speed=exact(span.speed),
            sound_gain=0.0,
            name=_name(span.clip_name_hint, items[span.item_id], manifest),
        )


class _Source(NamedTuple):
    """A span of a medium, in exact seconds of its own time."""

    start: Fraction
    end: Fraction | None


def _source(span: SequenceClip, item: Item, frames: int, rate: Rate) -> _Source:
    """What is shown of the medium, from one of its frames on, all of it within it; nothing of a still."""
    if item.kind == "image":
        return _Source(Fraction(0), None)
    there = max(1, rate.nearest_frame(exact(item.meta.duration_sec or span.to_sec)))
    taken = frames * exact(span.speed)
    first = max(0, min(rate.nearest_frame(span.start), there - ceil(taken)))
    return _Source(rate.seconds(first), min(first + taken, Fraction(there)) / rate.fps)


def _name(hint: str | None, item: Item, manifest: Manifest) -> str:
    return hint if hint and manifest.output.include_clip_names else base_name(item)


def _track(layer: AudioLayer, manifest: Manifest, timeline: Timeline) -> AudioTrack:
    item = items_by_id(manifest)[layer.item_id]
    clip = AudioClip(
        media=layer.item_id,
        start_sample=round(exact(layer.start_sec) * timeline.sample_rate),
        end_sample_exclusive=_end_sample(layer, timeline),
        source_start=layer.start,
        source_end=min(layer.end, exact(item.meta.duration_sec or layer.to_sec)),
        speed=exact(layer.speed),
        gain=layer.gain,
        fade_in_samples=round(exact(layer.fade_in_sec) * timeline.sample_rate),
        fade_out_samples=round(exact(layer.fade_out_sec) * timeline.sample_rate),
        loop=layer.placement == "loop",
        name=_name(layer.clip_name_hint, item, manifest),
    )
    return AudioTrack(clips=(clip,), name=layer.role, role=layer.role)


def _end_sample(layer: AudioLayer, timeline: Timeline) -> int:
    """Where a layer is no longer heard: at its own end unless it starts over, and at the last picture's."""
    limit = timeline.samples_at(timeline.end_frame_exclusive)
    if layer.placement == "loop":
        return limit
    return min(round((exact(layer.start_sec) + layer.length) * timeline.sample_rate), limit)


def _own_track(manifest: Manifest, timeline: Timeline) -> Iterator[AudioTrack]:
    """The sound of the clips that use theirs, each where its picture is, if any does."""
    pictures = timeline.video[0].clips
    clips = tuple(_own_sound(pictures[index], timeline) for index in own_sounds(manifest))
    if clips:
        yield AudioTrack(clips=clips, name=OWN_SOUND, role=OWN_SOUND)


def _own_sound(clip: VideoClip, timeline: Timeline) -> AudioClip:
    return AudioClip(
        media=clip.media,
        start_sample=timeline.samples_at(clip.start_frame),
        end_sample_exclusive=timeline.samples_at(clip.end_frame_exclusive),
        source_start=clip.source_start,
        source_end=clip.source_end,
        speed=clip.speed,
        name=clip.name,
    )
