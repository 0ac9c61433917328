"""Hypothesis strategies for compose-otio: any valid manifest, and any fault that may be planted in one."""

import copy
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import strategies as st

from farm.timeline import Rate
from tests.manifests import RATES

Json = dict[str, Any]
Fault = tuple[str, str]  # its code and its JSON pointer
SPEEDS = (1, 1, 1, 0.1, 0.25, 0.5, 0.7, 1.0, 1.5, 2, 3.3, 10)
STILL = {"id": "still", "kind": "image", "path": "stills/ä still.png", "asset": "asset_still"}
_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
_ROLES = st.sampled_from(["music", "voice", "effects", "dialogue", "ambience"])


@st.composite
def manifests(draw: st.DrawFn) -> Json:
    """A manifest that can be composed and rendered, for a generic editor."""
    fps = draw(st.sampled_from([rate for rate in RATES if rate <= 60]))
    items = [draw(_items(number)) for number in range(draw(st.integers(1, 5)))] + [dict(STILL)]
    frame = Rate.of(fps).seconds(1)
    clips = draw(_sequences([item for item in items if item["kind"] != "audio"], frame))
    total = sum((gap_of(clip) + length_of(clip) for clip in clips), Fraction(0))
    sounds = [item for item in items if item["kind"] == "audio" or item.get("meta", {}).get("hasAudio")]
    last = floor((total - frame) * 1000)
    return {
        "project": {
            "name": draw(_NAMES),
            "fps": fps,
            "resolution": {"w": 1280, "h": 720},
            "audioSampleRate": draw(st.sampled_from([44_100, 48_000])),
        },
        "folder": {"items": items},
        "intent": {
            "kind": "explicit",
            "videoSequence": clips,
            "audioLayers": [draw(_layers(item, frame, last)) for item in sounds if draw(st.booleans())],
            "markers": [draw(_markers(last)) for _ in range(draw(st.integers(0, 3)))],
        },
        "output": {"includeClipNames": draw(st.booleans())},
        "render": draw(st.booleans()),
    }


def length_of(span: Json) -> Fraction:
    """How long a span lasts on the timeline, in exact seconds."""
    return (_exact(span["toSec"]) - _exact(span["fromSec"])) / _exact(span.get("speed", 1))


def gap_of(clip: Json) -> Fraction:
    """What is black before it."""
    return _exact(clip.get("gapBeforeSec", 0))


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


@st.composite
def _items(draw: st.DrawFn, number: int) -> Json:
    kind = draw(st.sampled_from(["image", "video", "audio"]))
    made: Json = {
        "id": f"i{number}",
        "kind": kind,
        "path": f"media/{number}.{kind}",
        "asset": f"asset_{number}",
    }
    if kind != "image":
        made["meta"] = {"durationSec": draw(st.integers(1_000, 40_000)) / 1000}
    if kind == "video":
        made["meta"]["hasAudio"] = draw(st.booleans())
    return made


@st.composite
def _spans(draw: st.DrawFn, item: Json, frame: Fraction) -> Json:
    """A span of an item of at least a frame on the timeline, at any speed that its kind may have."""
    whole = round(item.get("meta", {}).get("durationSec", 30) * 1000)
    speed = 1 if item["kind"] == "image" else draw(st.sampled_from(SPEEDS))
    least = ceil(frame * _exact(speed) * 1000)
    start = draw(st.integers(0, whole - least))
    end = draw(st.integers(start + least, whole))
    made = {"itemId": item["id"], "fromSec": start / 1000, "toSec": end / 1000}
    return made if speed == 1 and draw(st.booleans()) else made | {"speed": speed}


@st.composite
def _sequences(draw: st.DrawFn, items: list[Json], frame: Fraction) -> list[Json]:
    by_id = {item["id"]: item for item in items}
    clips: list[Json] = []
    for _ in range(draw(st.integers(1, 8))):
        item = draw(st.sampled_from(items))
        clip = draw(_spans(item, frame))
        if item.get("meta", {}).get("hasAudio") and draw(st.booleans()):
            clip["useAudio"] = True
        if draw(st.booleans()):
            clip["clipNameHint"] = draw(_NAMES)
        most = floor(2000 * _room(clips[-1], clip, by_id)) if clips else 0
        what = draw(st.sampled_from(["cut", "gap", "dissolve", "dissolve"]))
        if what == "gap":
            clip["gapBeforeSec"] = draw(st.integers(1, 3_000)) / 1000
        elif what == "dissolve" and most >= 1:
            clip["transition"] = {"type": "dissolve", "durationSec": draw(st.integers(1, most)) / 1000}
        clips.append(clip)
    return clips


