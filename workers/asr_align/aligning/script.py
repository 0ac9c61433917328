"""A known text as words with their places in it, and where a reader may pause. Pure text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_RUN = re.compile(r"\S+")
_SPOKEN = re.compile(r"[^\W_]")
_PAUSE = re.compile(r"[.,;:!?…。、，！？؟؛—–][\"'”’»)\]]*$")  # noqa: RUF001 punctuation of other scripts
_STOP = re.compile(r"\.[\"'”’»)\]]*$")  # noqa: RUF001 quotation marks
_LONGEST_CLAUSE = 30  # words
# What ends in a full stop and no sentence: titles and the like, in the languages that are tested.
_SHORT_FORMS = " dr mr mrs ms st prof vs no jr sr ca bzw usw evtl hr fr nr abs mme mlle sra srta ud uds pág "


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """A run without white space; `[start, end_exclusive)` in characters of the text."""

    text: str
    start: int
    end_exclusive: int


@dataclass(frozen=True, slots=True)
class Clause:
    """The words `[first, last_exclusive)`, which are spoken without a pause as a rule."""

    first: int
    last_exclusive: int


def words_of(text: str) -> tuple[ScriptWord, ...]:
    """Every run of the text that has something to say, in order."""
    return tuple(
        ScriptWord(run.group(), run.start(), run.end())
        for run in _RUN.finditer(text)
        if _SPOKEN.search(run.group())
    )


def clauses_of(text: str, words: Sequence[ScriptWord]) -> tuple[Clause, ...]:
    """All words, parted where punctuation or a new line lets a reader pause."""
    clauses: list[Clause] = []
    first = 0
    for at, after in enumerate(_pauses(text, words), 1):
        if after or at - first >= _LONGEST_CLAUSE or at == len(words):
            clauses.append(Clause(first, at))
            first = at
    return tuple(clauses)


def _pauses(text: str, words: Sequence[ScriptWord]) -> Iterator[bool]:
    """Whether a reader may pause after each word."""
    for at, word in enumerate(words):
        end = words[at + 1].start if at + 1 < len(words) else len(text)
        between = text[word.end_exclusive : end]
        yield "\n" in between or bool(between.strip()) or _ends_clause(word.text)


def _ends_clause(word: str) -> bool:
    if not _PAUSE.search(word):
        return False
    bare = "".join(_SPOKEN.findall(word)).lower()
    is_short_form = f" {bare} " in _SHORT_FORMS or (len(bare) == 1 and bare.isalpha())
    return not (_STOP.search(word) and is_short_form)


def letters(word: str) -> int:
    """How long a word takes to say, in letters; a digit is worth four."""
    return sum(4 if char.isdigit() else 1 for char in word if char.isalnum()) or 1
