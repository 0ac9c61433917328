"""Says what was heard as the noun that the farm passes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.scene_timestamps.heard import Heard, Method, SpeechSpan, Word
from workers.asr_align.aligning.comparing import Placed
from workers.asr_align.aligning.recognising import Recognition
from workers.asr_align.aligning.script import ScriptWord, letters
from workers.asr_align.aligning.sound import Sound, Times
from workers.asr_align.aligning.widths import RECOGNISED_S

Spans = tuple[SpeechSpan, ...]

_GUESSED = 0.1  # the certainty of a word that was only laid down by its length


@dataclass(frozen=True, slots=True)
class Spots:
    """Where each word of a known text is, in seconds; how certain, and how far off nine in ten are."""

    starts: Times
    ends: Times
    certainty: Times
    half_widths: Times


def of_known_text(
    sound: Sound,
    speech: Spans,
    script: Sequence[ScriptWord],
    language: str,
    method: Method,
    spots: Spots,
    fit: float,
) -> Heard:
    """The words of the text; none starts before the one before it, and none lasts into the next."""
    starts = np.maximum.accumulate(np.clip(spots.starts, 0, sound.duration_s))
    limits = np.append(starts[1:], sound.duration_s)
    ends = np.clip(spots.ends, starts, np.maximum(starts, limits))
    words = tuple(
        Word(
            text=word.text,
            start_s=round(float(starts[index]), 3),
            end_s=round(float(ends[index]), 3),
            certainty=round(float(spots.certainty[index]), 3),
            half_width_s=round(float(spots.half_widths[index]), 3),
            text_start=word.start,
            text_end_exclusive=word.end_exclusive,
        )
        for index, word in enumerate(script)
    )
    return Heard(
        words=words,
        speech=speech,
        duration_s=sound.duration_s,
        language=language,
        method=method,
        is_known_text=True,
        fit=round(fit, 3),
    )


def of_recognition(sound: Sound, recognition: Recognition, fit: float = 1.0) -> Heard:
    """The words as they were recognised. `fit`: of a text that is not believed to be what is said."""
    words = tuple(
        Word(
            text=word.text,
            start_s=round(word.start_s, 3),
            end_s=round(max(word.start_s, word.end_s), 3),
            certainty=min(1.0, max(0.0, word.probability)),
            half_width_s=RECOGNISED_S,
        )
        for word in recognition.words
    )
    return Heard(
        words=words,
        speech=spans_of(recognition.speech, sound),
        duration_s=sound.duration_s,
        language=recognition.language,
        method=Method.RECOGNISED,
        is_known_text=False,
        fit=round(fit, 3),
    )


def of_nothing(sound: Sound, speech: Spans, language: str) -> Heard:
    """No text is known, and nothing here recognises one: only where somebody speaks."""
    return Heard(
        words=(),
        speech=speech,
        duration_s=sound.duration_s,
        language=language,
        method=Method.PROPORTIONAL,
        is_known_text=False,
        fit=1.0,
    )


def by_length(sound: Sound, speech: Spans, script: Sequence[ScriptWord], language: str) -> Heard:
    """Words laid along what is spoken by their letters: no more than a guess."""
    spans = [(span.start_s, span.end_s) for span in speech] or [(0.0, sound.duration_s)]
    spoken = np.cumsum([0.0, *(end - start for start, end in spans)])
    sizes = np.cumsum([0, *(letters(word.text) for word in script)])
    at = np.array([_in_file(float(place), spoken, spans) for place in sizes / sizes[-1] * spoken[-1]])
    count = len(script)
    half_width_s = max(1.0, 0.1 * sound.duration_s)
    spots = Spots(at[:-1], at[1:], np.full(count, _GUESSED), np.full(count, half_width_s))
    return of_known_text(sound, speech, script, language, Method.PROPORTIONAL, spots, 0.0)


def between_known(starts: Times, duration_s: float) -> Placed:
    """Words that were not recognised lie evenly between those that were (NaN in `starts`)."""
    found = np.flatnonzero(np.isfinite(starts))
    at = np.concatenate([[-1.0], found, [float(len(starts))]])
    when = np.concatenate([[0.0], starts[found], [duration_s]])
    filled = np.interp(np.arange(len(starts)), at, when)
    ends = np.append(filled[1:], duration_s)
    return Placed(filled, ends, 0.0, 1.0)


def _in_file(place_s: float, spoken: Times, spans: Sequence[tuple[float, float]]) -> float:
    """The time in the file of a time within all that is spoken."""
    index = min(len(spans) - 1, int(np.searchsorted(spoken, place_s, side="right")) - 1)
    return spans[index][0] + place_s - float(spoken[index])


def spans_of(found: Sequence[tuple[float, float]], sound: Sound) -> Spans:
    """Spans of speech, none beyond the end of the sound."""
    ends = sound.duration_s
    return tuple(
        SpeechSpan(start_s=round(begin, 3), end_s=round(min(end, ends), 3))
        for begin, end in found
        if begin < ends
    )
