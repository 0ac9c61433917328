"""Recognises words by Whisper (faster-whisper), stretch by stretch, and mends what is known to go wrong.

Known of it: words that end after the sound does, a first word put many seconds too early, words made up in
silence, starts that go back. The model stays loaded in its engine process, see workers/media/models.py.
"""

import importlib
import importlib.util
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np

from farm.errors import FailureClass, TaskFailure
from farm.rules.senses import AlignRules
from workers.asr_align.aligning.sound import SAMPLE_RATE, Floats, Sound
from workers.media.models import KEEPER

_STRETCH_S, _SEARCH_S = 240.0, 40.0
_STEP_S = 0.1
_LEAST_IN_SPEECH = 0.2
_LONGEST_WORD_S = 2.5
# What it calls languages that callers call otherwise.
_CALLED = {"nb": "no", "fil": "tl", "cmn": "zh", "iw": "he", "in": "id", "jv": "jw", "mo": "ro", "sh": "hr"}
_MEGABYTE = 1 << 20

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A word as it was heard; seconds of the file."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """All that was recognised. `speech`: where somebody speaks, by the recogniser's own detector."""

    words: tuple[Recognised, ...]
    speech: tuple[Span, ...]
    language: str


class _Word(Protocol):
    word: str
    start: float
    end: float
    probability: float


class _Segment(Protocol):
    words: Sequence[_Word] | None
    end: float


class _Info(Protocol):
    language: str


class _Transcribe(Protocol):
    """What is used of a faster-whisper model or its batched pipeline."""

    def transcribe(self, audio: Floats, **options: object) -> tuple[Iterable[_Segment], _Info]: ...


