"""What describe-scenes answers, scene by scene, and what a text must be to be part of that. Pure."""

import re
import unicodedata
from enum import StrEnum

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from farm.noun import Noun
from tasks.compose_otio.findings import Finding

SCENES = "scenes"  # the artifact
_SENTENCE_END = re.compile(r"[.!?…।]['\"”’)]*(?=\s|$)|[。！？]")  # noqa: RUF001  # full-width ones too
_CUT_OFF = " ,;:-–—"  # noqa: RUF001  # dashes of all lengths
_LEAST_LETTERS = 3
_KEPT_SHARE = 0.5  # of the room: below it, half a sentence tells more than only whole ones
# Languages that are written in Latin letters.
_LATIN = re.compile(
    "en|de|fr|es|it|pt|nl|sv|da|nb|nn|no|fi|is|et|lv|lt|pl|cs|sk|sl|hr|hu|ro|tr|id|ms|vi|ca|eu|gl|ga|cy|sq"
)
_LEAST_LATIN = 0.7
# Languages that are written in others, unless the tag says so: `ja-Latn`.
_NOT_LATIN = re.compile(
    "(am|ar|be|bg|bn|el|fa|gu|he|hi|hy|ja|ka|km|kn|ko|lo|mk|ml|mr|my|ne|pa|ru|si|ta|te|th|uk|ur|yi|zh)"
    "(?!.*-latn)(-.*)?"
)


class Source(StrEnum):
    """Who describes: a model that saw the picture, or what was measured of it and nothing else."""

    MODEL = "model"
    MEASURED = "measured"


class SceneText(Noun):
    """One scene. `start_cue_text` and `anchor_text` are slices of the narration, in its order."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    scene_id: str | None = None
    description: str
    description_source: Source
    start_cue_text: str | None = None
    anchor_text: str | None = None


class Described(Noun):
    """All scenes in the order of their pictures, and what could not be done as asked."""

    scenes: tuple[SceneText, ...]
    warnings: tuple[Finding, ...] = ()


class TextUnusable(ValueError):
    """Nothing that could be a description; the message says why."""


def plain(text: str) -> str:
    """One line of printable characters."""
    visible = "".join(character if _is_shown(character) else " " for character in text)
    return " ".join(visible.split())


def shortened(text: str, most: int) -> str:
    """No longer than `most` characters: whole sentences where these say enough, else whole words and `…`."""
    if len(text) <= most:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: most + 1]) if found.end() <= most]
    if ends and ends[-1] >= most * _KEPT_SHARE:
        return text[: ends[-1]]
    cut = text[:most]
    space = cut.rfind(" ")
    return (cut[:space] if space >= most * _KEPT_SHARE else cut[:-1]).rstrip(_CUT_OFF) + "…"


def usable(text: object, most: int, language: str | None) -> str:
    """A model's text as a description in that language, by its script. Raises TextUnusable."""
    if not isinstance(text, str):
        raise TextUnusable("a description is no text")
    said = shortened(plain(text), most)
    if sum(map(str.isalpha, said)) < _LEAST_LETTERS:
        raise TextUnusable("a description says nothing")
    if _LATIN.fullmatch((language or "").split("-")[0].lower()) and not is_latin(said):
        raise TextUnusable("a description is in another language")
    return said


def is_foreign(text: str, language: str | None) -> bool:
    """Whether a description is in Latin letters where the language has others: most likely in English."""
    return _NOT_LATIN.fullmatch((language or "").lower()) is not None and is_latin(text)


def is_latin(text: str) -> bool:
    """Whether most of its letters are Latin ones."""
    letters = [character for character in text if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
    return latin >= _LEAST_LATIN * len(letters)


def _is_shown(character: str) -> bool:
    """Neither a control, nor what turns or hides a text, nor half a character."""
    return character.isprintable() and unicodedata.category(character) not in ("Cf", "Co", "Cs", "Cn")
