"""Cuts what is said into phrases that are read at a glance, each with its share of the time. Pure.

Nobody measures when each word is said: within a line time passes evenly over its letters, with a little more
for a comma and for the end of a sentence.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil
from typing import NamedTuple

READING_PER_S = 17  # columns a second that people read with ease
_ENDS, _PAUSES = ".!?…。！？｡؟।", ",;:—–-、，；：،؛"  # noqa: RUF001  # full-width ones are meant as well
_CLOSING = "」』）】〉》’”»)]}ーっッゃゅょャュョ々"  # noqa: RUF001  # likewise
_SAID = {**dict.fromkeys(_ENDS, 6), **dict.fromkeys(_PAUSES, 3)}  # letters that a mark takes as long as
# Han, kana, Thai and others that are written without spaces: a phrase may end after any of their letters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\ua4cf\uf900-\ufaff]")
# Where a Japanese word is likely to begin: a kanji or katakana after a hiragana.
_WORD_EDGE = re.compile("[\u3041-\u309f][\u30a1-\u30ff\u3400-\u9fff]")
# What speaks against ending a phrase: perhaps within a word, in the middle of a clause, at a comma, at an
# end; and a short phrase.
_WITHIN_COST, _MID_COST, _PAUSE_COST, _END_COST, _SHORT_COST = 1.2, 0.4, 0.08, 0.0, 1.0
_SHORT = 9  # columns


class Phrase(NamedTuple):
    """Some words and when they are said, in seconds."""

    text: str
    start: Fraction
    end: Fraction


class _Unit(NamedTuple):
    """What stays in one phrase; `gap` is the space before it."""

    text: str
    gap: str


def columns(text: str) -> int:
    """How wide a text is: full-width letters count twice, marks on letters not at all."""
    return sum(_columns(char) for char in text)


def phrases(text: str, start: Fraction, end: Fraction, most: int) -> Iterator[Phrase]:
    """The words of a line that is said from `start` to `end`, in phrases of at most `most` columns."""
    units = list(_units(" ".join(text.split()), most))
    if not units:
        return
    said = list(accumulate((_said(unit) for unit in units), initial=0))
    for first, behind in pairwise(_best_ends(units, most)):
        shown = "".join(unit.gap + unit.text for unit in units[first:behind]).strip()
        at, until = (start + (end - start) * Fraction(said[index], said[-1]) for index in (first, behind))
        yield Phrase(shown, at, until)


def folded(text: str, most: int) -> str:
    """A text in one line of at most `most` columns, or in two of like length, which may be longer."""
    lines = [text]
    for width in range(most, max(most, columns(text)) + 1):
        lines = [phrase.text for phrase in phrases(text, Fraction(0), Fraction(1), width)]
        if len(lines) <= 2:
            break
    return "\n".join(lines)


def _units(text: str, most: int) -> Iterator[_Unit]:
    for number, word in enumerate(text.split(" ")):
        gap = " " if number else ""
        for piece in _pieces(word):
            for at in range(0, len(piece), most):  # what nobody can break is cut
                yield _Unit(piece[at : at + most], gap)
                gap = ""


def _pieces(word: str) -> Iterator[str]:
    """A word; one of a script without spaces letter by letter, with what must not start a phrase."""
    start = 0
    for place in range(1, len(word)):
        before, after = word[place - 1], word[place]
        is_tied = after in _ENDS + _PAUSES + _CLOSING or unicodedata.category(after)[0] == "M"
        if not is_tied and (_UNSPACED.match(before) or _UNSPACED.match(after)):
            yield word[start:place]
            start = place
    if word:
        yield word[start:]


def _best_ends(units: Sequence[_Unit], most: int) -> list[int]:
    """The indices at which phrases begin, and the end: of like length, ending where clauses do."""
    widths = list(accumulate((columns(unit.gap + unit.text) for unit in units), initial=0))
    ideal = widths[-1] / ceil(widths[-1] / most)
    best = [(0.0, 0)]
    for behind in range(1, len(units) + 1):
        options = []
        for first in range(behind - 1, -1, -1):
            width = widths[behind] - widths[first]
            if width > most + 1 and first < behind - 1:
                break
            options.append((best[first][0] + _cost(units, behind, width, ideal), first))
        best.append(min(options))
    ends = [len(units)]
    while ends[-1]:
        ends.append(best[ends[-1]][1])
    return ends[::-1]


def _cost(units: Sequence[_Unit], behind: int, width: int, ideal: float) -> float:
    even = (width / ideal - 1) ** 2 + (_SHORT_COST if width < _SHORT else 0.0)
    if behind == len(units):
        return even
    last, following = units[behind - 1].text[-1], units[behind]
    if last in _ENDS:
        return even + _END_COST
    if last in _PAUSES:
        return even + _PAUSE_COST
    is_between = following.gap or _WORD_EDGE.match(last + following.text[0])
    return even + (_MID_COST if is_between else _WITHIN_COST)


def _said(unit: _Unit) -> int:
    """How long a unit takes, in letters."""
    return len(unit.gap) + sum(_SAID.get(char) or max(1, _columns(char)) for char in unit.text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
