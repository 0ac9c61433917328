"""Finds the visuals that a phrase means: by file name, kind, number, faces, what is said. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farm.timeline import MediaKind
from tasks.media_render.planning.brief import Visual

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
    }
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NTH = re.compile(
    rf"\b(?:(?P<word>{'|'.join(_ORDINALS)}|last)|(?P<n>\d{{1,3}})(?:st|nd|rd|th)) (?P<kind>[a-z]+)"
)
_NUMBERED = re.compile(r"\b(?P<kind>[a-z]+) (?:number |no\.? |#)?(?P<n>\d{1,3})$")
_LIST = re.compile(r"\s*(?:,| and | & | then )\s*")
_LEAST_PREFIX = 4


class Meant(NamedTuple):
    """The visuals that a phrase means, and the parts of it that mean none.

    `guessed` are parts of which only the kind is known here: "demo clips" where no file is called demo.
    """

    visuals: tuple[Visual, ...]
    unknown: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()


def meant(phrase: str, visuals: Sequence[Visual], *, may_guess: bool = False) -> Meant:
    """Each visual once, in the order of the phrase; of one part of it, in the order of `visuals`."""
    listed: dict[str, Visual] = {}
    unknown, guessed = [], []
    for part in _LIST.split(phrase):
        found = _exactly(part, visuals)
        if not found and may_guess and (found := _by_kind(part, visuals)):
            guessed.append(part)
        listed.update((visual.id, visual) for visual in found)
        if not found and _tokens(part):
            unknown.append(part)
    return Meant(tuple(listed.values()), tuple(unknown), tuple(guessed))


def _exactly(part: str, visuals: Sequence[Visual]) -> list[Visual]:
    by_kind = [] if set(_tokens(part)) - _KINDS else _by_kind(part, visuals)
    found = _by_file_name(part, visuals) or _by_number(part, visuals) or _by_words(part, visuals)
    return found or _by_faces(part, visuals) or _by_said(part, visuals) or by_kind


def _by_file_name(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those whose whole file name stands in it, with or without its ending."""
    named = [visual for visual in visuals if visual.asset.file_name.casefold() in phrase]
    return named or [
        visual for visual in visuals if f'"{_stem(visual)}"' in phrase or _stem(visual) == phrase
    ]


def _by_number(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """The third photo, clip 2, the last video."""
    if match := _NTH.search(phrase):
        among = _of_kind(_singular(match["kind"]), visuals)
        word = match["word"]
        number = len(among) if word == "last" else _ORDINALS.index(word) + 1 if word else int(match["n"])
    elif match := _NUMBERED.search(phrase):
        among, number = _of_kind(_singular(match["kind"]), visuals), int(match["n"])
    else:
        return []
    return among[number - 1 : number] if number else []


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
    of_kind = [visual for visual in found if any(visual in _of_kind(kind, visuals) for kind in kinds)]
    return of_kind or found


def _by_faces(phrase: str, visuals: Sequence[Visual]) -> list[Visual]:
    """Those with people in them, where somebody looked for faces: "the people", "photos of faces"."""
    words = set(_tokens(phrase))
    if not words & _PEOPLE or words - _PEOPLE - _KINDS:
        return []
    kinds = words & (_PICTURES | _CLIPS)
    among = [v for kind in kinds for v in _of_kind(kind, visuals)] if kinds else visuals
    return [visual for visual in visuals if visual in among and visual.seen is not None and visual.seen.faces]


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
    return [visual for visual in visuals if any(visual in _of_kind(kind, visuals) for kind in kinds)]


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
    return visual.asset.file_name.casefold().rpartition(".")[0] or visual.asset.file_name.casefold()


def _has(visual: Visual, name: str) -> bool:
    """Whether a word of the file's name is this one, or begins as it does."""
    return any(_alike(word, name) for word in _words_of(visual))


def _words_of(visual: Visual) -> Iterable[str]:
    return (_singular(word) for word in re.findall(r"[^\W\d_]+|\d+", _stem(visual)))


def _alike(word: str, name: str) -> bool:
    if word == name:
        return True
    short, long = sorted((word, name), key=len)
    return len(short) >= _LEAST_PREFIX and long.startswith(short)
