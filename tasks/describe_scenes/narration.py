"""Takes a narration apart: its words, and the spans between its pauses. Pure; knows no language.

Everything is a place in the narrator's own text, so that whatever is told of it later is a slice of it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

LEAST_WORDS, MOST_WORDS = 4, 8  # of a cue
_LEAST_IN_SPAN = 3
_PAUSES = frozenset('.!?;:,…—–\n()[]"“”„«»•।؟،؛')  # noqa: RUF001  # dashes of all lengths are meant
_FULL_PAUSES = frozenset("、。！？，；：「」『』（）።၊။")  # noqa: RUF001  # no space follows these
_JOINERS = "'’‘-.,_\u200c\u200d"  # noqa: RUF001  # within a word or a number: it's, 3.5, 1,000, U.S.
_UNSPACED = (  # scripts in which words are not spaced apart, from the lowest on
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word at `start` to `end_exclusive` of the text; a character where words are not spaced apart.

    `folded` is how it is compared.
    """

    start: int
    end_exclusive: int
    folded: str


@dataclass(frozen=True, slots=True)
class Span:
    """Words in a row, by their numbers."""

    first: int
    end_exclusive: int

    @property
    def words(self) -> int:
        """How many."""
        return self.end_exclusive - self.first


@dataclass(frozen=True)
class Narration:
    """A narration by words."""

    text: str

    @cached_property
    def words(self) -> Sequence[Word]:
        """All its words, in order."""
        return tuple(words_of(self.text))

    def slice(self, span: Span) -> str:
        """What is written there, from the first word's first letter to the last word's last."""
        words = self.words[span.first : span.end_exclusive]
        return self.text[words[0].start : words[-1].end_exclusive] if words else ""

    def spans(self, at_least: int = 1) -> list[Span]:
        """What lies between its pauses; longer ones are halved until there are so many, if they can be."""
        spans = self._clauses()
        while 0 < len(spans) < at_least:
            at = max(range(len(spans)), key=lambda index: spans[index].words)
            longest = spans[at]
            if longest.words < 2 * LEAST_WORDS:
                break
            middle = longest.first + longest.words // 2
            spans[at : at + 1] = [Span(longest.first, middle), Span(middle, longest.end_exclusive)]
        return spans

    def places(self, text: str) -> list[Span]:
        """Where this is said word for word, whatever its case and punctuation."""
        wanted = [word.folded for word in words_of(text)]
        folded = [word.folded for word in self.words]
        starts = range(len(folded) - len(wanted) + 1) if wanted else ()
        return [
            Span(at, at + len(wanted))
            for at in starts
            if folded[at] == wanted[0] and folded[at : at + len(wanted)] == wanted
        ]

    def _clauses(self) -> list[Span]:
        """Between pauses; a few words alone go with what follows, at the end with what was before."""
        spans: list[Span] = []
        first = 0
        for index in range(len(self.words)):
            is_last = index + 1 == len(self.words)
            if is_last or (index + 1 - first >= _LEAST_IN_SPAN and self._pauses_after(index)):
                spans.append(Span(first, index + 1))
                first = index + 1
        if len(spans) > 1 and spans[-1].words < _LEAST_IN_SPAN:
            end = spans.pop().end_exclusive
            spans[-1] = Span(spans[-1].first, end)
        return spans

    def _pauses_after(self, index: int) -> bool:
        gap = self.text[self.words[index].end_exclusive : self.words[index + 1].start]
        if any(character in _FULL_PAUSES for character in gap):
            return True
        is_spaced = any(character.isspace() for character in gap)
        return is_spaced and (any(character in _PAUSES for character in gap) or gap.strip() in ("-", "--"))


def words_of(text: str) -> Iterator[Word]:
    """The words of any text."""
    start: int | None = None
    for index, character in enumerate(text):
        if start is not None and (_is_unspaced(text[start]) or not _goes_on(text, index)):
            if _is_mark(character):
                continue
            yield _word(text, start, index)
            start = None
        if start is None and character.isalnum():
            start = index
    if start is not None:
        yield _word(text, start, len(text))


def _word(text: str, start: int, end: int) -> Word:
    plain = unicodedata.normalize("NFKC", text[start:end]).casefold()
    return Word(start, end, plain.replace("’", "'").replace("‘", "'"))  # noqa: RUF001  # all apostrophes are one


def _goes_on(text: str, index: int) -> bool:
    """Whether this character belongs to the word before it."""
    character = text[index]
    if _is_unspaced(character):
        return False
    if character.isalnum() or _is_mark(character):
        return True
    if character not in _JOINERS or index + 1 >= len(text):
        return False
    before, after = text[index - 1], text[index + 1]
    if character == ",":
        return before.isdecimal() and after.isdecimal()
    return before.isalnum() and after.isalnum() and not _is_unspaced(after)


def _is_mark(character: str) -> bool:
    """An accent, a vowel sign: it stands on the letter before it."""
    return unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    return character >= "\u0e00" and any(first <= ord(character) <= last for first, last in _UNSPACED)
