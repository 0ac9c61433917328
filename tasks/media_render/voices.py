"""The voices that may be asked for: what they speak, and which engine has them.

How an engine speaks is the renderer's affair (workers/cpu_render/voice); a test holds the two together.
"""

import re
from typing import Literal

from farm.catalog import read_catalog
from farm.errors import BadRequest, FarmUnavailable
from farm.noun import Noun
from farm.settings import Settings

UNKNOWN_VOICE = "invalid_voiceover_voice_id"  # the code that seed 004 promises
Gender = Literal["female", "male"]
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class Voice(Noun):
    """A voice of the catalog. `locale` is a BCP 47 tag, `code` what its engine calls it."""

    id: str
    name: str
    locale: str
    gender: Gender
    accent: str
    tags: tuple[str, ...]
    engine: str
    code: str

    @property
    def language(self) -> str:
        """The language without its region: `en`."""
        return self.locale.partition("-")[0]

    def speaks(self, wanted: str) -> bool:
        """Whether it is of a language, `en`, or of a region's, `en-GB`, in any case."""
        have, asked = self.locale.lower(), wanted.lower().replace("_", "-")
        return asked in (have, self.language)


def voices_here() -> tuple[Voice, ...]:
    """Every voice that this farm offers. Raises FarmUnavailable when voices.toml names an unknown engine."""
    engines = read_catalog(Settings()).voices.engines
    for engine in engines:
        if engine not in ENGINES:
            known = ", ".join(ENGINES)
            raise FarmUnavailable(
                f"voices.toml: there is no speech engine {engine!r}; known: {known}.", param="voices.engines"
            )
    return tuple(voice for voice in BUNDLED if voice.engine in engines)


def voices_for(language: str | None, gender: str | None, engine: str | None) -> tuple[Voice, ...]:
    """Those that fit all the filters given. Raises BadRequest for a filter that no voice could fit."""
    if language is not None and not _LOCALE.fullmatch(language):
        raise BadRequest("language is a language tag such as en or en-US.", param="language")
    if gender is not None and gender not in ("female", "male"):
        raise BadRequest("gender is female or male.", param="gender")
    if engine is not None and engine not in ENGINES:
        raise BadRequest(f"engine is one of {', '.join(ENGINES)}.", param="engine")
    return tuple(
        voice
        for voice in voices_here()
        if (language is None or voice.speaks(language))
        and gender in (None, voice.gender)
        and engine in (None, voice.engine)
    )


def voice_of(voice_id: str) -> Voice:
    """The offered voice of that id. Raises BadRequest with the code UNKNOWN_VOICE."""
    for voice in voices_here():
        if voice.id == voice_id:
            return voice
    raise BadRequest(
        f"There is no voice {voice_id[:64]!r}; take one that the voices endpoint lists.",
        param="voiceover.voice_id",
        code=UNKNOWN_VOICE,
    )


def check_language(voice: Voice, hint: str | None) -> None:
    """Raise BadRequest when a voice is told to speak another language. Regions are not told apart."""
    if hint is None:
        return
    if not _LOCALE.fullmatch(hint):
        raise BadRequest("A language is a tag such as en or en-US.", param="voiceover.language")
    if not voice.speaks(re.split("[-_]", hint)[0]):
        raise BadRequest(f"{voice.name} speaks {voice.locale}, not {hint}.", param="voiceover.language")


def _espeak(locale: str, accent: str, code: str) -> tuple[Voice, Voice]:
    """`code` is a voice file's name: under a language's other names espeak-ng passes over the speaker."""
    female, male = (
        Voice(
            id=f"svoice_espeak_{locale.lower()}_{gender}",
            name=f"{name} ({accent})",
            locale=locale,
            gender=gender,
            accent=accent,
            tags=("narration", "synthetic", "clear"),
            engine="espeak-ng",
            code=f"{code}+{variant}",
        )
        for gender, name, variant in _ESPEAK_SPEAKERS
    )
    return female, male


_ESPEAK_SPEAKERS: tuple[tuple[Gender, str, str], ...] = (("female", "Wren", "f3"), ("male", "Rook", "m3"))


def _pico(locale: str, accent: str) -> Voice:
    return Voice(
        id=f"svoice_pico_{locale.lower()}_female",
        name=f"Lark ({accent})",
        locale=locale,
        gender="female",
        accent=accent,
        tags=("narration", "warm"),
        engine="ttspico",
        code=locale,
    )


BUNDLED = (
    *_espeak("en-US", "American", "en-us"),
    *_espeak("en-GB", "British", "en"),
    *_espeak("de-DE", "German", "de"),
    *_espeak("es-ES", "Castilian", "es"),
    *_espeak("es-419", "Latin American", "es-419"),
    *_espeak("fr-FR", "French", "fr"),
    *_espeak("it-IT", "Italian", "it"),
    *_espeak("nl-NL", "Dutch", "nl"),
    *_espeak("pl-PL", "Polish", "pl"),
    *_espeak("pt-BR", "Brazilian", "pt-br"),
    *_espeak("sv-SE", "Swedish", "sv"),
    *_espeak("tr-TR", "Turkish", "tr"),
    _pico("en-US", "American"),
    _pico("en-GB", "British"),
    _pico("de-DE", "German"),
    _pico("es-ES", "Castilian"),
    _pico("fr-FR", "French"),
    _pico("it-IT", "Italian"),
)
ENGINES = tuple(dict.fromkeys(voice.engine for voice in BUNDLED))
