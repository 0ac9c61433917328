"""The speakers that generation promises by name, and what each is at every engine that speaks here. Pure.

A name means a character (deep, bright, British), not a recording: whichever engine a worker has plays it as
well as it can. Names are those of OpenAI's voices, so that its clients need not be changed.
"""

from collections.abc import Mapping
from typing import Literal

from farm.noun import Noun
from tasks.media_render.voices import Gender

Language = Literal["en", "zh", "ja", "ko", "es", "fr", "de", "pt", "ru", "ar"]


class Speaker(Noun):
    """`espeak` is a variant of espeak-ng, `kokoro` an English voice of Kokoro, and the rest its own numbers.

    `pitch_hz` is the middle of its voice, `size` how long its throat is against a grown man's.
    """

    character: str
    gender: Gender
    espeak: str
    kokoro: str
    pitch_hz: float
    size: float
    british: bool = False


SPEAKERS: Mapping[str, Speaker] = {
    "alloy": Speaker(
        character="balanced, versatile",
        gender="female",
        espeak="f2",
        kokoro="af_alloy",
        pitch_hz=165,
        size=0.92,
    ),
    "echo": Speaker(
        character="warm, natural", gender="male", espeak="m3", kokoro="am_echo", pitch_hz=118, size=1.0
    ),
    "fable": Speaker(
        character="expressive, storytelling",
        gender="male",
        espeak="m4",
        kokoro="bm_fable",
        pitch_hz=138,
        size=0.97,
        british=True,
    ),
    "onyx": Speaker(
        character="deep, authoritative", gender="male", espeak="m7", kokoro="am_onyx", pitch_hz=88, size=1.06
    ),
    "nova": Speaker(
        character="friendly, conversational",
        gender="female",
        espeak="f3",
        kokoro="af_nova",
        pitch_hz=196,
        size=0.87,
    ),
    "shimmer": Speaker(
        character="clear, upbeat", gender="female", espeak="f5", kokoro="af_sky", pitch_hz=222, size=0.84
    ),
    "ash": Speaker(
        character="plain, close", gender="male", espeak="m1", kokoro="am_michael", pitch_hz=108, size=1.02
    ),
    "ballad": Speaker(
        character="soft, British",
        gender="male",
        espeak="m6",
        kokoro="bm_george",
        pitch_hz=126,
        size=0.99,
        british=True,
    ),
    "coral": Speaker(
        character="lively", gender="female", espeak="f4", kokoro="af_bella", pitch_hz=208, size=0.86
    ),
    "sage": Speaker(
        character="calm", gender="female", espeak="f1", kokoro="af_nicole", pitch_hz=180, size=0.9
    ),
    "verse": Speaker(
        character="bright", gender="male", espeak="m2", kokoro="am_puck", pitch_hz=132, size=0.96
    ),
    "marin": Speaker(
        character="warm", gender="female", espeak="f2", kokoro="af_heart", pitch_hz=188, size=0.89
    ),
    "cedar": Speaker(
        character="firm", gender="male", espeak="m5", kokoro="am_fenrir", pitch_hz=100, size=1.04
    ),
    "lark": Speaker(
        character="clear, British",
        gender="female",
        espeak="f3",
        kokoro="bf_emma",
        pitch_hz=202,
        size=0.87,
        british=True,
    ),
}
# Those that the generations document names; the others are OpenAI's later ones.
PROMISED = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")

_ESPEAK: Mapping[Language, str] = {
    "en": "en-us",
    "zh": "cmn",
    "ja": "ja",
    "ko": "ko",
    "es": "es",
    "fr": "fr",
    "de": "de",
    "pt": "pt-br",
    "ru": "ru",
    "ar": "ar",
}
_PICO: Mapping[Language, str] = {"en": "en-US", "es": "es-ES", "fr": "fr-FR", "de": "de-DE"}
# Kokoro's voices of other languages, a woman's and a man's where there are both.
_KOKORO: Mapping[Language, tuple[str, str]] = {
    "es": ("ef_dora", "em_alex"),
    "fr": ("ff_siwis", "ff_siwis"),
    "pt": ("pf_dora", "pm_alex"),
}


def code_of(engine: str, name: str, language: Language) -> str | None:
    """What that engine calls the speaker in a language; None where it does not speak it."""
    speaker = SPEAKERS[name]
    match engine:
        case "espeak-ng":
            file = "en" if speaker.british and language == "en" else _ESPEAK[language]
            return f"{file}+{speaker.espeak}"
        case "ttspico":
            british = speaker.british and language == "en"
            return "en-GB" if british else _PICO.get(language)
        case "kokoro":
            if language == "en":
                return speaker.kokoro
            voices = _KOKORO.get(language)
            return voices[speaker.gender == "male"] if voices else None
        case "formant":
            return f"{speaker.pitch_hz:g}/{speaker.size:g}" if language == "en" else None
    return None
