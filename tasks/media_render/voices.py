"""The voices that may be asked for: what they speak, and which engine has them.

How an engine speaks is the renderer's affair (workers/cpu_render/voice); a test holds the two together.
"""

import re
from typing import Literal

from farm.catalog import read_catalog
from farm.errors import BadRequest, FarmUnavailable
from farm.noun import Noun
from farm.rules.voices import RemoteVoice
from farm.settings import Settings

UNKNOWN_VOICE = "invalid_voiceover_voice_id"  # the code that seed 004 promises
Gender = Literal["female", "male"]
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class Voice(Noun):
    """A voice of the catalog. `locale` is a BCP 47 tag, `also` what else it speaks.

    `code` is what its engine calls it. A voice of a service has a `model`, and its engine is called so too.
    """

    id: str
    name: str
    locale: str
    gender: Gender
    accent: str
    tags: tuple[str, ...]
    engine: str
    code: str
    also: tuple[str, ...] = ()
    model: str | None = None
    takes_speed: bool = True

    @property
    def language(self) -> str:
        """The language without its region: `en`."""
        return self.locale.partition("-")[0]

    def speaks(self, wanted: str) -> bool:
        """Whether it is of a language, `en`, or of a region's, `en-GB`, in any case."""
        asked = wanted.lower().replace("_", "-")
        return any(
            asked in (have.lower(), have.lower().partition("-")[0]) for have in (self.locale, *self.also)
        )


def voices_here() -> tuple[Voice, ...]:
    """Every voice that this farm offers, those of services last.

    Raises FarmUnavailable when voices.toml names an unknown engine, or an id that is taken.
    """
    rules = read_catalog(Settings()).voices
    for engine in rules.engines:
        if engine not in ENGINES:
            known = ", ".join(ENGINES)
            raise FarmUnavailable(
                f"voices.toml: there is no speech engine {engine!r}; known: {known}.", param="voices.engines"
            )
    bundled = tuple(voice for voice in BUNDLED if voice.engine in rules.engines)
    return bundled + tuple(_of_service(name, voice) for name, voice in rules.remote.items())


def _of_service(name: str, voice: RemoteVoice) -> Voice:
    voice_id = f"svoice_{name}"
    if any(voice_id == bundled.id for bundled in BUNDLED):
        raise FarmUnavailable(
            f"voices.toml: {voice_id} is a voice of the farm's own already.", param=f"voices.remote.{name}"
        )
    return Voice(id=voice_id, engine=voice.model, **voice.model_dump())


class Filters(Noun):
    """What a voice must be like; None is any. `language` is `en` or, for one region's, `en-GB`."""

    language: str | None = None
    gender: str | None = None
    engine: str | None = None

    def check(self) -> None:
        """Raise BadRequest for a filter that no voice could fit."""
        if self.language is not None and not _LOCALE.fullmatch(self.language):
            raise BadRequest("language is a language tag such as en or en-US.", param="language")
        if self.gender is not None and self.gender not in ("female", "male"):
            raise BadRequest("gender is female or male.", param="gender")
        known = dict.fromkeys([*ENGINES, *(voice.engine for voice in voices_here())])
        if self.engine is not None and self.engine not in known:
            raise BadRequest(f"engine is one of {', '.join(known)}.", param="engine")

    def fit(self, voice: Voice) -> bool:
        """Whether the voice is as they ask."""
        return (
            (self.language is None or voice.speaks(self.language))
            and self.gender in (None, voice.gender)
            and self.engine in (None, voice.engine)
        )


def voices_for(filters: Filters) -> tuple[Voice, ...]:
    """Those that fit. Raises BadRequest for a filter that no voice could fit."""
    filters.check()
    return tuple(filter(filters.fit, voices_here()))


def voice_of(voice_id: str) -> Voice:
    """The offered voice of that id. Raises BadRequest with the code UNKNOWN_VOICE."""
    for voice in voices_here():
        if voice.id == voice_id:
            return voice
    raise BadRequest(
        f"There is no voice {voice_id[:64]!r}; the voices endpoint (or `farm voices`) lists them.",
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


def _kokoro(code: str, locale: str, accent: str, name: str, *tags: str) -> Voice:
    """The second letter of a code tells a woman's voice from a man's."""
    return Voice(
        id=f"svoice_kokoro_{code}",
        name=f"{name} ({accent})",
        locale=locale,
        gender="female" if code[1] == "f" else "male",
        accent=accent,
        tags=("narration", "natural", *tags),
        engine="kokoro",
        code=code,
    )


def _formant(gender: Gender, name: str, code: str) -> Voice:
    """A code is a pitch in hertz and the size of a throat."""
    return Voice(
        id=f"svoice_formant_en-us_{gender}",
        name=f"{name} (American)",
        locale="en-US",
        gender=gender,
        accent="American",
        tags=("narration", "synthetic", "always there"),
        engine="formant",
        code=code,
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
    _formant("female", "Teal", "196/0.87"),
    _formant("male", "Heron", "112/1.0"),
    _kokoro("af_heart", "en-US", "American", "Heart", "warm"),
    _kokoro("af_bella", "en-US", "American", "Bella", "lively"),
    _kokoro("af_nicole", "en-US", "American", "Nicole", "soft"),
    _kokoro("am_fenrir", "en-US", "American", "Fenrir"),
    _kokoro("am_michael", "en-US", "American", "Michael"),
    _kokoro("am_puck", "en-US", "American", "Puck", "lively"),
    _kokoro("bf_emma", "en-GB", "British", "Emma", "warm"),
    _kokoro("bm_fable", "en-GB", "British", "Fable"),
    _kokoro("bm_george", "en-GB", "British", "George"),
    _kokoro("ef_dora", "es-ES", "Castilian", "Dora"),
    _kokoro("em_alex", "es-ES", "Castilian", "Alex"),
    _kokoro("ff_siwis", "fr-FR", "French", "Siwis"),
    _kokoro("hf_alpha", "hi-IN", "Indian", "Alpha"),
    _kokoro("hm_omega", "hi-IN", "Indian", "Omega"),
    _kokoro("if_sara", "it-IT", "Italian", "Sara"),
    _kokoro("im_nicola", "it-IT", "Italian", "Nicola"),
    _kokoro("pf_dora", "pt-BR", "Brazilian", "Dora"),
    _kokoro("pm_alex", "pt-BR", "Brazilian", "Alex"),
)
ENGINES = tuple(dict.fromkeys(voice.engine for voice in BUNDLED))
