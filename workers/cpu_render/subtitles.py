"""Writes the texts and the voiceover of a timeline as subtitles: SubRip and WebVTT. Pure: strings, no files.

Times are those of the frames at which a text comes and goes, and of the first and last sample of what is
said, to the nearest millisecond.
"""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from farm.timeline import SPOKEN_TRACK, Position, Rate, Timeline
from tasks.media_render.phrasing import folded, phrases
from tasks.media_render.voiceover import VOICE_MEDIUM

_LINE_COLUMNS = 42  # what players show in one line
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
    """Every text and every line that is said, in the order in which they begin."""
    found = [*_shown(timeline), *_said(timeline)]
    return tuple(sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms)))


def _said(timeline: Timeline) -> Iterator[Cue]:
    """What the voiceover says, in phrases of two lines. Clips of other voices are not named by words."""
    for track in timeline.audio:
        for clip in track.clips:
            if clip.media == VOICE_MEDIUM and clip.name:
                edges = (clip.start_sample, clip.end_sample_exclusive)
                start, end = (Fraction(at, timeline.sample_rate) for at in edges)
                for phrase in phrases(clip.name, start, end, 2 * _LINE_COLUMNS):
                    first, last = (round(at * 1000) for at in (phrase.start, phrase.end))
                    yield Cue(first, last, folded(phrase.text, _LINE_COLUMNS), Position.BOTTOM)


def _shown(timeline: Timeline) -> Iterator[Cue]:
    """What is written, without what the voiceover says as well."""
    is_said = any(medium.id == VOICE_MEDIUM for medium in timeline.media)
    return (
        Cue(
            _ms(clip.start_frame, timeline.rate),
            _ms(clip.end_frame_exclusive, timeline.rate),
            text,
            clip.position,
        )
        for track in timeline.text
        if not (is_said and track.name == SPOKEN_TRACK)
        for clip in track.clips
        if (text := "\n".join(_lines(clip.text)))
    )


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
