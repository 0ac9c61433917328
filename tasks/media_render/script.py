"""Reads the script of a voiceover: plain text and SubRip. Pure: strings in, lines out."""

import html
import re
from collections.abc import Iterator
from fractions import Fraction
from textwrap import wrap

from farm.errors import BadRequest
from farm.noun import Noun

_ARROW = re.compile(r"\s*(\S+)\s*-->\s*(\S+)(\s.*)?")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[,.](\d{1,3})")
# Behind its mark a sentence ends at a space; in scripts that have none, at once, but for what closes it.
_ENDS = re.compile(
    r"(?<=[.!?…।॥؟۔])\s+(?![a-zß-ÿ])|(?<=[。！？])\s*(?![\s。！？」』】）〉》”’])"  # noqa: RUF001  # full-width ones
)
_SHORT = re.compile(r"(^|\s)(\w|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|etc|bzw|ca|Mme|M|Sr|Sra|Jr)\.$")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")


class ScriptLine(Noun):
    """What is said in one go, and when at the earliest, in seconds; without a time, after the line before.

    `paragraph`: something new begins with it.
    """

    text: str
    start: Fraction | None = None
    paragraph: bool = False


def lines_of_text(content: str, longest: int | None = None) -> tuple[ScriptLine, ...]:
    """One line for each sentence; what has no word in it is left out. Blank rows part paragraphs.

    A sentence of more than `longest` characters comes in several lines, parted between words.
    """
    lines: list[ScriptLine] = []
    is_new = False
    for row in content.splitlines():
        is_new = is_new or not row.strip()
        for text in _sentences(row):
            for part in wrap(text, longest or len(text), break_on_hyphens=False):
                lines.append(ScriptLine(text=part, paragraph=is_new and bool(lines)))
                is_new = False
    return tuple(lines)


def _sentences(row: str) -> Iterator[str]:
    """Where it is doubtful whether a sentence ends, it goes on: a pause too few is not heard."""
    said = ""
    for piece in _ENDS.split(" ".join(row.split())):
        said = f"{said} {piece}".strip()
        if has_words(said) and not _SHORT.search(said):
            yield said
            said = ""
    if has_words(said):
        yield said


def has_words(text: str) -> bool:
    """Whether there is anything to say in it."""
    return any(character.isalnum() for character in text)


def lines_of_srt(content: str) -> tuple[ScriptLine, ...]:
    """One line for each cue that says something, in the order of their starts. Where a cue ends is not kept.

    Raises BadRequest, without a param, naming the cue that cannot be read.
    """
    text = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip()
    blocks = [block for block in re.split(r"\n[ \t]*\n\s*", text) if block]
    lines = [line for number, block in enumerate(blocks, 1) if has_words((line := _cue(block, number)).text)]
    return tuple(sorted(lines, key=lambda line: line.start or 0))


def _cue(block: str, number: int) -> ScriptLine:
    rows = block.split("\n")
    if rows[0].strip().isdigit():
        rows = rows[1:]
    times = _ARROW.fullmatch(rows[0]) if rows else None
    start, end = (_seconds(times[1]), _seconds(times[2])) if times else (None, None)
    if start is None or end is None:
        raise BadRequest(f"Cue {number} has no line of times like 00:00:01,000 --> 00:00:03,500.")
    if end <= start:
        raise BadRequest(f"Cue {number} ends before it starts.")
    return ScriptLine(text=" ".join(_words(rows[1:])), start=start)


def _words(rows: list[str]) -> Iterator[str]:
    """The words of a cue without its markup."""
    for row in rows:
        yield from html.unescape(_MARKUP.sub("", row)).split()


def _seconds(clock: str) -> Fraction | None:
    """A time in seconds; None for what is none."""
    if (found := _CLOCK.fullmatch(clock)) is None:
        return None
    hours, minutes, seconds, part = found.groups()
    return Fraction(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) + Fraction(f"0.{part}")
