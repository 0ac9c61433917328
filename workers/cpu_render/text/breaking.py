"""Where a caption may be broken into lines. Pure: no fonts, no widths."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from workers.cpu_render.text.phrases import phrase_ends

# Spaces at which a line may end; not the ones that forbid it, such as U+00A0.
_SPACES = re.compile("[ \t\u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]+")
_UNSEEN_BREAK = "\u200b"
# Scripts that may be broken between any two letters: Han, kana, Thai, Lao, Myanmar, Khmer, full-width forms.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]"
)
# Kinsoku: what no line starts with, and what none ends with.
_NO_START = frozenset(
    "、。，．・：；？！ー」』）】〕〉》〗〙〟’”»…‥～〜％℃°¢"  # noqa: RUF001  # the full-width ones are meant
    "々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ!?,.:;)]}%/|।॥፡ๆฯ"
)
_NO_END = frozenset("「『（【〔〈《〖〘〝‘“«([{$£¥€￥＄#＃@＠№")  # noqa: RUF001  # likewise
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")  # written before the consonant that they follow
_TIED_PICTURES = 3  # that stay with the words before them
_MOST_PICTURES = 6  # that stay together without a space between them
_VIRAMA = 9  # canonical combining class of the sign that ties two consonants


@dataclass(frozen=True, slots=True)
class Atom:
    """What stays in one line. `is_spaced` says whether a space parts it from the one before it."""

    text: str
    is_spaced: bool = False


def atoms(paragraph: str, language: str | None, pictures: Collection[str]) -> Iterator[Atom]:
    """A paragraph in the pieces between which lines may end.

    An emoji or two stay with the words before them: alone in a line they look lost.
    """
    held: Atom | None = None
    for atom in _words(paragraph, language, pictures):
        if held is None:
            held = atom
        elif _are_pictures(atom.text, pictures) and held.text[-1] not in pictures:
            held = Atom(joined((held, atom)), held.is_spaced)
        else:
            yield held
            held = atom
    if held is not None:
        yield held


def _words(paragraph: str, language: str | None, pictures: Collection[str]) -> Iterator[Atom]:
    for number, word in enumerate(filter(None, _SPACES.split(paragraph))):
        is_spaced = number > 0
        for part in filter(None, word.split(_UNSEEN_BREAK)):
            for text in _cut(part, phrase_ends(part, language), pictures):
                yield Atom(text, is_spaced)
                is_spaced = False


def _are_pictures(text: str, pictures: Collection[str]) -> bool:
    return len(text) <= _TIED_PICTURES and all(char in pictures for char in text)


def joined(line: Sequence[Atom]) -> str:
    """A line's text."""
    return "".join(f" {atom.text}" if atom.is_spaced and at else atom.text for at, atom in enumerate(line))


def clusters(text: str) -> Iterator[str]:
    """Letters with what is tied to them: what no break may part, however narrow a line is."""
    places = range(1, len(text))
    start = 0
    for place in places:
        if not _is_tied(text[place - 1], text[place]):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def _cut(word: str, ends: Iterator[int], pictures: Collection[str]) -> Iterator[str]:
    start = 0
    is_row = sum(char in pictures for char in word) > _MOST_PICTURES
    after_one = (place for place in range(1, len(word)) if word[place - 1] in pictures)
    wanted = {*ends, *(place for place in after_one if is_row or word[place] not in pictures)}
    for place in range(1, len(word)):
        if place in wanted and _may_part(word[place - 1], word[place], pictures):
            yield word[start:place]
            start = place
    yield word[start:]


def _may_part(before: str, after: str, pictures: Collection[str]) -> bool:
    if _is_tied(before, after):
        return False
    if before in pictures:
        return True
    if after in pictures:
        return False  # it belongs to its word
    return bool(_UNSPACED.match(before) or _UNSPACED.match(after))


def _is_tied(before: str, after: str) -> bool:
    """Whether the second belongs to the first, or may not start a line, or the first may not end one."""
    if after in _NO_START or before in _NO_END or before in _LEADING_VOWELS or after in "\u0e33\u0eb3":
        return True
    is_mark = unicodedata.category(after) in ("Mn", "Me", "Mc", "Cf") or before == "\u200d"
    return is_mark or (unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo")
