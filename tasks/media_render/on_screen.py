"""The texts that a film gets by itself when `text_on_screen` asks for them. Pure.

Nothing is made up here. What is written is what the voiceover says, while it is said; without one what a
planner wrote for each cut, else words that the instructions put in quotes to be shown, else the name that the
project was given. What was placed by hand stays: where it stands, nothing else is written.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePath

from farm.timeline import SPOKEN_TRACK, Position, TextClip, TextTrack, Timeline, VideoClip
from tasks.media_render.params import DEFAULT_TEMPLATE, OVERLAY_CHARACTERS, Cut, MediaRender, is_blank
from tasks.media_render.phrasing import READING_PER_S, Phrase, columns, phrases
from tasks.media_render.voiceover import Speech, said

WRITTEN_TRACK = "on screen"
_SPOKEN_TEMPLATE, _TITLE_TEMPLATE = "simple", "title"
_SPOKEN_PLACES = (Position.BOTTOM, Position.MIDDLE, Position.TOP)
# Columns of a caption that has two lines: on upright and square frames, and on wide ones.
_TALL_COLUMNS, _WIDE_COLUMNS = 44, 72
_LINGER_S = Fraction(1, 5)  # a caption stays so long after its last word
_BRIDGED_S = Fraction(3, 5)  # shorter gaps between captions are none: a caption stays until the next
_TEXT_S = Fraction(3)  # what is not said is shown so long, longer where it takes longer to read
_LEAST_S = Fraction(1)
_UNNAMED = frozenset({"", "untitled", "project", "test", "timeline"})
QUOTED = re.compile(
    r"(?:text|titled?|caption|headline|hook|slogan|words?|writ(?:e|es|ten)|says?|saying|read(?:s|ing)?)"
    r"\s*(?::|\w+\s+){0,3}\s*[\"“«„]([^\"“”«»„\n]{2,80})[\"”»“]",
    re.IGNORECASE,
)


def on_screen(params: MediaRender, timeline: Timeline, speech: Speech | None) -> Iterator[TextTrack]:
    """The tracks to lay over a timeline that has its pictures and the texts that were placed by hand."""
    if not params.text_on_screen:
        return
    taken = [clip for track in timeline.text for clip in track.clips]
    if params.voiceover is not None:
        clips = tuple(_spoken(params, timeline, speech, taken)) if speech is not None else ()
        name = SPOKEN_TRACK
    else:
        clips, name = tuple(_written(params, timeline, taken)), WRITTEN_TRACK
    if clips:
        yield TextTrack(clips=clips, name=name)


def on_screen_notes(params: MediaRender, timeline: Timeline) -> Iterator[str]:
    """What a person should know: what was read of the instructions; that there was nothing to write."""
    if not params.text_on_screen or params.voiceover is not None:
        return
    if _quotes(params) and not params.ai_analysis:
        yield "Of the instructions only words in quotes were taken, to be shown."
    if not any(track.clips for track in timeline.text):
        yield (
            "There was nothing to write on the screen: no hook, no overlay, no voiceover, no plan with texts,"
            " no quoted words in the instructions, and a project without a name."
        )


def _spoken(
    params: MediaRender, timeline: Timeline, speech: Speech | None, taken: Sequence[TextClip]
) -> Iterator[TextClip]:
    """What the voice says, phrase by phrase, while it says it."""
    if params.voiceover is None or speech is None:
        return
    most = _TALL_COLUMNS if timeline.height >= timeline.width else _WIDE_COLUMNS
    found = [
        phrase
        for item in said(params.voiceover, speech)
        for phrase in phrases(item.line.text, item.start, item.end, most)
    ]
    for phrase, following in pairwise([*found, None]):
        if phrase is None:
            continue
        start = timeline.rate.nearest_frame(phrase.start)
        end = min(timeline.rate.nearest_frame(_until(phrase, following)), timeline.end_frame_exclusive)
        place = next((spot for spot in _SPOKEN_PLACES if _is_free(start, end, spot, taken)), None)
        if end > start and place is not None:
            yield _clip(phrase.text, start, end, _SPOKEN_TEMPLATE, place)


def _until(phrase: Phrase, following: Phrase | None) -> Fraction:
    """A caption stays until it is read, if the next one lets it."""
    read = phrase.start + Fraction(columns(phrase.text), READING_PER_S)
    end = max(phrase.end + _LINGER_S, read)
    if following is None:
        return end
    return following.start if end > following.start - _BRIDGED_S else end


def _written(params: MediaRender, timeline: Timeline, taken: Sequence[TextClip]) -> Iterator[TextClip]:
    """What is to be read while nothing is said; cut short, or left out, where it would meet another text."""
    busy = list(taken)
    for wish in _wishes(params, timeline):
        start, end = wish.start_frame, wish.end_frame_exclusive
        first, behind = _free_part(start, end, wish.position, busy)
        if behind - first >= min(end - start, timeline.rate.nearest_frame(_LEAST_S)):
            clip = wish.model_copy(update={"start_frame": first, "end_frame_exclusive": behind})
            busy.append(clip)
            yield clip


def _wishes(params: MediaRender, timeline: Timeline) -> Iterator[TextClip]:
    """The first of these that there is: texts of a plan, quoted words, a name."""
    shown = [clip for track in timeline.video[:1] for clip in track.clips]
    cuts = () if params.placements or params.timeline is not None else params.cuts
    if any(cut.text for cut in cuts):
        yield from _planned(cuts, shown, timeline)
    elif shown and (quotes := _quotes(params)):
        yield from _quoted(quotes, shown, timeline)
    elif _is_named(params.name) and not any(track.clips for track in timeline.text):
        name = " ".join(params.name.split())
        yield _clip(name, 0, _read_by(name, 0, timeline), _TITLE_TEMPLATE, Position.MIDDLE)


def _planned(cuts: Sequence[Cut], shown: Sequence[VideoClip], timeline: Timeline) -> Iterator[TextClip]:
    for cut, clip in zip(cuts, shown, strict=False):
        if cut.text:
            end = min(clip.end_frame_exclusive, _read_by(cut.text, clip.start_frame, timeline))
            yield _clip(cut.text, clip.start_frame, end, DEFAULT_TEMPLATE, Position.TOP)


def _quoted(quotes: Sequence[str], shown: Sequence[VideoClip], timeline: Timeline) -> Iterator[TextClip]:
    """Spread over the visuals."""
    for number, text in enumerate(quotes):
        start = shown[number * len(shown) // len(quotes)].start_frame
        yield _clip(text, start, _read_by(text, start, timeline), DEFAULT_TEMPLATE, Position.TOP)


def _is_named(name: str) -> bool:
    """Whether somebody gave it: a file's name or a number is none."""
    words = " ".join(name.split()).casefold()
    return words not in _UNNAMED and not PurePath(words).suffix and any(map(str.isalpha, words))


