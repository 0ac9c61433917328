"""OpenTimelineIO and its adapters as readers: whatever they open is one timeline to look at."""

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tasks.compose_otio import File
from tests.editors.reading import Picture, Reading, pictures, sounds

otio = pytest.importorskip("opentimelineio")
for _adapter in ("otio_fcp_adapter", "otio_cmx3600_adapter", "otio_fcpx_xml_adapter"):
    pytest.importorskip(_adapter)

_DISSOLVE = re.compile("dissolve")


def opened(text: str | Path, adapter: str, **options: Any) -> Any:
    """The timeline that an adapter reads: of a text, or of a file by its path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the adapters' own, of the language
        if isinstance(text, Path):
            found = otio.adapters.read_from_file(str(text), adapter_name=adapter, **options)
        else:
            found = otio.adapters.read_from_string(text, adapter_name=adapter, **options)
    if isinstance(found, otio.schema.Timeline):
        return found
    return next(part for part in found if isinstance(part, otio.schema.Timeline))


def of_otio(text: str) -> Reading:
    """An `.otio`, by the library itself. What is in the farm's metadata alone is a note."""
    timeline = opened(text, "otio_json")
    made = _of_timeline(timeline)
    told = timeline.metadata["kinefarm"]
    premiere = timeline.tracks.metadata.get("PremierePro_OTIO")
    if premiere:
        size = premiere["VideoResolution"]
        made.says("size", (size["width"], size["height"]))
        made.says("sample rate", premiere["AudioFrameRate"])
    made.notes("size", (told["width"], told["height"]))
    made.notes("sample rate", told["sample_rate"])
    made.says("roles", [track.name for track in timeline.audio_tracks()][:3])
    heard = [track.find_clips()[0].metadata["kinefarm"] for track in timeline.audio_tracks()]
    made.notes("gain", {n: clip["gain"] for n, clip in enumerate(heard) if clip["gain"] != 1})
    fades = {n: (round(c["fade_in_s"] * 24), round(c["fade_out_s"] * 24)) for n, c in enumerate(heard)}
    made.notes("fades", {n: fade for n, fade in fades.items() if any(fade)})
    hints = [clip.metadata["kinefarm"].get("name_hint") for clip in timeline.video_tracks()[0].find_clips()]
    made.notes("names", list(dict.fromkeys(hints)) if all(hints) else None)
    return made


def of_otioz(files: Sequence[File], folder: Path) -> Reading:
    """A bundle, by the library: the `.otio` that it holds."""
    path = folder / files[0].name
    path.write_bytes(files[0].content)
    timeline = otio.adapters.read_from_file(str(path))
    return of_otio(timeline.to_json_string())


def of_fcp7(files: Sequence[File]) -> Reading:
    """A Final Cut Pro 7 XML, by otio-fcp-adapter. It keeps filters as they are: they are looked at here."""
    timeline = opened(files[0].content.decode(), "fcp_xml")
    made = _of_timeline(timeline)
    media = timeline.metadata["fcp_xml"]["media"]
    size = media["video"]["format"]["samplecharacteristics"]
    made.says("size", (int(size["width"]), int(size["height"])))
    made.says("sample rate", int(media["audio"]["format"]["samplecharacteristics"]["samplerate"]))
    first = [track.find_clips()[0] for track in timeline.audio_tracks()]
    roles = [clip.metadata["fcp_xml"]["comments"]["mastercomment1"] for clip in first]
    made.notes("roles", [role.removeprefix("Role: ") for role in roles][:3])
    levels = {n: _parameters(clip, "audiolevels") for n, clip in enumerate(first)}
    made.says("gain", {n: float(found["level"]["value"]) for n, found in levels.items() if found})
    faded = {n: found["level"] for n, found in levels.items() if "keyframe" in found.get("level", {})}
    made.says("fades", {n: _fades(level) for n, level in faded.items()})
    return made


def of_edl(files: Sequence[File], rate: int = 24) -> Reading:
    """Lists, by otio-cmx3600-adapter, one after the other. They say no rate: the reader is told."""
    lists = {file.part: file.content.decode() for file in files}
    timelines = {part: opened(text, "cmx_3600", rate=rate) for part, text in lists.items()}
    made = Reading()
    picture = timelines.pop("v1").tracks[0]
    pictures(made, list(_edl_pieces(picture)))
    made.says("dissolves", [_place(t) for t in picture if isinstance(t, otio.schema.Transition)])
    sounds(made, [list(_edl_pieces(timeline.tracks[0])) for timeline in timelines.values()])
    remarks = [str(line) for line in _remarks([picture, *(t.tracks[0] for t in timelines.values())])]
    made.says("files", {line.removeprefix("SOURCE FILE: ") for line in remarks if "SOURCE FILE" in line})
    levels = {n: re.search(r"IS ([-+.\d]+) DB", text) for n, text in enumerate(list(lists.values())[1:])}
    made.notes("gain", {n: round(10 ** (float(m[1]) / 20), 3) for n, m in levels.items() if m})
    titles = [timeline.name.split()[-1] for timeline in timelines.values()]
    made.says("roles", titles[:3])
    found = [marker for clip in picture.find_clips() for marker in clip.markers]
    made.says("markers", [(marker.name, marker.marked_range.start_time.value) for marker in found])
    made.says("marker colours", {marker.name: marker.color for marker in found})
    return made


