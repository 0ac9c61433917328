"""Is this FCPXML as Apple's documentation says? No machine here runs Final Cut Pro, so its rules are checked.

The pages are under https://developer.apple.com/documentation/professional-video-applications/
[DTD] document-type-definition: what may stand in what, in which order, with which attributes. "If the
    document does not match the DTD, Final Cut Pro rejects the import operation completely." Here are the
    rules of what the farm writes.
[Time] describing-final-cut-pro-items-in-fcpxml: times are rational seconds, on frames of the sequence.
[Story] story-elements: a spine's items follow one another; what is connected has a lane, and an offset in its
    parent's own time.
[Map] timemap: `time` is the clip's, `value` the medium's; a clip's `start` is in the time that its map makes.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

_TIME = re.compile(r"(\d+)(?:/(\d+))?s")
_ANCHORS = "(asset-clip )*"
_MARKS = "(marker )*"
_CLIP = {"name", "ref", "lane", "offset", "start", "duration"}


class _Rule(NamedTuple):
    """`inside` is a pattern of the children's tags, each followed by a space."""

    inside: str
    needs: frozenset[str]
    may: frozenset[str] = frozenset()


def _rule(inside: str, needs: set[str], may: set[str] = frozenset()) -> _Rule:  # type: ignore[assignment]  # empty
    return _Rule(inside, frozenset(needs), frozenset(may))


_RULES = {  # [DTD]
    "fcpxml": _rule("resources library ", {"version"}),
    "resources": _rule("((asset|effect|format) )*", set()),
    "format": _rule("", {"id"}, {"name", "frameDuration", "width", "height"}),
    "effect": _rule("", {"id", "uid"}, {"name"}),
    "asset": _rule(
        "(media-rep )+",
        {"id"},
        {"name", "start", "duration", "hasVideo", "format", "videoSources"}
        | {"hasAudio", "audioSources", "audioChannels", "audioRate"},
    ),
    "media-rep": _rule("", {"src"}, {"kind"}),
    "library": _rule("(event )*", set()),
    "event": _rule("(project )*", set(), {"name"}),
    "project": _rule("sequence ", set(), {"name"}),
    "sequence": _rule("spine ", {"format"}, {"duration", "tcStart", "tcFormat", "audioLayout", "audioRate"}),
    "spine": _rule("((asset-clip|video|gap|transition) )*", set()),
    "asset-clip": _rule(
        f"(conform-rate )?(timeMap )?(adjust-volume )?{_ANCHORS}{_MARKS}",
        {"ref"},
        _CLIP | {"srcEnable", "tcFormat", "audioRole"},
    ),
    "video": _rule(f"{_ANCHORS}{_MARKS}", {"ref", "duration"}, _CLIP),
    "gap": _rule(f"{_ANCHORS}{_MARKS}", {"duration"}, {"name", "offset", "start"}),
    "transition": _rule("(filter-video )?", {"duration"}, {"name", "offset"}),
    "filter-video": _rule("", {"ref"}, {"name"}),
    "conform-rate": _rule("", set(), {"scaleEnabled", "srcFrameRate"}),
    "timeMap": _rule("(timept )*", set()),
    "timept": _rule("", {"time", "value"}, {"interp"}),
    "adjust-volume": _rule("(param )*", set(), {"amount"}),
    "param": _rule("(fadeIn )?(fadeOut )?", {"name"}),
    "fadeIn": _rule("", {"duration"}, {"type"}),
    "fadeOut": _rule("", {"duration"}, {"type"}),
    "marker": _rule("", {"start", "value"}, {"duration", "note"}),
}
_WORDS = {  # [DTD], attributes with a list of words
    ("sequence", "audioRate"): "32k 44.1k 48k 88.2k 96k 176.4k 192k",
    ("asset-clip", "srcEnable"): "all audio video",
    ("conform-rate", "srcFrameRate"): "23.98 24 25 29.97 30 60 47.95 48 50 59.94",
    ("timept", "interp"): "smooth2 linear smooth",
    ("fadeIn", "type"): "linear easeIn easeOut easeInOut",
}


def broken_rules(text: bytes) -> list[str]:
    """Everything in the document that is not as the documentation says."""
    root = fromstring(text)
    head = text[:100].decode()
    found = [] if "<!DOCTYPE fcpxml>" in head and root.get("version") == "1.12" else ["not an FCPXML 1.12"]
    for element in root.iter():
        found += _of_shape(element)
    return found or [*_of_references(root)] or [*_of_times(root), *_of_story(root)]


def seconds(text: str | None) -> Fraction:
    """A time. Raises ValueError for what is none."""
    found = _TIME.fullmatch(text or "0s")
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return Fraction(int(found[1]), int(found[2] or 1))


