"""Reads OpenTimelineIO (Timeline.1) into the farm's timeline. Pure: JSON in, no library, no file is opened.

What the farm wrote comes back exactly. A foreign file becomes what the timeline has words for: tracks, clips,
gaps, transitions, stills, speeds, held frames. Whatever else it has is named in a warning, and every fault is
told at once with its JSON pointer. Foreign clips have their own sound only where the file has no tracks of
sound.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from farm.noun import Noun
from farm.otio.checked import BrokenOtio, Clock, Findings, Node, fraction, parsed, whole
from farm.otio.library import Library
from farm.otio.pictures import video_track
from farm.otio.sounds import audio_track
from farm.otio.tracks import Frame
from farm.timeline import Position, Rate, TextClip, TextTrack, Timeline
from farm.validation import fault_text, first_fault

MAX_TRACKS = 128
MAX_ITEMS = 20_000
MAX_MARKERS = 5_000
MAX_FPS = 240
_MOST_WARNINGS = 50
_DEFAULT_FPS = 30
_SAMPLE_RATE = 48_000
_SIDES = range(16, 8193)
_SAMPLE_RATES = range(8_000, 192_001)


class Read(Noun):
    """A timeline that was read; `warnings` name what it could not keep."""

    timeline: Timeline
    warnings: tuple[str, ...] = ()


def read_otio(source: str | bytes | Mapping[str, object], *, size: tuple[int, int] = (1080, 1920)) -> Read:
    """The timeline of an `.otio` file, or of its JSON already parsed. `size` is for files that say none.

    Raises BrokenOtio with everything that is wrong, and TooLarge.
    """
    findings = Findings()
    root = parsed(source, findings)
    tracks = _tracks(root)
    frame = _frame(root, tracks)
    width, height = _size(root, size)
    _warn_of_rest(root, tracks)
    pictures = [video_track(track, frame) for track in tracks if track.text("kind") == "Video"]
    sounds = [audio_track(track, frame) for track in tracks if track.text("kind") == "Audio"]
    texts = tuple(_texts(root, frame))
    if findings.problems:
        raise BrokenOtio(findings.problems)
    try:
        timeline = Timeline(
            name=root.text("name"),
            rate=frame.rate,
            width=width,
            height=height,
            sample_rate=frame.sample_rate,
            media=tuple(frame.library.media.values()),
            video=tuple(pictures),
            audio=tuple(sounds),
            text=texts,
        )
    except ValidationError as error:
        raise BrokenOtio([("", fault_text(found)) for found in error.errors()]) from error
    return Read(timeline=timeline, warnings=tuple(_said(findings.warnings)))


def _said(warnings: Sequence[str]) -> Iterator[str]:
    """Each once, and no more than anybody reads."""
    different = list(dict.fromkeys(warnings))
    yield from different[:_MOST_WARNINGS]
    if len(different) > _MOST_WARNINGS:
        yield f"{len(different) - _MOST_WARNINGS} more things are left out"


def _tracks(root: Node) -> list[Node]:
    """The tracks of pictures and sounds, from below upwards."""
    if root.value.get("OTIO_SCHEMA") != "Timeline.1":
        root.wrong("OTIO_SCHEMA", "is not Timeline.1")
        return []
    stack = root.node("tracks")
    if stack is None:
        if root.value.get("tracks") is None:
            root.wrong("tracks", "is missing")
        return []
    tracks = [track for track in stack.nodes("children") if _is_kept(track)]
    if len(tracks) > MAX_TRACKS:
        stack.wrong("children", f"has more than {MAX_TRACKS} tracks")
    if sum(len(_items(track)) for track in tracks) > MAX_ITEMS:
        stack.wrong("children", f"has more than {MAX_ITEMS} clips, gaps and transitions")
        return []
    return tracks[:MAX_TRACKS]


def _is_kept(track: Node) -> bool:
    if track.schema != "Track":
        track.warn("lies beside the tracks, and is left out")
    elif not track.is_enabled:
        track.warn("is switched off, and left out")
    elif track.text("kind") not in ("Video", "Audio"):
        track.warn(f"is a track of {track.text('kind')[:40] or 'nothing named'}, and left out")
    else:
        return True
    return False


def _items(track: Node) -> Sequence[object]:
    children = track.value.get("children")
    return children if isinstance(children, list) else ()


def _frame(root: Node, tracks: Sequence[Node]) -> Frame:
    told = fraction(root.told.get("rate"))
    told = told if told and told <= MAX_FPS and told.numerator + told.denominator < 1_000_000 else None
    rate = Rate.of(_DEFAULT_FPS)
    clock = Clock(told)
    if found := _most_common_rate(root, tracks):
        exact = clock.exact(found)
        if exact is None or exact > MAX_FPS:
            root.wrong("", f"its rate is {found:g}; at most {MAX_FPS} pictures per second can be shown")
        else:
            rate = Rate(num=exact.numerator, den=exact.denominator)
    elif told:
        rate = Rate(num=told.numerator, den=told.denominator)
    sounds = any(track.text("kind") == "Audio" and _items(track) for track in tracks)
    return Frame(rate, _sample_rate(root), clock, Library(root.told.get("media")), is_muted=sounds)


def _most_common_rate(root: Node, tracks: Sequence[Node]) -> float | None:
    """What pictures are counted in: as the start says, else as most things on their tracks do."""
    begin = root.value.get("global_start_time")
    if isinstance(begin, Mapping) and (rate := _rate(begin)):
        return rate
    pictures = [track for track in tracks if track.text("kind") == "Video"]
    counted = Counter(_rates(pictures)) or Counter(_rates(tracks))
    return counted.most_common(1)[0][0] if counted else None


def _rates(tracks: Sequence[Node]) -> Iterator[float]:
    for track in tracks:
        for item in _items(track):
            span = item.get("source_range") if isinstance(item, Mapping) else None
            duration = span.get("duration") if isinstance(span, Mapping) else None
            if isinstance(duration, Mapping) and (rate := _rate(duration)):
                yield rate


def _rate(time: Mapping[str, object]) -> float | None:
    rate = time.get("rate")
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 < rate <= 1_000_000
    return float(rate) if is_number else None  # type: ignore[arg-type]  # a number by then


def _size(root: Node, default: tuple[int, int]) -> tuple[int, int]:
    """As the farm noted it, or Premiere; else the default, with a warning."""
    stack = root.node("tracks")
    metadata = stack.value.get("metadata") if stack else None
    premiere = metadata.get("PremierePro_OTIO") if isinstance(metadata, Mapping) else None
    resolution = premiere.get("VideoResolution") if isinstance(premiere, Mapping) else None
    for said, where in ((root.told, "metadata/kinefarm"), (resolution, "tracks/metadata/PremierePro_OTIO")):
        if not isinstance(said, Mapping) or said.get("width") is None:
            continue
        width, height = whole(said.get("width")) or 0, whole(said.get("height")) or 0
        if width in _SIDES and height in _SIDES and not width % 2 and not height % 2:
            return width, height
        root.wrong(where, f"width and height are even numbers, {_SIDES.start} to {_SIDES.stop - 1}")
        return default
    root.warn(f"says no size: {default[0]}x{default[1]}")
    return default


def _sample_rate(root: Node) -> int:
    told = root.told.get("sample_rate")
    if told is None:
        return _SAMPLE_RATE
    found = whole(told) or 0
    if found not in _SAMPLE_RATES:
        root.wrong("metadata/kinefarm/sample_rate", "is 8000 to 192000")
        return _SAMPLE_RATE
    return found


def _texts(root: Node, frame: Frame) -> Iterator[TextTrack]:
    """The texts that the farm wrote as markers of the stack, on the tracks they were on."""
    names = root.told.get("text_tracks")
    named = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    lanes: dict[int | str, list[TextClip]] = {lane: [] for lane in range(min(len(named), MAX_TRACKS))}
    stack = root.node("tracks")
    for marker in _own_markers(stack) if stack else ():
        lane, name = marker.told.get("lane"), marker.told.get("track")
        key = lane if whole(lane) in lanes else name if isinstance(name, str) else "text"
        if (text := _text(marker, frame)) is not None:
            lanes.setdefault(key, []).append(text)  # type: ignore[arg-type]  # a known lane or a name
    for key, clips in lanes.items():
        yield TextTrack(clips=tuple(clips), name=named[key] if isinstance(key, int) else key)


def _own_markers(stack: Node) -> Iterator[Node]:
    markers = list(stack.nodes("markers"))
    if len(markers) > MAX_MARKERS:
        stack.wrong("markers", f"are more than {MAX_MARKERS}")
        return
    yield from (marker for marker in markers if isinstance(marker.told.get("text"), str))


def _text(marker: Node, frame: Frame) -> TextClip | None:
    span = marker.span("marked_range", frame.clock)
    if span is None:
        if marker.value.get("marked_range") is None:
            marker.wrong("marked_range", "is missing")
        return None
    start, end = frame.rate.nearest_frame(span.start), frame.rate.nearest_frame(span.end)
    position = marker.told.get("position")
    try:
        return TextClip.model_validate(
            {
                "text": marker.told.get("text"),
                "start_frame": start,
                "end_frame_exclusive": end,
                "template": marker.told.get("template"),
                "position": next((p for p in Position if p == position), Position.TOP),
            }
        )
    except ValidationError as error:
        fault = first_fault(error)
        marker.wrong("", f"is no text that can be shown: {fault.place[0]}: {fault.text}")
        return None


def _warn_of_rest(root: Node, tracks: Sequence[Node]) -> None:
    """Warn of what belongs to the whole: a start time code, effects, markers that are no texts."""
    begin = root.value.get("global_start_time")
    if isinstance(begin, Mapping) and begin.get("value"):
        root.warn("its start time code is left out")
    stack = root.node("tracks")
    if stack is None:
        return
    if stack.value.get("source_range") is not None or stack.value.get("effects"):
        stack.warn("is taken whole, and without effects of the whole")
    foreign = sum(1 for m in stack.nodes("markers") if not isinstance(m.told.get("text"), str))
    for track in tracks:
        foreign += len(_marks(track.value))
        foreign += sum(len(_marks(item)) for item in _items(track) if isinstance(item, Mapping))
    if foreign:
        root.warn(f"{foreign} markers are left out")


def _marks(item: Mapping[str, object]) -> Sequence[object]:
    markers = item.get("markers")
    return markers if isinstance(markers, list) else ()