class _Whisper(_Transcribe, Protocol):
    """What is used of a faster-whisper model only."""

    @property
    def supported_languages(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """A model, perhaps in its pipeline, and the languages that it knows."""

    told: _Transcribe
    languages: Sequence[str]


def is_installed() -> bool:
    return importlib.util.find_spec("faster_whisper") is not None


def speech_by_model(sound: Sound, report: Callable[[float], None]) -> tuple[Span, ...]:
    """Where somebody speaks, by the small detector inside faster-whisper."""
    spans: list[Span] = []
    for start_s, end_s in _stretches(sound):
        report(start_s / sound.duration_s)
        spans += _speech(_floats(sound, start_s, end_s), start_s)
    return tuple(_joined(spans))


def recognise(
    sound: Sound, language: str | None, rules: AlignRules, report: Callable[[float], None]
) -> Recognition:
    """Every word of the sound. `language` None, or not known to it: its own guess from the first stretch.

    Raises TaskFailure `recogniser_missing` where faster-whisper or its model cannot be had.
    """
    words: list[Recognised] = []
    speech: list[Span] = []
    with _model(rules) as model:
        spoken = called_by_it(language, model.languages)
        for start_s, end_s in _stretches(sound):
            piece = _floats(sound, start_s, end_s)
            spans = _speech(piece, start_s)
            speech += spans
            if not spans:
                continue
            segments, info = model.told.transcribe(piece, **_options(rules, spoken))
            spoken = spoken or info.language
            for segment in segments:
                report((start_s + min(segment.end, end_s - start_s)) / sound.duration_s)
                words += _words(segment, start_s)
    joined = _joined(speech)
    said = tuple(mended(words, joined, sound.duration_s))
    return Recognition(said, tuple(joined), language or spoken or "en")


def called_by_it(language: str | None, known: Sequence[str]) -> str | None:
    """The recogniser's own name of a language; None where it knows none, and would fail."""
    called = _CALLED.get(language or "", language)
    return called if called in known else None


def _options(rules: AlignRules, language: str | None) -> dict[str, object]:
    options: dict[str, object] = {
        "language": language,
        "beam_size": rules.beam,
        "word_timestamps": True,
        "vad_filter": True,
        "condition_on_previous_text": False,
    }
    return options | ({"batch_size": rules.batch} if rules.batch > 1 else {})


@contextmanager
def _model(rules: AlignRules) -> Iterator[_Recogniser]:
    if not is_installed():
        raise _missing("faster-whisper is not installed (pip install faster-whisper)")
    with KEEPER.used(rules.model, lambda: _loaded(rules), rules.keep_free_mb * _MEGABYTE) as model:
        whisper = cast(_Whisper, model)
        told: _Transcribe = whisper
        if rules.batch > 1:
            told = importlib.import_module("faster_whisper").BatchedInferencePipeline(model=model)
        yield _Recogniser(told, whisper.supported_languages)


def _loaded(rules: AlignRules) -> object:
    try:
        return importlib.import_module("faster_whisper").WhisperModel(
            rules.model, device=rules.device, compute_type=rules.compute_type, cpu_threads=rules.threads
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise _missing(f"its model {rules.model!r} cannot be loaded: {error}") from error


def _missing(why: str) -> TaskFailure:
    return TaskFailure(
        f"This worker cannot recognise words: {why}.", FailureClass.INTERNAL, code="recogniser_missing"
    )


def _words(segment: _Segment, start_s: float) -> Iterator[Recognised]:
    for word in segment.words or ():
        if text := word.word.strip():
            yield Recognised(text, start_s + word.start, start_s + word.end, word.probability)


def mended(words: Iterable[Recognised], speech: Sequence[Span], duration_s: float) -> Iterator[Recognised]:
    """The words inside the sound and inside speech, in order, none of an impossible length."""
    latest = 0.0
    for word in words:
        end_s = min(word.end_s, duration_s)
        start_s = max(0.0, min(word.start_s, end_s), end_s - _LONGEST_WORD_S)
        near = speech[max(0, bisect(speech, (start_s, start_s)) - 1) : bisect(speech, (end_s, end_s))]
        if near and start_s < near[-1][0] < end_s and (len(near) == 1 or near[-2][1] <= start_s):
            start_s = near[-1][0]  # nobody spoke yet
        inside = sum(max(0.0, min(end_s, last) - max(start_s, first)) for first, last in near)
        if not near or inside < _LEAST_IN_SPEECH * (end_s - start_s):
            continue
        start_s = latest = max(start_s, latest)
        yield replace(word, start_s=start_s, end_s=max(end_s, start_s))


def _stretches(sound: Sound) -> Iterator[Span]:
    """The whole sound in stretches of some minutes, cut where it is quietest."""
    start_s = 0.0
    while sound.duration_s - start_s > _STRETCH_S + _SEARCH_S:
        cut_s = _quietest(sound, start_s + _STRETCH_S - _SEARCH_S, start_s + _STRETCH_S)
        yield start_s, cut_s
        start_s = cut_s
    yield start_s, sound.duration_s


def _quietest(sound: Sound, start_s: float, end_s: float) -> float:
    """The middle of the quietest half second."""
    step = round(_STEP_S * SAMPLE_RATE)
    piece = sound.between(start_s, end_s).astype(np.float32)
    levels = (piece[: piece.size // step * step].reshape(-1, step) ** 2).mean(axis=1)
    around = np.convolve(levels, np.ones(5), "same")
    return start_s + (float(np.argmin(around[2:-2])) + 2.5) * _STEP_S


def _floats(sound: Sound, start_s: float, end_s: float) -> Floats:
    return sound.floats(round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE))


def _speech(piece: Floats, start_s: float) -> list[Span]:
    """Spans of a stretch in which the detector inside faster-whisper hears a voice."""
    vad = importlib.import_module("faster_whisper.vad")
    options = vad.VadOptions(
        threshold=0.4, min_speech_duration_ms=60, min_silence_duration_ms=150, speech_pad_ms=30
    )
    found = vad.get_speech_timestamps(piece, options)
    return [
        (start_s + span["start"] / SAMPLE_RATE, start_s + min(span["end"], piece.size) / SAMPLE_RATE)
        for span in found
    ]


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch, as where two stretches meet, are one."""
    joined: list[Span] = []
    for start_s, end_s in spans:
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
        else:
            joined.append((start_s, end_s))
    return joined
