"""Finds the visuals that a phrase means: by file name, kind, number, faces, what is said. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farm.timeline import MediaKind
from tasks.media_render.planning.brief import Visual
from tasks.media_render.planning.lengths import NUMBER, ORDINAL, number, ordinal
from tasks.media_render.planning.quality import quality

_PICTURES = frozenset({"photo", "picture", "image", "still", "pic", "photograph"})
_CLIPS = frozenset({"clip", "video", "footage", "recording", "film", "movie"})
_ANY = frozenset({"shot", "scene", "visual", "asset", "file", "one", "material"})
_PEOPLE = frozenset({"face", "people", "person", "portrait", "selfie"})  # where faces were counted
_SAYING = frozenset(
    ["about", "say", "saying", "talk", "talking", "mention", "part", "where", "i", "we", "she", "he", "they"]
)
_KINDS = _PICTURES | _CLIPS | _ANY
# Words that name nothing.
_EMPTY = frozenset(
    {
        "a",
        "an",
        "the",
        "my",
        "our",
        "your",
        "all",
        "any",
        "some",
        "of",
        "with",
        "in",
        "on",
        "to",
        "and",
        "please",
    }
    | {
        "very",
        "that",
        "this",
        "those",
        "these",
        "from",
        "them",
        "it",
        "both",
        "into",
        "for",
        "is",
        "are",
        "at",
        "each",
        "every",
        "other",
        "remaining",
    }
)
_BEST = frozenset({"best", "sharpest", "nicest", "strongest", "finest"})
_NTH = re.compile(rf"\b(?P<nth>first|last|{ORDINAL}) (?P<kind>[a-z]+)")
_EACH = re.compile(rf"\b(?P<one>first|{ORDINAL}) and(?= (?:the )?(?:{ORDINAL}|last) (?P<kind>[a-z]+))")
_SOME = re.compile(rf"\b(?P<end>first|last) (?P<n>{NUMBER}) (?P<kind>[a-z]+)")
_NUMBERED = re.compile(r"\b(?P<kind>[a-z]+) (?:number |no\.? |#)?(?P<n>\d{1,3})$")
_LIST = re.compile(r"\s*(?:,|;|→|->|>| and | & | then )\s*")
_LEAST_PREFIX = 4


class Meant(NamedTuple):
    """The visuals that a phrase means, and the parts of it that mean none.

    `guessed` are parts of which only the kind is known here: "demo clips" where no file is called demo.
    `alone` are the ids of visuals that a part means and no other.
    """

    visuals: tuple[Visual, ...]
    unknown: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()
    alone: frozenset[str] = frozenset()


def meant(phrase: str, visuals: Sequence[Visual], *, may_guess: bool = False) -> Meant:
    """Each visual once, in the order of the phrase; of one part of it, in the order of `visuals`."""
    listed: dict[str, Visual] = {}
    unknown, guessed, alone = [], [], set[str]()
    for part in _LIST.split(_EACH.sub(r"\g<one> \g<kind> and", _plain(phrase))):
        found = _exactly(part, visuals)
        if len(found) == 1:
            alone.add(found[0].id)
        if not found and may_guess and (found := _by_kind(part, visuals)):
            guessed.append(part)
        listed.update((visual.id, visual) for visual in found)
        if not found and _tokens(part):
            unknown.append(part)
    return Meant(tuple(listed.values()), tuple(unknown), tuple(guessed), frozenset(alone))


def of_kind(word: str, visuals: Sequence[Visual]) -> Sequence[Visual]:
    """All of the kind that a word means in any number, "photos" or "clip"; none for another word."""
    return _of_kind(_singular(word), visuals)


def _exactly(part: str, visuals: Sequence[Visual]) -> list[Visual]:
    by_kind = [] if set(_tokens(part)) - _KINDS else _by_kind(part, visuals)
    found = _by_file_name(part, visuals) or _by_number(part, visuals) or _by_rank(part, visuals)
    return found or _by_words(part, visuals) or _by_faces(part, visuals) or _by_said(part, visuals) or by_kind


def _by_file_name(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those whose whole file name stands in it, with or without its ending."""
    found, left = set[str](), phrase
    for name in sorted({_plain(visual.asset.file_name) for visual in visuals}, key=len, reverse=True):
        if name not in left:
            continue
        rest = re.sub(rf"(?<![\w.-]){re.escape(name)}(?!\w)", " ", left)
        if rest != left:
            found.add(name)
            left = rest  # so that "the 2.jpg" is not found in "1 the 2.jpg"
    return [visual for visual in visuals if _plain(visual.asset.file_name) in found] or [
        visual for visual in visuals if f'"{_stem(visual)}"' in phrase or _stem(visual) == phrase
    ]


