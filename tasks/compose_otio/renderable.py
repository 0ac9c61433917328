"""Finds what keeps a manifest with `render: true` from becoming a film, told with all its other faults."""

from collections.abc import Iterator

from farm.timeline import Rate
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.look import Look, length_of
from tasks.media_render.effects import MOST_AT_ONCE as MOST_SOUNDS
from tasks.media_render.imported import MAX_CLIPS, MAX_FPS, SAMPLE_RATES
from tasks.media_render.params import MAX_ASSETS, MAX_TOTAL_S


def render_faults(root: Look, rate: Rate | None) -> Iterator[Finding]:
    """Everything that a render of the manifest cannot do; nothing where none is asked for."""
    if root["render"].value is not True:
        return
    project, clips, layers = root["project"], root["intent"]["videoSequence"], root["intent"]["audioLayers"]
    yield from _assets(root["folder"]["items"], [*clips.all, *layers.all])
    if rate is not None and rate.fps > MAX_FPS:
        said = f"A film has at most {MAX_FPS} pictures per second."
        yield project["fps"].wrong("unsupported_fps", said, allowed={"le": MAX_FPS})
    sound = project["audioSampleRate"]
    if sound.number is not None and sound.number not in SAMPLE_RATES:
        yield sound.wrong("out_of_range", "A film's sound has one of two rates.", allowed=[*SAMPLE_RATES])
    yield from _lengths(clips, layers)


def _assets(items: Look, spans: list[Look]) -> Iterator[Finding]:
    used = {span["itemId"].text for span in spans}
    shown = [item for item in items.all if item["id"].text in used]
    for item in shown:
        if item["asset"].value is None:
            said = "A film is made of uploads: name the asset that this item is."
            yield item["asset"].wrong("missing_asset", said, item["id"].text)
    if len(shown) > MAX_ASSETS:
        yield _too_many("too_many_items", items, len(shown), MAX_ASSETS, "items that it uses")


def _lengths(clips: Look, layers: Look) -> Iterator[Finding]:
    own = sum(clip["useAudio"].value is True for clip in clips.all)
    pieces, tracks = len(clips.all) + len(layers.all) + own, len(layers.all) + bool(own)
    if pieces > MAX_CLIPS:
        yield _too_many("too_many_clips", clips, pieces, MAX_CLIPS, "clips and sounds")
    if tracks > MOST_SOUNDS:
        yield _too_many("track_limit", layers, tracks, MOST_SOUNDS, "tracks of sound")
    total = sum(length_of(clip) + max(clip["gapBeforeSec"].number or 0, 0) for clip in clips.all)
    if total > MAX_TOTAL_S:
        yield _too_many("timeline_too_long", clips, float(total), MAX_TOTAL_S, "seconds")


def _too_many(code: str, at: Look, got: float, most: int, of: str) -> Finding:
    said = f"Has {got:g} {of}; a film has {most} at most."
    return Finding(code=code, path=at.at, message=said, got=got, allowed=most)
