"""What a reader found on a timeline, construct by construct, in frames, and what it was to find."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Found = dict[str, Any]  # a construct's name to whatever tells it; what is absent was not found


@dataclass(frozen=True)
class Reading:
    """`kept` is what the file says in its format's own words, `noted` what it says in remarks alone."""

    kept: Found = field(default_factory=dict)
    noted: Found = field(default_factory=dict)
    edges: set[int] = field(default_factory=set)  # where a piece of picture begins or ends

    def says(self, name: str, value: Any) -> None:
        """In the format's own words. Nothing found is nothing said."""
        if value or value == 0:
            self.kept[name] = value

    def notes(self, name: str, value: Any) -> None:
        """In a remark."""
        if value:
            self.noted[name] = value


@dataclass(frozen=True)
class Picture:
    """A piece of picture or sound: its name, its frames, the medium's frame that it begins with."""

    name: str
    start: int
    end: int
    source: int
    speed: float = 1.0

    def holds(self, before: "Picture") -> bool:
        """Whether it is the last frame of the piece before, standing still.

        For one frame there is no other way to say that than that frame once more.
        """
        if self.name != before.name or self.start != before.end:
            return False
        last = before.source + round((before.end - before.start) * before.speed) - 1
        return self.speed == 0 or (self.source == last and self.end - self.start == 1)


def pictures(reading: Reading, pieces: list[Picture]) -> None:
    """What pieces of picture tell; one that is held belongs to the clip before."""
    reading.edges.update(edge for piece in pieces for edge in (piece.start, piece.end))
    clips: list[Picture] = []
    held = []
    for piece in pieces:
        if clips and piece.holds(clips[-1]):
            before = clips.pop()
            held.append((piece.start, piece.end))
            piece = Picture(piece.name, before.start, piece.end, before.source, before.speed)
        clips.append(piece)
    reading.says("cuts", [(clip.start, clip.end) for clip in clips])
    reading.says("trims", [clip.source for clip in clips])
    reading.says("names", [clip.name for clip in clips])
    ends = [0, *(clip.end for clip in clips)]
    gaps = [(end, clip.start) for end, clip in zip(ends, clips, strict=False) if end < clip.start]
    reading.says("gaps", gaps)
    reading.says("speed", {clip.start: clip.speed for clip in clips if clip.speed != 1})
    reading.says("held", held)


def sounds(reading: Reading, lanes: list[list[Picture]]) -> None:
    """What the lanes of sound tell, in the manifest's order: music, voice, ambience, the clips' own."""
    placed = [[(piece.start, piece.end, piece.source) for piece in lane] for lane in lanes]
    for name, lane in zip(("music", "voice", "loop", "own sound"), placed, strict=False):
        reading.says(name, lane)
    reading.says("sound speed", {n: p.speed for n, lane in enumerate(lanes) for p in lane if p.speed != 1})


EVERYTHING: dict[str, Any] = {
    "project": {
        "name": "Everything",
        "fps": 24,
        "resolution": {"w": 1280, "h": 720},
        "audioSampleRate": 44_100,
    },
    "folder": {
        "items": [
            {
                "id": "photo",
                "kind": "image",
                "path": "photos/opening.png",
                "meta": {"w": 4000, "h": 3000},
            },
            {"id": "short", "kind": "video", "path": "rushes/short.mp4", "meta": {"durationSec": 2.02}},
            {
                "id": "walk",
                "kind": "video",
                "path": "rushes/forest walk.mp4",
                "meta": {"durationSec": 8, "fps": 24, "hasAudio": True, "channels": 2},
            },
            {
                "id": "song",
                "kind": "audio",
                "path": "audio/song.wav",
                "meta": {"durationSec": 6, "channels": 2},
            },
            {
                "id": "voice",
                "kind": "audio",
                "path": "audio/voice.wav",
                "meta": {"durationSec": 4, "channels": 1},
            },
        ]
    },
    "intent": {
        "kind": "explicit",
        "videoSequence": [
            {"itemId": "photo", "fromSec": 0, "toSec": 1.02, "clipNameHint": "Opening"},
            {"itemId": "short", "fromSec": 0, "toSec": 2.02, "clipNameHint": "Short"},
            {
                "itemId": "walk",
                "fromSec": 1,
                "toSec": 3,
                "speed": 2,
                "gapBeforeSec": 0.5,
                "clipNameHint": "Quick",
            },
            {
                "itemId": "walk",
                "fromSec": 2,
                "toSec": 5,
                "transition": {"type": "dissolve", "durationSec": 1},
                "useAudio": True,
                "clipNameHint": "Walk",
            },
        ],
        "audioLayers": [
            {"itemId": "song", "fromSec": 0, "toSec": 5, "gain": 0.5, "fadeInSec": 1, "fadeOutSec": 0.5},
            {
                "itemId": "voice",
                "fromSec": 1,
                "toSec": 3,
                "startSec": 2,
                "placement": "start",
                "role": "voice",
                "speed": 2,
            },
            {"itemId": "song", "fromSec": 0, "toSec": 2, "placement": "loop", "role": "ambience"},
        ],
        "markers": [
            {"atSec": 1, "name": "note", "comment": "look here", "durationSec": 1, "color": "RED"},
            {"atSec": 5, "name": "point", "color": "BLUE"},
        ],
    },
}

# What that is, by hand: 24 frames a second, edges snapped one by one.
EXPECTED: Mapping[str, Any] = {
    "rate": 24,
    "size": (1280, 720),
    "sample rate": 44_100,
    "cuts": [(0, 24), (24, 73), (85, 109), (109, 181)],
    "trims": [0, 0, 24, 48],
    "names": ["Opening", "Short", "Quick", "Walk"],
    "files": {"photos/opening.png", "rushes/short.mp4", "rushes/forest walk.mp4"}
    | {"audio/song.wav", "audio/voice.wav"},
    "gaps": [(73, 85)],
    "dissolves": [(97, 121)],
    "speed": {85: 2},
    "held": [(72, 73)],
    "music": [(0, 120, 0)],
    "voice": [(48, 72, 24)],
    "loop": [(0, 48, 0), (48, 96, 0), (96, 144, 0), (144, 181, 0)],
    "own sound": [(109, 181, 48)],
    "sound speed": {1: 2},
    "gain": {0: 0.5},
    "fades": {0: (24, 12)},
    "roles": ["music", "voice", "ambience"],
    "markers": [("note", 24), ("point", 120)],
    "marker lengths": {"note": 24},
    "marker comments": {"note": "look here"},
    "marker colours": {"note": "RED", "point": "BLUE"},
}

Reader = Callable[[Any], Reading]