def _quotes(params: MediaRender) -> list[str]:
    """The words that the instructions put in quotes to be shown, without names of files."""
    files = {PurePath(asset.file_name).stem.casefold() for asset in params.assets}
    found = (" ".join(text.split()) for text in QUOTED.findall(params.instructions or ""))
    seen = [text for text in dict.fromkeys(found) if not is_blank(text)]
    return [text for text in seen if PurePath(text).stem.casefold() not in files]


def _read_by(text: str, start: int, timeline: Timeline) -> int:
    """The frame by which a text that comes at `start` has been read; the film may end before."""
    shown_s = max(_TEXT_S, Fraction(columns(text), READING_PER_S))
    return min(start + timeline.rate.nearest_frame(shown_s), timeline.end_frame_exclusive)


def _is_free(start: int, end: int, place: Position, taken: Sequence[TextClip]) -> bool:
    return _free_part(start, end, place, taken) == (start, end)


def _free_part(start: int, end: int, place: Position, taken: Sequence[TextClip]) -> tuple[int, int]:
    """The longest part of these frames in which no text stands there; empty if there is none."""
    best, at = (start, start), start
    busy = [clip for clip in taken if clip.position is place and clip.end_frame_exclusive > start]
    for clip in sorted(busy, key=lambda clip: clip.start_frame):
        best = max(best, (at, min(end, clip.start_frame)), key=lambda part: part[1] - part[0])
        at = max(at, clip.end_frame_exclusive)
    return max(best, (at, end), key=lambda part: part[1] - part[0])


def _clip(text: str, start: int, end: int, template: str, place: Position) -> TextClip:
    return TextClip(
        text=text[:OVERLAY_CHARACTERS],
        start_frame=start,
        end_frame_exclusive=end,
        template=template,
        position=place,
    )