def medium_at(clip: Element, local: Fraction) -> Fraction:
    """The medium's time at a clip's own [Map]."""
    points = [(seconds(p.get("time")), seconds(p.get("value"))) for p in clip.iterfind("timeMap/timept")]
    if not points:
        return local
    (first, low), (last, high) = points
    return low + (local - first) * (high - low) / (last - first)


def _of_shape(element: Element) -> Iterator[str]:
    rule = _RULES.get(element.tag)
    if rule is None:
        yield f"<{element.tag}> is unknown"
        return
    if not re.fullmatch(rule.inside, "".join(f"{child.tag} " for child in element)):
        yield f"<{element.tag}> has {[child.tag for child in element]}"
    names = set(element.attrib)
    if not rule.needs <= names <= rule.needs | rule.may:
        yield f"<{element.tag}> has the attributes {sorted(names)}"
    for name, value in element.items():
        if value not in _WORDS.get((element.tag, name), value).split() and (element.tag, name) in _WORDS:
            yield f"<{element.tag} {name}={value!r}>"


def _of_references(root: Element) -> Iterator[str]:
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    if len(ids) != len(set(ids)):
        yield "an id is there twice"
    kinds = {element.get("id"): element.tag for element in root.iterfind("resources/*")}
    wanted = {"asset-clip": "asset", "video": "asset", "filter-video": "effect"}
    for element in root.iter():
        if element.tag in wanted and kinds.get(element.get("ref")) != wanted[element.tag]:
            yield f"<{element.tag}> refers to {element.get('ref')}"
        if element.tag in ("asset", "sequence") and kinds.get(element.get("format", "r1")) != "format":
            yield f"<{element.tag}> has the format {element.get('format')}"


def _of_times(root: Element) -> Iterator[str]:
    """[Time] Everything in the sequence is on frames; only a map's values are the medium's."""
    frame = _frame(root)
    for element in (e for e in root.iterfind(".//sequence//*")):
        for name in ("offset", "start", "duration", "time"):
            if (seconds(element.get(name)) / frame).denominator != 1:
                yield f"<{element.tag} {name}={element.get(name)!r}> is between frames"


def _frame(root: Element) -> Fraction:
    sequence = root.find(".//sequence")
    assert sequence is not None
    form = root.find(f"resources/format[@id='{sequence.get('format')}']")
    assert form is not None
    return seconds(form.get("frameDuration"))


def _of_story(root: Element) -> Iterator[str]:
    sequence = root.find(".//sequence")
    spine = root.find(".//spine")
    assert sequence is not None and spine is not None
    lengths = {asset.get("id"): seconds(asset.get("duration")) for asset in root.iterfind("resources/asset")}
    at = seconds(sequence.get("tcStart"))
    cuts = [at]
    for item in spine:
        if item.tag == "transition":
            continue
        if seconds(item.get("offset")) != at:  # [Story] one after the other, transitions aside
            yield f"{item.get('name')} begins at {item.get('offset')}, not at {at}"
        at += seconds(item.get("duration"))
        cuts.append(at)
        yield from _of_connected(item)
    if at - cuts[0] != seconds(sequence.get("duration")):
        yield "the sequence lasts longer or shorter than its items"
    for clip in root.iter("asset-clip"):
        yield from _of_medium(clip, lengths[clip.get("ref")], _frame(root))
    for number, item in enumerate(spine):
        if item.tag == "transition":
            yield from _of_transition(item, spine[number + 1], _frame(root))


def _of_connected(item: Element) -> Iterator[str]:
    """[Story] In its parent's own time, while the parent is there."""
    start = seconds(item.get("start"))
    end = start + seconds(item.get("duration"))
    for child in item.iterfind("asset-clip"):
        if int(child.get("lane", "0")) >= 0 or not start <= seconds(child.get("offset")) < end:
            yield f"{child.get('name')} hangs on {item.get('name')} at {child.get('offset')}"
    for marker in item.iterfind("marker"):
        if not start <= seconds(marker.get("start")) < end:
            yield f"the marker {marker.get('value')} is beside its item"


def _of_medium(clip: Element, length: Fraction, frame: Fraction) -> Iterator[str]:
    """What is shown of a medium is there."""
    start = seconds(clip.get("start"))
    shown = (medium_at(clip, start), medium_at(clip, start + seconds(clip.get("duration"))))
    if not 0 <= min(shown) <= max(shown) <= length + frame:
        yield f"{clip.get('name')} shows {shown} of {length}"


def _of_transition(item: Element, after: Element, frame: Fraction) -> Iterator[str]:
    """A transition straddles its cut, half on either side, and names the effect that it is."""
    cut = seconds(after.get("offset"))
    start = seconds(item.get("offset"))
    before, behind = cut - start, start + seconds(item.get("duration")) - cut
    if not 0 < before <= behind <= before + frame:
        yield f"a transition lies {before} before its cut and {behind} behind it"
    if item.find("filter-video") is None:
        yield "a transition without its effect, which Final Cut Pro drops"