def _by_number(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """The third photo, clip 2, the last video."""
    if match := _SOME.search(phrase):
        many = max(1, int(number(match["n"])))
        among = _of_kind(_singular(match["kind"]), visuals)
        return among[:many] if match["end"] == "first" else among[-many:]
    if match := _NTH.search(phrase):
        among = _of_kind(_singular(match["kind"]), visuals)
        nth = len(among) if match["nth"] == "last" else ordinal(match["nth"])
    elif match := _NUMBERED.search(phrase):
        among, nth = _of_kind(_singular(match["kind"]), visuals), int(match["n"])
    else:
        return []
    return among[nth - 1 : nth] if nth else []


def _by_rank(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """The one that was measured to be the best: "the best photo", where somebody looked."""
    words = set(_tokens(phrase))
    if not words & _BEST or words - _BEST - _KINDS or not any(visual.seen for visual in visuals):
        return []
    return [max(_by_kind(" ".join(words - _BEST), visuals) or visuals, key=quality)]


def _by_words(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those whose file names have the most of its words; a word of a kind leaves the others out."""
    words = _tokens(phrase)
    kinds = [word for word in words if word in _PICTURES | _CLIPS]
    names = [word for word in words if word not in _KINDS]
    if not names:
        return []
    scores = {visual.id: sum(_has(visual, name) for name in names) for visual in visuals}
    best = max(scores.values(), default=0)
    if not best:
        return []
    found = [visual for visual in visuals if scores[visual.id] == best]
    return _of_kinds(kinds, found) or found


def _by_faces(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those with people in them, where somebody looked for faces: "the people", "photos of faces"."""
    words = set(_tokens(phrase))
    if not words & _PEOPLE or words - _PEOPLE - _KINDS:
        return []
    kinds = words & (_PICTURES | _CLIPS)
    among = _of_kinds(kinds, visuals) if kinds else visuals
    return [visual for visual in among if visual.seen is not None and visual.seen.faces]


def _by_said(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those in which all its words are said, where words were listened for: "the clip about the launch"."""
    words = set(_tokens(phrase)) - _KINDS - _SAYING
    if not words:
        return []
    return [visual for visual in visuals if words <= set(_tokens(_said(visual)))]


def _said(visual: Visual) -> str:
    return "" if visual.heard is None else visual.heard.said or ""


def _by_kind(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """All of the kinds that it names; all there are where it names none in particular."""
    words = _tokens(phrase)
    kinds = [word for word in words if word in _PICTURES | _CLIPS]
    if not kinds:
        return list(visuals) if words and not set(words) - _ANY else []
    return _of_kinds(kinds, visuals)


def _of_kinds(words: Iterable[str], visuals: Sequence[Visual]) -> list[Visual]:
    """All that any of the words of a kind means, in their order."""
    found = {visual.id for word in words for visual in _of_kind(word, visuals)}
    return [visual for visual in visuals if visual.id in found]


def _of_kind(word: str, visuals: Sequence[Visual]) -> list[Visual]:
    """All that the word of a kind means, or none when it is no such word."""
    if word in _PICTURES:
        return [visual for visual in visuals if visual.asset.media_kind is MediaKind.IMAGE]
    if word in _CLIPS:
        return [visual for visual in visuals if visual.asset.media_kind is MediaKind.VIDEO]
    return list(visuals) if word in _ANY else []


def _tokens(phrase: str) -> list[str]:
    return [_singular(word) for word in re.findall(r"[^\W_]+", phrase.casefold()) if word not in _EMPTY]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _stem(visual: Visual) -> str:
    name = _plain(visual.asset.file_name)
    return name.rpartition(".")[0] or name


def _plain(text: str) -> str:
    """However its letters were composed: some systems send é as two."""
    return unicodedata.normalize("NFC", text).casefold()


def _has(visual: Visual, name: str) -> bool:
    """Whether a word of the file's name is this one, or begins as it does."""
    return any(_alike(word, name) for word in _words_of(visual))


def _words_of(visual: Visual) -> Iterable[str]:
    return (_singular(word) for word in re.findall(r"[^\W\d_]+|\d+", _stem(visual)))


def _alike(word: str, name: str) -> bool:
    if word == name:
        return True
    if word.isdecimal() and name.isdecimal():
        return int(word) == int(name)
    short, long = sorted((word, name), key=len)
    return len(short) >= _LEAST_PREFIX and long.startswith(short)