def _room(before: Json, clip: Json, by_id: dict[str, Json]) -> Fraction:
    """How long half a dissolve between the two may be: handles, and well within either clip."""
    rooms = [length_of(before) * 2 / 5, length_of(clip) * 2 / 5, Fraction(5)]
    if by_id[before["itemId"]]["kind"] == "video":
        behind = _exact(by_id[before["itemId"]]["meta"]["durationSec"]) - _exact(before["toSec"])
        rooms.append(behind / _exact(before.get("speed", 1)))
    if by_id[clip["itemId"]]["kind"] == "video":
        rooms.append(_exact(clip["fromSec"]) / _exact(clip.get("speed", 1)))
    return min(rooms)


@st.composite
def _layers(draw: st.DrawFn, item: Json, frame: Fraction, last: int) -> Json:
    return draw(_spans(item, frame)) | {
        "placement": draw(st.sampled_from(["trimToFit", "start", "loop"])),
        "role": draw(_ROLES),
        "startSec": draw(st.integers(0, max(last, 0))) / 1000,
        "fadeInSec": draw(st.sampled_from([0, 0.25])),
        "gain": draw(st.sampled_from([0.5, 1])),
    }


@st.composite
def _markers(draw: st.DrawFn, last: int) -> Json:
    at = draw(st.integers(0, max(last, 0))) / 1000
    return {"atSec": at, "durationSec": draw(st.integers(0, 5_000)) / 1000, "name": draw(_NAMES)}


# What may be wrong with any one of a list: the fields that are changed, the code, the field that is named.
_Planted = tuple[Json, str, str]
ON_CLIPS: tuple[_Planted, ...] = (
    ({"itemId": "nobody"}, "unknown_item_id", "itemId"),
    ({"fromSec": 5, "toSec": 5}, "empty_range", "toSec"),
    ({"fromSec": -1}, "negative_time", "fromSec"),
    ({"gapBeforeSec": -0.1}, "negative_time", "gapBeforeSec"),
    ({"surprise": 1}, "unknown_field", "surprise"),
    ({"toSec": "soon"}, "wrong_type", "toSec"),
    ({"toSec": 86_401}, "out_of_range", "toSec"),
    ({"toSec": float("nan")}, "non_finite", "toSec"),
    ({"speed": 0.05}, "out_of_range", "speed"),
    ({"speed": "fast"}, "wrong_type", "speed"),
    ({"useAudio": 1}, "wrong_type", "useAudio"),
    ({"transition": {"type": "wipe"}}, "unsupported_value", "transition/type"),
    ({"transition": {"durationSec": 0}}, "out_of_range", "transition/durationSec"),
    ({"clipNameHint": ""}, "out_of_range", "clipNameHint"),
)
ON_LAYERS: tuple[_Planted, ...] = (
    ({"itemId": "still"}, "kind_mismatch", "itemId"),
    ({"placement": "stretch"}, "unsupported_value", "placement"),
    ({"startSec": 86_401}, "out_of_range", "startSec"),
    ({"fadeOutSec": -1}, "negative_time", "fadeOutSec"),
    ({"gain": 5}, "out_of_range", "gain"),
    ({"speed": 11}, "out_of_range", "speed"),
    ({"role": ""}, "out_of_range", "role"),
)
ON_ITEMS: tuple[_Planted, ...] = (
    ({"path": "../up.png"}, "path_unsafe", "path"),
    ({"path": "/root.png"}, "path_unsafe", "path"),
    ({"path": "https://a.example/b.wav"}, "path_unsafe", "path"),
    ({"path": 7}, "wrong_type", "path"),
    ({"surprise": {}}, "unknown_field", "surprise"),
    ({"asset": ""}, "out_of_range", "asset"),
)
ON_MARKERS: tuple[_Planted, ...] = (
    ({"atSec": -1}, "negative_time", "atSec"),
    ({"color": "PLAID"}, "unsupported_value", "color"),
    ({"name": None}, "wrong_type", "name"),
)
ON_THE_WHOLE: tuple[_Planted, ...] = (
    ({"project": {"fps": 23.5}}, "unsupported_fps", "project/fps"),
    ({"project": {"audioSampleRate": 7}}, "out_of_range", "project/audioSampleRate"),
    ({"project": {"resolution": {"w": 1921}}}, "out_of_range", "project/resolution/w"),
    ({"intent": {"kind": "guess"}}, "unsupported_value", "intent/kind"),
    ({"output": {"otioSchema": "Timeline.2"}}, "unsupported_schema", "output/otioSchema"),
    ({"output": {"targetConsumer": "paint"}}, "unsupported_value", "output/targetConsumer"),
    ({"responseFormat": "xml"}, "unsupported_value", "responseFormat"),
    ({"surprise": 1}, "unknown_field", "surprise"),
)
_LISTS = (
    ("intent/videoSequence", ON_CLIPS),
    ("intent/audioLayers", ON_LAYERS),
    ("intent/markers", ON_MARKERS),
    ("folder/items", ON_ITEMS),
)


