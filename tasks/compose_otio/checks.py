"""Finds all that is wrong with a manifest at once, before anything is laid out.

It reads the JSON itself rather than the parsed manifest: so a field of the wrong shape hides nothing of what
is wrong elsewhere. What has the wrong shape is passed over here; its shape has been told already.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from pydantic import JsonValue, ValidationError

from farm.noun import Noun
from farm.timeline import Rate
from tasks.compose_otio.dissolves import Dissolves
from tasks.compose_otio.findings import BrokenManifest, Finding, of_shape, shown
from tasks.compose_otio.look import Look, bounded, length_of, speed_of
from tasks.compose_otio.manifest import MAX_CLIPS, MAX_FPS, MAX_ITEMS, MAX_ROUNDS, Manifest
from tasks.compose_otio.renderable import render_faults

_MOST_IDS = 20
_MOST_PARTS = max(MAX_ITEMS, MAX_CLIPS)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^/|^~|^[A-Za-z][A-Za-z0-9+.-]*:|(^|/)\.\.?(/|$)|//|/$")
_FPS_ALLOWED = f"whole numbers from 1 to {MAX_FPS}, 23.976, 29.97, 47.952, 59.94 and 119.88"
_DAY_S = 86_400


class Limits(Noun):
    """What an account's tier allows."""

    max_items: int = MAX_ITEMS
    max_duration_s: float = _DAY_S


def checked(raw: object, limits: Limits = Limits()) -> Manifest:  # noqa: B008  # frozen
    """The manifest that this JSON is. Raises BrokenManifest with everything that is wrong with it."""
    faults: list[Finding] = []
    manifest = None
    found = bounded(raw, _MOST_PARTS)
    try:
        manifest = Manifest.model_validate(found)
    except ValidationError as error:
        faults += of_shape(error)
    root = Look(found)
    rate = _rate(root["project"]["fps"])
    faults += _fps(root["project"]["fps"], rate)
    faults += _too_many(Look(raw)["folder"]["items"], limits)
    faults += _items(root)
    faults += _Spans(root, rate).faults()
    faults += _too_long(root, limits)
    faults += render_faults(root, rate)
    if faults or manifest is None:
        raise BrokenManifest(_once(faults))
    return manifest


def _once(faults: Sequence[Finding]) -> list[Finding]:
    return list({(fault.path, fault.code): fault for fault in reversed(faults)}.values())[::-1]


def _rate(fps: Look) -> Rate | None:
    """The exact rate that is meant; None for one that no editor knows."""
    number = fps.number
    if number is None or not 1 <= number <= MAX_FPS:
        return None
    rate = Rate.of(number)
    is_known = rate.den == 1 or (rate.den == 1001 and rate.num % 1000 == 0)
    return rate if is_known else None


def _fps(fps: Look, rate: Rate | None) -> Iterator[Finding]:
    if rate is None and fps.number is not None:
        yield fps.wrong("unsupported_fps", "This rate is not supported.", allowed=_FPS_ALLOWED)


def _too_many(items: Look, limits: Limits) -> Iterator[Finding]:
    count = len(items.all)
    if count > limits.max_items:
        yield Finding(
            code="too_many_items",
            path=items.at,
            message=f"Has {count} items; your tier allows {limits.max_items}.",
            got=count,
            allowed=limits.max_items,
        )


def _items(root: Look) -> Iterator[Finding]:
    seen = set[str]()
    for item in root["folder"]["items"].all:
        item_id, path = item["id"].text, item["path"].text
        if item_id is not None and item_id in seen:
            yield item["id"].wrong("duplicate_item_id", "Another item has this id.", item_id)
        if path and _UNSAFE.search(path):
            said = "a relative path with / and without . or .. parts"
            yield item["path"].wrong("path_unsafe", "Is not a plain relative path.", item_id, said)
        seen.add(item_id or "")


def _too_long(root: Look, limits: Limits) -> Iterator[Finding]:
    clips = root["intent"]["videoSequence"]
    total = sum((_length(clip) for clip in clips.all), Fraction(0))
    if total > Fraction(limits.max_duration_s):
        yield Finding(
            code="timeline_too_long",
            path=clips.at,
            message=f"Lasts {float(total):g} s; your tier allows {limits.max_duration_s:g} s.",
            got=float(total),
            allowed=limits.max_duration_s,
        )


def _length(span: Look) -> Fraction:
    """With the gap before it."""
    return length_of(span) + max(span["gapBeforeSec"].number or Fraction(0), Fraction(0))


