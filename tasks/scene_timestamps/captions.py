"""What was heard, as subtitles: SubRip and WebVTT, in lines that are read at a glance. Pure."""

import html
import unicodedata
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from tasks.media_render.phrasing import columns, folded, phrases
from tasks.scene_timestamps.heard import Word

_LINE = 42  # columns that players show in one line; two lines are shown
_MOST = 2 * _LINE
_LONGEST_S, _PAUSE_S, _LINGER_S = 7.0, 0.7, 0.3
_ENDS = ".!?…。！？؟।"  # noqa: RUF001  # full-width ones are meant as well
_CLOSING = "\"'”’»)]"  # noqa: RUF001  # quotes of all languages, behind a sentence's end
_UNSPACED = "WF"


class Caption(NamedTuple):
    """A text and when it is shown, in milliseconds `[start_ms, end_ms)`."""

    start_ms: int
    end_ms: int
    text: str


def captions(words: Sequence[Word], offset_ms: int = 0) -> list[Caption]:
    """All words, in captions that follow each other without overlap."""
    found = [caption for group in _groups(words) for caption in _of_group(group, offset_ms)]
    told: list[Caption] = []
    for index, caption in enumerate(found):
        following = found[index + 1].start_ms if index + 1 < len(found) else None
        start = max(caption.start_ms, told[-1].end_ms if told else 0)  # words may begin at once
        end = caption.end_ms + round(_LINGER_S * 1000)
        end = end if following is None else min(end, following)
        told.append(Caption(start, max(end, start + 1), caption.text))
    return told


def as_srt(shown: Sequence[Caption]) -> str:
    """SubRip: numbered, with decimal commas. It has no escapes, so an arrow in a text becomes a real one."""
    return "\n".join(
        f"{number}\n{_clock(one.start_ms, ',')} --> {_clock(one.end_ms, ',')}\n"
        f"{one.text.replace('-->', '→')}\n"
        for number, one in enumerate(shown, 1)
    )


def as_vtt(shown: Sequence[Caption]) -> str:
    """WebVTT: `&`, `<` and `>` escaped."""
    cues = (
        f"{_clock(one.start_ms, '.')} --> {_clock(one.end_ms, '.')}\n{html.escape(one.text, quote=False)}\n"
        for one in shown
    )
    return "\n".join(["WEBVTT\n", *cues])


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words that are shown together: to the end of a sentence, a pause, or what fits."""
    group: list[Word] = []
    for word in words:
        if group and _is_full(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_full(group: Sequence[Word], word: Word) -> bool:
    shown = _text([*group, word])
    return (
        word.start_s - group[-1].end_s > _PAUSE_S
        or word.end_s - group[0].start_s > _LONGEST_S
        or columns(shown) > _MOST
        or (group[-1].text.rstrip(_CLOSING)[-1:] in _ENDS and columns(shown) > _LINE // 2)
    )


def _of_group(group: Sequence[Word], offset_ms: int) -> Iterator[Caption]:
    """One caption; several for a run of script without spaces that is longer than fits."""
    start, end = Fraction(group[0].start_s), Fraction(max(word.end_s for word in group))
    for phrase in phrases(_text(group), start, max(end, start), _MOST):
        first, last = (offset_ms + round(at * 1000) for at in (phrase.start, phrase.end))
        yield Caption(first, last, folded(phrase.text, _LINE))


def _text(group: Sequence[Word]) -> str:
    """Words with spaces between them, except where the script has none."""
    text = ""
    for word in group:
        is_tied = text and _is_unspaced(text[-1]) and _is_unspaced(word.text[:1])
        text += word.text if is_tied or not text else f" {word.text}"
    return " ".join(text.split())


def _is_unspaced(char: str) -> bool:
    return bool(char) and unicodedata.east_asian_width(char) in _UNSPACED


def _clock(ms: int, point: str) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"