@st.composite
def broken_manifests(draw: st.DrawFn) -> tuple[Json, set[Fault]]:
    """A manifest with some faults, none of which hides another, and what each is to be told as."""
    made = copy.deepcopy(draw(manifests()))
    planted: set[Fault] = set()
    for place, faults in _LISTS:
        parent, name = place.split("/")
        listed = made[parent][name]
        for index in sorted(draw(st.sets(st.integers(0, len(listed) - 1), max_size=3))) if listed else ():
            changes, code, field = draw(st.sampled_from(faults))
            listed[index].update(copy.deepcopy(changes))
            planted.add((code, f"/{place}/{index}/{field}"))
    for whole in _ABOUT_MORE:
        if draw(st.booleans()):
            planted |= whole(made, {path for _, path in planted})
    for changes, code, field in draw(st.lists(st.sampled_from(ON_THE_WHOLE), max_size=3)):
        _put(made, changes)
        planted.add((code, f"/{field}"))
    if not planted:
        made["project"]["name"] = ""
        planted.add(("out_of_range", "/project/name"))
    return made, planted


def _put(into: Json, changes: Json) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _put(into[key], value)
        else:
            into[key] = value


def _past_media(manifest: Json, spoiled: set[str]) -> set[Fault]:
    """The first clip of film that is whole goes on for a second after its file has ended."""
    lengths = {item["id"]: item.get("meta", {}).get("durationSec") for item in manifest["folder"]["items"]}
    for index, clip in enumerate(manifest["intent"]["videoSequence"]):
        place = f"/intent/videoSequence/{index}"
        if lengths.get(clip["itemId"]) and not any(path.startswith(f"{place}/") for path in spoiled):
            clip["toSec"] = lengths[clip["itemId"]] + 1
            return {("trim_past_media", f"{place}/toSec")}
    return set()


def _lone_transition(manifest: Json, spoiled: set[str]) -> set[Fault]:
    """Nothing comes before the first clip."""
    if any(path.startswith("/intent/videoSequence/0/transition") for path in spoiled):
        return set()
    manifest["intent"]["videoSequence"][0]["transition"] = {"type": "dissolve", "durationSec": 1}
    return {("transition_adjacent", "/intent/videoSequence/0/transition")}


def _twin(manifest: Json, _spoiled: set[str]) -> set[Fault]:
    """One more item has the still's id."""
    items = manifest["folder"]["items"]
    items.append({**STILL, "path": "stills/other.png"})
    return {("duplicate_item_id", f"/folder/items/{len(items) - 1}/id")}


def _nameless_upload(manifest: Json, spoiled: set[str]) -> set[Fault]:
    """A film needs an upload of everything that is in it."""
    manifest["render"] = True
    used = {clip.get("itemId") for clip in manifest["intent"]["videoSequence"]}
    for index, item in enumerate(manifest["folder"]["items"]):
        if item["id"] in used and f"/folder/items/{index}/asset" not in spoiled:
            item.pop("asset")
            return {("missing_asset", f"/folder/items/{index}/asset")}
    return set()


_ABOUT_MORE: tuple[Callable[[Json, set[str]], set[Fault]], ...] = (
    _past_media,
    _lone_transition,
    _twin,
    _nameless_upload,
)
