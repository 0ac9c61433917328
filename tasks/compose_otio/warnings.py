"""What a person should know of a timeline that was composed, whoever opens it."""

from collections.abc import Iterator
from fractions import Fraction

from farm.otio.warps import frames_shown
from farm.timeline import Rate, Timeline
from tasks.compose_otio.findings import Finding, pointer
from tasks.compose_otio.layout import base_name, items_by_id
from tasks.compose_otio.manifest import AudioLayer, Manifest, exact


def warnings_of(manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """In the manifest's order: its items, its clips, its sounds."""
    yield from _items(manifest, timeline.rate)
    yield from _clips(manifest, timeline)
    yield from _layers(manifest, timeline)


def _items(manifest: Manifest, rate: Rate) -> Iterator[Finding]:
    intent = manifest.intent
    used = {span.item_id for span in (*intent.video_sequence, *intent.audio_layers)}
    shown = {span.item_id for span in intent.video_sequence}
    heard = {span.item_id for span in intent.audio_layers}
    heard |= {span.item_id for span in intent.video_sequence if span.use_audio}
    paths: dict[str, str] = {}
    for index, item in enumerate(manifest.folder.items):
        at = ("folder", "items", index)
        if item.id not in used:
            yield _warning("unused_item", "No clip and no sound uses it.", at, item.id)
            continue
        if paths.setdefault(base_name(item), item.path) != item.path:
            said = f"{paths[base_name(item)]} has the same file name; some editors look by name alone."
            yield _warning("basename_collision", said, (*at, "path"), item.id)
        if item.kind == "video" and item.meta.fps and Rate.of(exact(item.meta.fps)) != rate:
            said = f"The clip has {item.meta.fps:g} frames per second, the project {float(rate.fps):g}."
            yield _warning("fps_mismatch", said, (*at, "meta", "fps"), item.id)
        if item.meta.has_audio and item.kind == "video" and item.id in shown - heard:
            said = "The clip's own sound is heard only with useAudio, or where audioLayers has it."
            yield _warning("sound_not_layered", said, (*at, "meta", "hasAudio"), item.id)


def _clips(manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    rate, items = timeline.rate, items_by_id(manifest)
    between = 0
    for index, (span, clip) in enumerate(
        zip(manifest.intent.video_sequence, timeline.video[0].clips, strict=True)
    ):
        at = ("intent", "videoSequence", index)
        between += any((edge * rate.fps).denominator != 1 for edge in (span.start, span.length))
        there = frames_shown(clip, timeline.medium(clip.media), rate)
        if there is not None and there < clip.frames:
            said = f"Its last frame is held for {clip.frames - there}."
            yield _warning("held_frame", said, at, span.item_id)
        if items[span.item_id].kind == "image" and span.from_sec:
            said = "A still has no time of its own: only its length counts."
            yield _warning("still_start", said, (*at, "fromSec"), span.item_id)
        if span.transition and span.transition.type != "cut" and clip.transition is None:
            said = "The transition is shorter than a frame: it is a cut."
            yield _warning("sub_frame_rounding", said, (*at, "transition"), span.item_id)
    if between:
        said = f"{between} clips have edges between frames; each edge is moved by half a frame at most."
        yield _warning("sub_frame_rounding", said, ("intent", "videoSequence"))


def _layers(manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    for index, layer in enumerate(manifest.intent.audio_layers):
        at = ("intent", "audioLayers", index)
        left = timeline.duration - exact(layer.start_sec)
        yield from _length(layer, left, timeline.rate.seconds(1) / 2, at)
        if layer.fade_in_sec or layer.fade_out_sec or layer.gain != 1:
            said = "Fades and gain have no words in OpenTimelineIO: they are in metadata.kinefarm only."
            yield _warning("metadata_only", said, at, layer.item_id)


def _length(
    layer: AudioLayer, left: Fraction, unheard: Fraction, at: tuple[str | int, ...]
) -> Iterator[Finding]:
    """`left` is how long the picture goes on; a difference of no more than `unheard` is none."""
    length = layer.length
    if layer.placement != "loop" and length < left - unheard:
        said = f"It ends {float(left - length):g} s before the picture does, and does not start over."
        yield _warning("audio_ends_early", said, at, layer.item_id)
    if layer.placement == "start" and length > left + unheard:
        said = f"The picture ends {float(length - left):g} s before it: the rest is not heard."
        yield _warning("audio_cut", said, at, layer.item_id)


def _warning(code: str, message: str, at: tuple[str | int, ...], item_id: str | None = None) -> Finding:
    return Finding(code=code, path=pointer(*at), message=message, item_id=item_id)
