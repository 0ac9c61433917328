"""A track of an `.otio`, laid out: what lies where, and from which part of its medium.

Also whether something still is as the farm wrote it: then what the farm noted of it holds exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pydantic import JsonValue

from farm.otio.checked import Clock, Node, Span
from farm.otio.library import Library
from farm.otio.warps import PLAIN, Warp, warp_of
from farm.timeline import Media, MediaKind, Rate

_NESTED = ("Stack", "Track", "SerializableCollection")
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """What all of a file is read against. `is_muted`: its clips' own sound is on tracks of its own."""

    rate: Rate
    sample_rate: int
    clock: Clock
    library: Library
    is_muted: bool = False

    def seconds(self, sample: int) -> Fraction:
        """When a sample is heard."""
        return Fraction(sample, self.sample_rate)


@dataclass(frozen=True, slots=True)
class Item:
    """Something on a track from `start` to `end` in exact seconds; `source` is its part of the medium.

    A clip that plays quicker than its medium has more of it than it lasts.

    `is_overlong`: that part ends after the medium is said to.
    """

    node: Node
    start: Fraction
    end: Fraction
    rate: Rate
    medium: Media | None = None
    source: Span | None = None
    is_overlong: bool = False
    warp: Warp = PLAIN

    @property
    def start_frame(self) -> int:
        return self.rate.nearest_frame(self.start)

    @property
    def end_frame(self) -> int:
        return self.rate.nearest_frame(self.end)

    @property
    def is_transition(self) -> bool:
        return self.node.schema == "Transition"


def laid_out(track: Node, frame: Frame) -> list[Item]:
    """The track's items one after the other; faults are noted."""
    items: list[Item] = []
    at = Fraction(0)
    for node in track.nodes("children"):
        item = _item(node, at, frame)
        items.append(item)
        at = item.end
    return items


def _item(node: Node, at: Fraction, frame: Frame) -> Item:
    if node.schema == "Clip":
        return _clip(node, at, frame)
    if node.schema == "Transition":
        return Item(node, at, at, frame.rate)
    if node.schema == "Gap":
        return Item(node, at, at + _duration(node, frame.clock, _DEEPEST), frame.rate)
    if node.schema in _NESTED:
        node.warn("what is nested in it is left out; it is black or silent")
        return Item(node, at, at + _duration(node, frame.clock, _DEEPEST), frame.rate)
    node.wrong("OTIO_SCHEMA", "is nothing that lies on a track")
    return Item(node, at, at, frame.rate)


def _clip(node: Node, at: Fraction, frame: Frame) -> Item:
    medium, available = frame.library.of(node, frame.clock)
    span = node.span("source_range", frame.clock)
    if node.value.get("source_range") is None:
        span = available
        if span is None:
            node.wrong("source_range", "is missing, and nothing says how long the medium is")
    if not node.is_enabled:
        node.warn("is switched off, and left out")
        medium = None
    whole_length = Fraction(0) if span is None else span.duration
    item = Item(node, at, at + whole_length, frame.rate, medium)
    if medium is None or span is None:
        return item
    item = replace(item, warp=warp_of(node, is_still=medium.kind is MediaKind.IMAGE))
    source, half = _source(item, span, available), frame.rate.seconds(1) / 2
    is_overlong = source is not None and available is not None and source.end > available.duration + half
    return replace(item, source=source, is_overlong=is_overlong and medium.kind is not MediaKind.IMAGE)


def _source(item: Item, span: Span, available: Span | None) -> Span | None:
    """The clip's span in its medium's own time, which begins at 0 whatever its time code says."""
    if item.medium is None or item.medium.kind is MediaKind.IMAGE:
        return Span(Fraction(0), span.duration)
    first = available.start if available else Fraction(0)
    start = span.start - first
    if start < -item.rate.seconds(1) / 2:
        item.node.wrong("source_range/start_time", "lies before the medium begins")
        return None
    return Span(max(start, Fraction(0)), span.duration * item.warp.speed)


def _duration(node: Node, clock: Clock, deepest: int) -> Fraction:
    """How long a thing lasts that is not a clip on the track itself; zero, noted, where nobody can know."""
    if node.value.get("source_range") is not None:
        span = node.span("source_range", clock)
        return span.duration if span else Fraction(0)
    if not deepest:
        node.wrong("", "is nested too deep")
        return Fraction(0)
    if node.schema not in _NESTED:
        if node.schema in ("Clip", "Gap"):
            node.wrong("source_range", "is missing, and what is around it cannot be placed")
        return Fraction(0)
    parts = [_duration(child, clock, deepest - 1) for child in node.nodes("children")]
    return sum(parts, Fraction(0)) if node.schema == "Track" else max(parts, default=Fraction(0))


def warn_of_track(track: Node) -> None:
    """Warn of what belongs to a track as a whole, and is left out."""
    if track.value.get("source_range") is not None:
        track.warn("is taken whole, not by its source_range")
    for effect in track.nodes("effects"):
        track.warn(f"its effect {effect.text('effect_name')[:80] or effect.schema!r} is left out")


def are_as_written(items: Sequence[Item], expected: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Whether the file still has what the writer would write."""
    if len(expected) > len(items):
        return False
    return all(_is_as_written(item.node.value, wanted) for item, wanted in zip(items, expected, strict=False))


def _is_as_written(found: Mapping[str, object], wanted: Mapping[str, JsonValue]) -> bool:
    same = ("OTIO_SCHEMA", "name", "source_range", "media_references")
    return _effects(found) == _effects(wanted) and all(
        _core(found.get(key)) == _core(wanted.get(key)) for key in same
    )


def _effects(item: Mapping[str, object]) -> list[object]:
    effects = [as_object(effect) for effect in _list(item.get("effects"))]
    return [(effect.get("OTIO_SCHEMA"), effect.get("time_scalar")) for effect in effects]


def _core(value: object) -> object:
    """A field without what a program that saves the file again may add to it."""
    if not isinstance(value, Mapping):
        return value
    parts = ("start_time", "duration", "value", "rate", "target_url", "generator_kind", "DEFAULT_MEDIA")
    return {key: _core(value[key]) for key in parts if key in value}


def gain(told: object, default: float) -> float:
    """A gain as the farm noted it, else `default`."""
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool) and 0 <= told <= 4
    return float(told) if is_number else default  # type: ignore[arg-type]  # a number by then


def as_object(value: object) -> Mapping[str, object]:
    """An object, empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
