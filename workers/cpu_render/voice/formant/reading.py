"""A sentence as a line of phones in time: words, pauses, stress, melody. Pure. English only."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.cpu_render.voice.formant.letters import Sounds, is_vowel, sounds_of, spelled
from workers.cpu_render.voice.formant.numbers import in_words
from workers.cpu_render.voice.formant.phones import PHONES, SILENT, beside
from workers.cpu_render.voice.formant.wave import Placed

# Short forms with their full stop, words, numbers, signs that are said, and marks at which the voice rests.
_TOKENS = re.compile(
    r"\b(?:Mrs?|Ms|Dr|Prof|vs|etc)\.|\b(?:[A-Za-z]\.){2,}|[A-Za-z]+(?:'[A-Za-z]+)?"
    r"|[$€£]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:%|(?:st|nd|rd|th)\b)?|[&+@]|[.,;:!?…—]"
)
_SAID_AS = {
    "Mr": "mister",
    "Mrs": "missis",
    "Ms": "miz",
    "Dr": "doctor",
    "Prof": "professor",
    "vs": "versus",
    "etc": "etcetera",
    "&": "and",
    "+": "plus",
    "@": "at",
}
# Abbreviations that could be read as words, and are not.
_SPELLED = re.compile("AI|API|AR|CEO|CFO|CPU|CTO|DIY|EU|FAQ|GPU|ID|IP|IQ|OK|SEO|UI|UK|URL|USA|USB|UX")
_PAUSES_S = {",": 0.16, ";": 0.22, ":": 0.2, "—": 0.2, ".": 0.32, "!": 0.32, "?": 0.32, "…": 0.35}
_FALL, _RISE = 0.80, 1.32  # the pitch at the end of a sentence, against the voice's own
_START = 1.14
_STRESSED = 1.13
_LAST_LONGER = 1.35
_UNSTRESSED_SHORTER = 0.82
_LEAD_S, _TAIL_S = 0.03, 0.08


@dataclass(frozen=True, slots=True)
class _Clause:
    words: tuple[Sounds, ...]
    end: str  # the mark behind it


def line_of(text: str, pitch_hz: float, speed: float) -> Sequence[Placed]:
    """The text at a voice's own pitch; at `speed` 1 some fourteen letters a second. At least one phone."""
    placed: list[Placed] = [Placed(SILENT, 0.0, _LEAD_S, pitch_hz, pitch_hz)]
    for clause in _clauses(text):
        placed += _said(clause, placed[-1].end_s, pitch_hz, speed)
    end_s = placed[-1].end_s
    return [*placed, Placed(SILENT, end_s, end_s + _TAIL_S, pitch_hz, pitch_hz)]


def _clauses(text: str) -> Iterator[_Clause]:
    words: list[Sounds] = []
    for token in _TOKENS.findall(_bare(text)):
        if token in _PAUSES_S:
            if words:
                yield _Clause(tuple(words), token)
            words = []
        else:
            words += _words(token)
    if words:
        yield _Clause(tuple(words), ".")


def _bare(text: str) -> str:
    """Letters without their accents, an apostrophe always the same: as the rules know them."""
    parts = unicodedata.normalize("NFD", text.replace("\u2019", "'"))
    return "".join(part for part in parts if not unicodedata.combining(part))


def _words(token: str) -> Iterator[Sounds]:
    """A number in words, an abbreviation letter by letter, or the word itself."""
    word = token.rstrip(".")
    if word in _SAID_AS:
        yield sounds_of(_SAID_AS[word])
    elif not token[0].isalpha():
        yield from (sounds_of(said) for said in in_words(token))
    elif "." in token or _SPELLED.fullmatch(word) or _is_letters(word):
        yield from spelled(word)
    else:
        yield sounds_of(word.lower())


def _is_letters(word: str) -> bool:
    """Whether nobody could read it as a word."""
    return word.isupper() and not re.search("[AEIOUY]", word)


def _said(clause: _Clause, start_s: float, pitch_hz: float, speed: float) -> Iterator[Placed]:
    """Its phones, and the pause behind it."""
    sounds = [sound for word in clause.words for sound in word]
    last_vowel = max((at for at, sound in enumerate(sounds) if is_vowel(sound)), default=-1)
    end_pitch = _RISE if clause.end == "?" else 0.97 if clause.end in ",;:—" else _FALL
    at_s = start_s
    for number, sound in enumerate(sounds):
        tone = _tone(number / max(1, len(sounds) - 1), end_pitch, is_question=clause.end == "?")
        tone *= _STRESSED if sound.endswith("1") else 1.0
        for phone in beside(sound.rstrip("1"), _vowel_hz(sounds, number)):
            length_s = phone.length_ms / 1000 * _stretch(sound, is_last=number >= last_vowel) / speed
            yield Placed(phone, at_s, at_s + length_s, pitch_hz * tone, pitch_hz * tone)
            at_s += length_s
    pause_s = _PAUSES_S[clause.end] / speed
    yield Placed(SILENT, at_s, at_s + pause_s, pitch_hz * end_pitch, pitch_hz)


def _vowel_hz(sounds: Sequence[str], at: int) -> float:
    """The second resonance of the nearest vowel, the following one where two are as near."""
    near = sorted(range(len(sounds)), key=lambda other: (abs(other - at), other < at))
    vowel = next((sounds[other] for other in near if is_vowel(sounds[other])), "AX")
    return PHONES[vowel.rstrip("1")][0].f2


def _tone(share: float, end: float, *, is_question: bool) -> float:
    """Falls evenly; a question turns up in its last third."""
    if not is_question:
        return _START + (end - _START) * share
    low = _START - 0.25 * share
    return low if share < 0.66 else low + (end - low) * (share - 0.66) / 0.34


def _stretch(sound: str, *, is_last: bool) -> float:
    if not is_vowel(sound):
        return 1.0
    return (_LAST_LONGER if is_last else 1.0) * (1.1 if sound.endswith("1") else _UNSTRESSED_SHORTER)
