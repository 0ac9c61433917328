"""A sentence as a line of phones in time: words, pauses, stress, melody. Pure. English only."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.cpu_render.voice.formant.letters import Sounds, is_vowel, sounds_of, spelled
from workers.cpu_render.voice.formant.numbers import in_words
from workers.cpu_render.voice.formant.phones import PHONES, SILENT, beside
from workers.cpu_render.voice.formant.wave import Placed

_TOKENS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?|[$€£]?\d[\d,]*(?:\.\d+)?%?|[.,;:!?…—]")
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
    for token in _TOKENS.findall(text.replace("\u2019", "'")):
        if token in _PAUSES_S:
            if words:
                yield _Clause(tuple(words), token)
            words = []
        else:
            words += _words(token)
    if words:
        yield _Clause(tuple(words), ".")


def _words(token: str) -> Iterator[Sounds]:
    """A number in words, an abbreviation letter by letter, or the word itself."""
    if not token[0].isalpha():
        yield from (sounds_of(word) for word in in_words(token))
    elif len(token) > 1 and token.isupper() and not re.search("[AEIOUY]", token):
        yield from spelled(token)
    else:
        yield sounds_of(token.lower())


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
