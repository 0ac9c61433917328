"""Manifests for tests: seed 000's own, changed at will, and random ones that are valid."""

import copy
import random
from collections.abc import Sequence
from typing import Any

# Seed 000, "Compose an OTIO timeline", the request body.
EXAMPLE: dict[str, Any] = {
    "project": {
        "name": "Forest Morning Cut",
        "fps": 24,
        "resolution": {"w": 1920, "h": 1080},
        "audioSampleRate": 48000,
    },
    "folder": {
        "items": [
            {
                "id": "img-opening",
                "kind": "image",
                "path": "storyboards/forest-opening.png",
                "meta": {"w": 1920, "h": 1080},
            },
            {
                "id": "vid-stream",
                "kind": "video",
                "path": "rushes/stream-walk.mp4",
                "meta": {"durationSec": 8, "fps": 24, "hasAudio": True},
            },
            {
                "id": "aud-music",
                "kind": "audio",
                "path": "audio/forest-piano.wav",
                "meta": {"durationSec": 6, "sampleRate": 48000, "channels": 2},
            },
        ]
    },
    "intent": {
        "kind": "explicit",
        "videoSequence": [
            {"itemId": "img-opening", "fromSec": 0, "toSec": 2, "clipNameHint": "Opening Still"},
            {"itemId": "vid-stream", "fromSec": 1, "toSec": 5, "clipNameHint": "Forest Walk"},
        ],
        "audioLayers": [
            {"itemId": "aud-music", "fromSec": 0, "toSec": 5, "placement": "trimToFit", "role": "music"}
        ],
    },
    "output": {"includeClipNames": True, "otioSchema": "Timeline.1"},
}
RATES = (23.976, 23.98, 24, 25, 29.97, 30, 50, 59.94, 60, 120)


def example(**changes: Any) -> dict[str, Any]:
    """Seed 000's manifest with other values: `intent__videoSequence__0__toSec=9`."""
    body = copy.deepcopy(EXAMPLE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        part: Any = body
        for parent in parents:
            part = part[int(parent)] if isinstance(part, list) else part.setdefault(parent, {})
        if isinstance(part, list):
            part[int(last)] = value
        else:
            part[last] = value
    return body


def random_manifest(dice: random.Random) -> dict[str, Any]:
    """A valid manifest with stills, clips, sounds, gaps, dissolves and markers, at any rate."""
    items = [_item(dice, number) for number in range(dice.randint(1, 12))]
    items.append({"id": "still", "kind": "image", "path": "stills/ä still.png"})
    sounds = [item for item in items if item["kind"] == "audio"]
    clips = _clips(dice, [item for item in items if item["kind"] != "audio"])
    return {
        "project": {
            "name": dice.choice(("Cut", "Früh am Morgen", "…")),
            "fps": dice.choice(RATES),
            "resolution": {"w": 1280, "h": 720},
            "audioSampleRate": dice.choice((44_100, 48_000)),
        },
        "folder": {"items": items},
        "intent": {
            "kind": "explicit",
            "videoSequence": clips,
            "audioLayers": [_layer(dice, item) for item in sounds],
            "markers": [{"atSec": 0, "name": f"mark {number}"} for number in range(dice.randint(0, 3))],
        },
        "output": {"includeClipNames": dice.random() < 0.5},
    }


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same JSON with its keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(part, dice) for part in value] if isinstance(value, list) else value


def _item(dice: random.Random, number: int) -> dict[str, Any]:
    kind = dice.choice(("image", "video", "audio"))
    meta = {} if kind == "image" else {"durationSec": round(dice.uniform(3, 40), dice.randint(0, 3))}
    return {"id": f"i{number}", "kind": kind, "path": f"media/{number}.{kind}", "meta": meta}


def _clips(dice: random.Random, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    clips: list[dict[str, Any]] = []
    lengths = {item["id"]: item.get("meta", {}).get("durationSec", 1e6) for item in items}
    for number in range(dice.randint(1, 40)):
        item = dice.choice(items)
        clip = _span(dice, item)
        if item["kind"] == "video" and dice.random() < 0.4:
            clip |= {"speed": dice.choice((0.5, 0.9, 1.5, 2)), "useAudio": dice.random() < 0.5}
        if number and dice.random() < 0.2:
            clip["gapBeforeSec"] = round(dice.uniform(0.1, 2), 3)
        elif number and dice.random() < 0.6 and _has_room(clips[-1], clip, lengths):
            clip["transition"] = {"type": "dissolve", "durationSec": round(dice.uniform(0.01, 0.9), 3)}
        clips.append(clip)
    return clips


def _has_room(before: dict[str, Any], clip: dict[str, Any], lengths: dict[str, float]) -> bool:
    """Whether both clips have half a second beyond the cut, at twice their speed; stills always have."""
    ahead = clip["fromSec"] if lengths[clip["itemId"]] < 1e6 else 2
    return ahead > 1 and lengths[before["itemId"]] - before["toSec"] > 1


def _layer(dice: random.Random, item: dict[str, Any]) -> dict[str, Any]:
    placement = dice.choice(("trimToFit", "start", "loop"))
    return _span(dice, item) | {"placement": placement, "role": dice.choice(("music", "voice", "effects"))}


def _span(dice: random.Random, item: dict[str, Any]) -> dict[str, Any]:
    longest = item.get("meta", {}).get("durationSec", 30)
    start = round(dice.uniform(0, longest - 1.5), 3)
    return {
        "itemId": item["id"],
        "fromSec": start,
        "toSec": min(longest, round(start + dice.uniform(1, longest), 3)),
    }
