"""What single editors need of an `.otio`, and what they drop of it, told.

`generic` is the timeline as it is: the manifest's paths unchanged, beginning at 0, no editor's metadata. The
others are changed in the JSON, never in the timeline: every cut stays on its frame for every target.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from farm.timeline import Timeline
from tasks.compose_otio.findings import Finding, pointer
from tasks.compose_otio.layout import base_name
from tasks.compose_otio.manifest import Manifest, Target
from tasks.compose_otio.markers import marker_at, time_at
from tasks.compose_otio.planned import handles, start_of

_Document = dict[str, Any]
_PREMIERE = "PremierePro_OTIO"
# Rates that the stock profiles of Kdenlive have.
_KDENLIVE_FPS = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
_KDENLIVE_SIZES = (
    (1920, 1080),
    (1280, 720),
    (3840, 2160),
    (2560, 1440),
    (1080, 1920),
    (720, 576),
    (720, 480),
)
_SQUARE = {"numerator": 1.0, "denominator": 1.0}


def tailored(document: _Document, manifest: Manifest, timeline: Timeline) -> tuple[Finding, ...]:
    """Change the document for its target, in place. What the target drops of it is answered."""
    return tuple(_TARGETS[manifest.output.target_consumer](document, manifest, timeline))


def _generic(_document: _Document, _manifest: Manifest, _timeline: Timeline) -> Iterator[Finding]:
    yield from ()


def _resolve(document: _Document, manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """Begins at 01:00:00:00; clips are called as their files, for it finds media by name."""
    rate = timeline.rate
    document["global_start_time"] = time_at(start_of(manifest, rate), rate)
    names = {item.id: base_name(item) for item in manifest.folder.items}
    for index, clip in enumerate(timeline.video[0].clips):
        if clip.name != names[clip.media]:
            said = "Resolve finds media by clip names: the clip is called as its file, with a marker."
            yield _dropped(index, manifest, said, key="clipNameHint")
    for placed, media_id, _at in _placed(document):
        hint = placed["name"]
        if hint != names[media_id]:
            placed["metadata"]["kinefarm"]["name_hint"] = hint
            used = int(placed["source_range"]["start_time"]["value"])
            placed["markers"].append(marker_at(hint, "", "GREEN", range(used, used + 1), rate))
        placed["name"] = names[media_id]
        _reference(placed)["name"] = names[media_id]
    yield from _trim_dissolves(document, manifest, timeline)


def _premiere(document: _Document, manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """Has metadata of its own. Files are percent-encoded; only picture and sound of one clip share a link."""
    document["metadata"][_PREMIERE] = {"MetadataVersion": "1.0"}
    document["tracks"]["metadata"][_PREMIERE] = {
        "VideoResolution": {"width": timeline.width, "height": timeline.height},
        "VideoFrameRate": float(timeline.rate.fps),
        "PixelAspectRatio": _SQUARE,
        "AudioFrameRate": float(timeline.sample_rate),
    }
    links: dict[tuple[str, float, float], int] = {}
    for number, (clip, media_id, at) in enumerate(_placed(document), start=1):
        source = clip["source_range"]["start_time"]["value"]
        same = links.setdefault((media_id, at, source), number)
        clip["metadata"][_PREMIERE] = {"LinkID": str(same)}
        reference = _reference(clip)
        reference["target_url"] = quote(reference["target_url"])
    said = "Premiere looks for media by absolute file: URLs; link the files once, when it asks for them."
    yield Finding(code="relative_paths", path="/folder/items", message=said)


def _kdenlive(document: _Document, manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """Does not import transitions: each becomes a cut with a marker."""
    if str(timeline.rate.fps) not in _KDENLIVE_FPS:
        said = "No stock profile of Kdenlive has this rate; make one before you open the file."
        yield Finding(code="no_stock_profile", path="/project/fps", message=said)
    if (timeline.width, timeline.height) not in _KDENLIVE_SIZES:
        said = "No stock profile of Kdenlive has this size; make one before you open the file."
        yield Finding(code="no_stock_profile", path="/project/resolution", message=said)
    yield from _speeds(manifest)
    picture = document["tracks"]["children"][0]
    picture["children"] = [child for child in picture["children"] if not _is_transition(child)]
    for index, clip in enumerate(timeline.video[0].clips):
        if clip.transition is None:
            continue
        length = clip.transition.before_frames + clip.transition.after_frames
        first = clip.start_frame - clip.transition.before_frames
        marks = document["tracks"]["markers"]
        marks.append(
            marker_at("dissolve", f"{length} frames", "RED", range(first, first + length), timeline.rate)
        )
        yield _dropped(index, manifest, "Kdenlive imports no transitions: it is a cut with a marker.")


def _speeds(manifest: Manifest) -> Iterator[Finding]:
    """What plays at a speed of its own."""
    intent = manifest.intent
    for key, spans in (("videoSequence", intent.video_sequence), ("audioLayers", intent.audio_layers)):
        for index, span in enumerate(spans):
            if span.speed != 1:
                said = "Not every Kdenlive imports speeds: look whether it plays as it should."
                path = pointer("intent", key, index, "speed")
                yield Finding(code="may_be_dropped", path=path, message=said, item_id=span.item_id)


def _fcpx(_document: _Document, _manifest: Manifest, _timeline: Timeline) -> Iterator[Finding]:
    """Reads no `.otio` at all: its file is the FCPXML beside it, which tells what it drops."""
    said = "Final Cut Pro reads no .otio; open the .fcpxml."
    yield Finding(code="other_file", path="/output/targetConsumer", message=said)


def _avid(document: _Document, manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """Reads no `.otio`: its files are an AAF and one EDL for each track, which tell what they drop."""
    document["global_start_time"] = time_at(start_of(manifest, timeline.rate), timeline.rate)
    said = "Experimental: take the AAF for its media and sounds, the EDLs for dissolves and speeds."
    yield Finding(code="experimental_target", path="/output/targetConsumer", message=said)


def _trim_dissolves(document: _Document, manifest: Manifest, timeline: Timeline) -> Iterator[Finding]:
    """Cut each dissolve to the frames that its clips have beyond their trims."""
    children = document["tracks"]["children"][0]["children"]
    dissolves = iter([child for child in children if _is_transition(child)])
    gone: list[int] = []
    for index, clip in enumerate(timeline.video[0].clips):
        if clip.transition is None:
            continue
        dissolve, wanted = next(dissolves), clip.transition
        after, before = handles(timeline, index)
        fitted = min(wanted.before_frames, before), min(wanted.after_frames, after)
        if fitted == (wanted.before_frames, wanted.after_frames):
            continue
        dissolve["in_offset"], dissolve["out_offset"] = (time_at(n, timeline.rate) for n in fitted)
        if sum(fitted) == 0:
            gone.append(id(dissolve))
        said = f"The clips have handles for {sum(fitted)} frames of it: it is cut to that."
        yield _dropped(index, manifest, said, code="insufficient_handles")
    children[:] = [child for child in children if id(child) not in gone]


def _placed(document: _Document) -> Iterator[tuple[_Document, str, float]]:
    """Every clip of the document, the id of its item, and the frame at which it begins."""
    for track in document["tracks"]["children"]:
        at = 0.0
        for child in track["children"]:
            if child["OTIO_SCHEMA"] == "Clip.2":
                yield child, _reference(child)["metadata"]["kinefarm"]["media"], at
            if not _is_transition(child):
                at += child["source_range"]["duration"]["value"]


def _reference(clip: _Document) -> _Document:
    reference: _Document = clip["media_references"]["DEFAULT_MEDIA"]
    return reference


def _is_transition(child: _Document) -> bool:
    return bool(child["OTIO_SCHEMA"] == "Transition.1")


def _dropped(
    index: int, manifest: Manifest, said: str, code: str = "dropped_by_target", key: str = "transition"
) -> Finding:
    item_id = manifest.intent.video_sequence[index].item_id
    path = pointer("intent", "videoSequence", index, key)
    return Finding(code=code, path=path, message=said, item_id=item_id)


_Tailor = Callable[[_Document, Manifest, Timeline], Iterator[Finding]]
_TARGETS: Mapping[Target, _Tailor] = {
    "generic": _generic,
    "resolve": _resolve,
    "premiere": _premiere,
    "kdenlive": _kdenlive,
    "fcpx": _fcpx,
    "avid": _avid,
}
