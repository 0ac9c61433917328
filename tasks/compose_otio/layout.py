"""Lays a checked manifest out as the farm's timeline. Pure.

Edges are snapped to frames one by one, from the exact sum of all lengths before: so cuts never drift, and
there is neither gap nor overlap. Source ranges have exactly the frames that are shown; where rounding asks
for one frame more than a medium has, its last frame is held.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePosixPath

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


def timeline_of(manifest: Manifest) -> Timeline:
    """The clips one after the other; each audio layer on a track of its own. A clip's own sound is silent."""
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
    layers = manifest.intent.audio_layers
    return bare.model_copy(update={"audio": tuple(_track(layer, manifest, bare) for layer in layers)})


def clip_edges(manifest: Manifest) -> Iterator[tuple[Fraction, Fraction]]:
    """Where each clip begins and ends, in exact seconds."""
    at = Fraction(0)
    for span in manifest.intent.video_sequence:
        start = at + exact(span.gap_before_sec)
        at = start + span.end - span.start
        yield start, at


def items_by_id(manifest: Manifest) -> dict[str, Item]:
    """The manifest's items by their ids."""
    return {item.id: item for item in manifest.folder.items}


def base_name(item: Item) -> str:
    """The name of its file."""
    return PurePosixPath(item.path).name


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
            source_start=Fraction(0) if source is None else rate.seconds(source.start),
            source_end=None if source is None else rate.seconds(source.stop),
            sound_gain=0.0,
            name=_name(span.clip_name_hint, items[span.item_id], manifest),
        )


def _source(span: SequenceClip, item: Item, frames: int, rate: Rate) -> range | None:
    """The frames of the medium that are shown, all of them within it; None for a still."""
    if item.kind == "image":
        return None
    there = max(1, rate.nearest_frame(exact(item.meta.duration_sec or span.to_sec)))
    first = max(0, min(rate.nearest_frame(span.start), there - frames))
    return range(first, min(first + frames, there))


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
    return min(round((exact(layer.start_sec) + layer.end - layer.start) * timeline.sample_rate), limit)
