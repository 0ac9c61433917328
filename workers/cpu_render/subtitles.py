"""Writes the texts of a timeline as subtitle files: SubRip and WebVTT. Pure: strings out, no files.

Times are those of the frames at which a text comes and goes, to the nearest millisecond.
"""

import html
from collections.abc import Iterator
from dataclasses import dataclass

from farm.timeline import Position, Rate, Timeline

# Where WebVTT puts a line: share of the picture's height, and which edge of the text lies there.
_LINES = {
    Position.TOP: "line:10%,start",
    Position.MIDDLE: "line:50%,center",
    Position.BOTTOM: "line:90%,end",
}


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it is shown, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str
    position: Position


def cues_of(timeline: Timeline) -> tuple[Cue, ...]:
    """Every text in the order in which it appears."""
    found = [
        Cue(
            _ms(clip.start_frame, timeline.rate),
            _ms(clip.end_frame_exclusive, timeline.rate),
            text,
            clip.position,
        )
        for track in timeline.text
        for clip in track.clips
        if (text := "\n".join(_lines(clip.text)))
    ]
    return tuple(sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms)))


def as_srt(cues: tuple[Cue, ...]) -> str:
    """SubRip: numbered, with decimal commas. It has no escapes, so an arrow in a text becomes a real one."""
    return "\n".join(
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{_plain(cue.text)}\n"
        for number, cue in enumerate(cues, 1)
    )


def as_vtt(cues: tuple[Cue, ...]) -> str:
    """WebVTT: with where the text stands; `&`, `<` and `>` escaped."""
    blocks = (
        f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')} {_LINES[cue.position]}\n"
        f"{html.escape(cue.text, quote=False)}\n"
        for cue in cues
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _plain(text: str) -> str:
    return text.replace("-->", "→")


def _lines(text: str) -> Iterator[str]:
    """An empty line would end a cue."""
    for line in text.splitlines():
        if stripped := line.strip():
            yield stripped


def _ms(frame: int, rate: Rate) -> int:
    return round(rate.seconds(frame) * 1000)


def _clock(ms: int, point: str) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"