class _Spans:
    """The spans of pictures and of sounds against the items that they name."""

    def __init__(self, root: Look, rate: Rate | None) -> None:
        self._root, self._rate = root, rate
        self._frame = rate.seconds(1) if rate else Fraction(0)
        self._clips = root["intent"]["videoSequence"].all
        self._layers = root["intent"]["audioLayers"].all
        self._markers = root["intent"]["markers"].all
        self._items = {text: item for item in root["folder"]["items"].all if (text := item["id"].text)}
        self._ids: list[JsonValue] = [shown(known) for known in sorted(self._items)[:_MOST_IDS]]
        self._lengthless = set[str]()

    def faults(self) -> Iterator[Finding]:
        """Everything that is wrong with them."""
        for clip in self._clips:
            yield from self._span(clip, ("image", "video"))
            yield from self._own(clip)
        yield from Dissolves(self._root, self._items, self._rate).faults()
        total = sum((_length(clip) for clip in self._clips), Fraction(0))
        for layer in self._layers:
            yield from self._span(layer, ("audio", "video"))
            yield from self._place(layer["startSec"], total, layer["itemId"].text)
        yield from self._rounds(total)
        for marker in self._markers:
            yield from self._place(marker["atSec"], total, None)

    def _rounds(self, total: Fraction) -> Iterator[Finding]:
        """Sounds that start over more often than a file may have clips."""
        left = Fraction(MAX_ROUNDS)
        for layer in self._layers:
            length = length_of(layer)
            if layer["placement"].text != "loop" or not length:
                continue
            rounds = max(Fraction(0), (total - (layer["startSec"].number or 0)) / length)
            left -= rounds
            if left < 0:
                said = f"Would start over {int(rounds)} times; all sounds together may {MAX_ROUNDS} times."
                yield layer["placement"].wrong("too_many_clips", said, layer["itemId"].text)
                return

    def _span(self, span: Look, kinds: Sequence[str]) -> Iterator[Finding]:
        yield from self._range(span)
        named = span["itemId"].text
        if named is None:
            return
        item = self._items.get(named)
        if item is None:
            yield span["itemId"].wrong("unknown_item_id", "No item has this id.", named, self._ids)
            return
        yield from self._kind(span, item, kinds)
        yield from self._medium(span, item, named)

    def _range(self, span: Look) -> Iterator[Finding]:
        start, end = span["fromSec"].number, span["toSec"].number
        if start is None or end is None:
            return
        named = span["itemId"].text
        if end <= start:
            yield span["toSec"].wrong("empty_range", "Is not after fromSec.", named, {"gt": float(start)})
        elif end - start < self._frame * speed_of(span):
            least = float(start + self._frame * speed_of(span))
            yield span["toSec"].wrong(
                "empty_range", "The span is shorter than a frame.", named, {"ge": least}
            )

    def _kind(self, span: Look, item: Look, kinds: Sequence[str]) -> Iterator[Finding]:
        kind, named = item["kind"].text, span["itemId"].text
        is_silent = kind == "video" and "audio" in kinds and item["meta"]["hasAudio"].value is False
        if kind in ("image", "video", "audio") and (kind not in kinds or is_silent):
            what = f"Is {'a video without sound' if is_silent else f'an item of kind {kind}'}."
            yield span["itemId"].wrong("kind_mismatch", what, named, [*kinds])

    def _own(self, clip: Look) -> Iterator[Finding]:
        """What a still has not: a speed, and a sound of its own."""
        named = clip["itemId"].text
        item = self._items.get(named or "")
        if item is None:
            return
        is_still = item["kind"].text == "image"
        if is_still and speed_of(clip) != 1:
            yield clip["speed"].wrong(
                "kind_mismatch", "A still has no speed: only its length counts.", named, 1
            )
        is_silent = is_still or item["meta"]["hasAudio"].value is False
        if clip["useAudio"].value is True and is_silent:
            yield clip["useAudio"].wrong("kind_mismatch", "The item has no sound.", named, False)

    def _medium(self, span: Look, item: Look, named: str) -> Iterator[Finding]:
        if item["kind"].text not in ("video", "audio"):
            return
        length, end = item["meta"]["durationSec"], span["toSec"].number
        if length.value is None:
            if named not in self._lengthless:
                self._lengthless.add(named)
                yield length.wrong("missing_duration", "Clips and sounds that are used need it.", named)
        elif length.number is not None and end is not None and end > length.number + self._frame / 2:
            said = f"The item ends at {float(length.number):g} s."
            yield span["toSec"].wrong("trim_past_media", said, named, {"le": float(length.number)})

    def _place(self, at: Look, total: Fraction, named: str | None) -> Iterator[Finding]:
        """What is to begin while there is a picture."""
        if at.number is not None and total and at.number > max(total - self._frame, Fraction(0)):
            most: JsonValue = {"le": float(max(total - self._frame, Fraction(0)))}
            yield at.wrong("out_of_range", "Is not before the last frame of the picture.", named, most)