def of_aaf(files: Sequence[File], folder: Path) -> Reading:
    """An AAF, by otio-aaf-adapter; names of tracks by pyaaf2."""
    import aaf2  # type: ignore[import-untyped]  # published without type information

    path = folder / files[0].name
    path.write_bytes(files[0].content)
    timeline = opened(path, "AAF")
    made = _of_timeline(timeline)
    with aaf2.open(str(path)) as file:
        slots = next(file.content.toplevel()).slots
        names = [slot.name for slot in slots if slot.media_kind == "Sound"]
    made.says("roles", names[:3])
    markers = [m for m in timeline.tracks.markers if not _DISSOLVE.match(m.name)]
    split = [marker.name.partition(": ") for marker in markers]
    made.says(
        "markers", [(n, m.marked_range.start_time.value) for (n, *_), m in zip(split, markers, strict=True)]
    )
    made.says("marker comments", {name: text for name, _, text in split if text})
    made.says("marker colours", {n: m.color for (n, *_), m in zip(split, markers, strict=True)})
    lengths = {n: m.marked_range.duration.value for (n, *_), m in zip(split, markers, strict=True)}
    made.says("marker lengths", {name: length for name, length in lengths.items() if length > 1})
    return made


def _of_timeline(timeline: Any) -> Reading:
    made = Reading()
    video, audio = timeline.video_tracks()[0], timeline.audio_tracks()
    made.says("rate", video.duration().rate)
    pictures(made, list(_pieces(video)))
    sounds(made, [list(_pieces(track)) for track in audio])
    made.says("dissolves", [_place(item) for item in video if isinstance(item, otio.schema.Transition)])
    urls = {clip.media_reference.target_url for clip in timeline.find_clips()}
    made.says("files", {unquote(url.removeprefix("file://")) for url in urls})
    markers = [*timeline.tracks.markers]
    cuts = [m for m in markers if _DISSOLVE.match(m.name)]
    made.notes("dissolves", [_range(marker) for marker in cuts])
    own = [marker for marker in markers if marker not in cuts]
    made.says("markers", [(marker.name, marker.marked_range.start_time.value) for marker in own])
    lengths = {marker.name: marker.marked_range.duration.value for marker in own}
    made.says("marker lengths", {name: length for name, length in lengths.items() if length})
    comments = {m.name: m.comment or m.metadata.get("fcp_xml", {}).get("comment") for m in own}
    made.says("marker comments", {name: text for name, text in comments.items() if text})
    made.says("marker colours", {marker.name: marker.color for marker in own})
    return made


def _pieces(track: Any) -> Iterator[Picture]:
    at = 0
    for item in track:
        if isinstance(item, otio.schema.Transition):
            continue
        frames = round(item.duration().value)
        if isinstance(item, otio.schema.Clip):
            speed = _speed(item)
            told = item.metadata.get("fcp_xml")
            first = item.source_range.start_time.value * (speed if told and speed else 1)
            yield Picture(item.name, at, at + frames, round(first), speed)
        at += frames


def _edl_pieces(track: Any) -> Iterator[Picture]:
    """A list's dissolve begins its event; its cut is where it is half over."""
    at = 0 if track.source_range is None else -round(track.source_range.start_time.value)
    half = 0
    items = list(track)
    for number, item in enumerate(items):
        if isinstance(item, otio.schema.Transition):
            half = round(item.out_offset.value) // 2
            continue
        frames = round(item.duration().value)
        follows = items[number + 1] if number + 1 < len(items) else None
        given = round(follows.out_offset.value) // 2 if isinstance(follows, otio.schema.Transition) else 0
        if isinstance(item, otio.schema.Clip):
            start = round(item.source_range.start_time.value) + half
            yield Picture(item.name, at + half, at + frames + given, start, _speed(item))
        at, half = at + frames, 0


def _speed(clip: Any) -> float:
    for effect in clip.effects:
        if isinstance(effect, otio.schema.FreezeFrame):
            return 0
        if isinstance(effect, otio.schema.LinearTimeWarp):
            return float(effect.time_scalar)
    retimed = _parameters(clip, "timeremap")
    if retimed:
        return float(retimed["speed"]["value"]) / 100
    told = clip.metadata.get("fcp_xml", {})
    return 0 if told.get("stillframe") == "TRUE" and told["stillframeoffset"] != "0" else 1


def _parameters(clip: Any, effect_id: str) -> dict[str, Any]:
    """A Final Cut Pro 7 filter's parameters by their names."""
    for effect in clip.effects:
        told = effect.metadata.get("fcp_xml", {})
        if told.get("effectid") == effect_id:
            listed = told["parameter"]
            parameters = [listed] if "name" in listed else list(listed)
            return {parameter["name"]: parameter for parameter in parameters}
    return {}


def _fades(level: Any) -> tuple[int, int]:
    at = [int(key["when"]) for key in level["keyframe"]]
    return at[1] - at[0], at[3] - at[2]


def _place(transition: Any) -> tuple[int, int]:
    at = 0
    for item in transition.parent():
        if item is transition:
            break
        if not isinstance(item, otio.schema.Transition):
            at += round(item.duration().value)
    return at - round(transition.in_offset.value), at + round(transition.out_offset.value)


def _range(marker: Any) -> tuple[int, int]:
    start = round(marker.marked_range.start_time.value)
    return start, start + round(marker.marked_range.duration.value)


def _remarks(tracks: Sequence[Any]) -> Iterator[Any]:
    for track in tracks:
        for clip in track.find_clips():
            yield from clip.metadata.get("cmx_3600", {}).get("comments", [])


__all__ = ["of_aaf", "of_edl", "of_fcp7", "of_otio", "of_otioz", "opened"]
