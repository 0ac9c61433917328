"""A synthetic reading of a text: its sound, and when each word of it begins.

By espeak-ng, whose events tell the words' times and sounds exactly; where it is not installed, by SVOX Pico
(the package ttspico), whose words are placed within their clause by their letters.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt

from workers.asr_align.aligning.script import Clause, ScriptWord, letters

_CHILD = Path(__file__).with_name("espeak_child.py")
_WORDS_PER_MINUTE = 165
_VOICES = {"en": "en-us", "zh": "cmn", "nb": "nb", "no": "nb", "pt": "pt"}
_PICO = {"en": "en-US", "de": "de-DE", "fr": "fr-FR", "es": "es-ES", "it": "it-IT"}
_PICO_RATE = 16_000
_BATCH = 200  # clauses that one child reads: half an hour of sound at most
_AUDIBLE = 0.02  # of the clause's loudest sample


@dataclass(frozen=True, slots=True)
class ReadClause:
    """The sound of one clause, trimmed to where it is heard. Times are in samples of its own rate.

    `starts` has one entry per word. `sounds`: the word's sounds in IPA, empty where they are not known.
    """

    clause: Clause
    samples: npt.NDArray[np.int16]
    sample_rate: int
    starts: tuple[int, ...]
    sounds: tuple[tuple[str, ...], ...]


class NoReader(Exception):
    """Nothing on this machine reads the language aloud."""


class _Pico(Protocol):
    """What is used of the package, which tells nothing of its types."""

    def speak(self, text: str) -> bytes | None: ...


def read(words: Sequence[ScriptWord], clauses: Sequence[Clause], language: str) -> Iterator[ReadClause]:
    """The clauses, one after the other. Raises NoReader where nothing here speaks the language."""
    found = _espeak()
    if found is None:
        yield from _read_by_pico(words, clauses, language)
        return
    for first in range(0, len(clauses), _BATCH):
        yield from _read_by_espeak(found, words, clauses[first : first + _BATCH], language)


@cache
def _espeak() -> tuple[str, ...] | None:
    """libespeak-ng, and its data where it does not know them: the system's, else espeakng_loader's."""
    system = find_library("espeak-ng")
    if system is not None:
        return (system,)
    loader = importlib.util.find_spec("espeakng_loader")
    if loader is None or loader.origin is None:
        return None
    folder = Path(loader.origin).parent
    library = next(iter(sorted(folder.glob("libespeak-ng*.so*")) + sorted(folder.glob("*.dylib"))), None)
    return (str(library), str(folder / "espeak-ng-data")) if library else None


def _read_by_espeak(
    found: Sequence[str], words: Sequence[ScriptWord], clauses: Sequence[Clause], language: str
) -> Iterator[ReadClause]:
    texts = [_text(words, clause) for clause in clauses]
    order = {"voice": _VOICES.get(language, language), "rate": _WORDS_PER_MINUTE, "clauses": texts}
    with subprocess.Popen(
        [sys.executable, "-I", str(_CHILD), *found],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps(order).encode())
            child.stdin.close()
            head = child.stdout.readline()
            if not head:
                raise NoReader(language)
            sample_rate = int(json.loads(head)["sample_rate"])
            for clause, text in zip(clauses, texts, strict=True):
                yield _one(child.stdout, words, clause, text, sample_rate, language)
        finally:
            child.kill()


def _one(
    told: IO[bytes],
    words: Sequence[ScriptWord],
    clause: Clause,
    text: str,
    sample_rate: int,
    language: str,
) -> ReadClause:
    line = told.readline()
    if not line:
        raise NoReader(language)
    head = json.loads(line)
    pcm = np.frombuffer(told.read(int(head["samples"]) * 2), np.int16)
    events = [(int(at), int(sample)) for at, sample in head["words"]]
    spans = _spans(words, clause)
    starts = _starts(events, spans, pcm.size)
    sounds = _sounds(head["sounds"], starts, pcm.size)
    return _trimmed(ReadClause(clause, pcm, sample_rate, starts, sounds))


def _text(words: Sequence[ScriptWord], clause: Clause) -> str:
    """The clause with single spaces. Double brackets would be read as sounds, an angle as a mark."""
    text = " ".join(word.text for word in words[clause.first : clause.last_exclusive])
    return text.replace("[[", "[ ").replace("<", " ").replace("\0", " ")


def _spans(words: Sequence[ScriptWord], clause: Clause) -> list[tuple[int, int]]:
    """Where each word lies in the clause's text."""
    spans, at = [], 0
    for word in words[clause.first : clause.last_exclusive]:
        spans.append((at, at + len(word.text)))
        at += len(word.text) + 1
    return spans


def _starts(
    events: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]], samples: int
) -> tuple[int, ...]:
    """The first event in each word. The reader joins some words ("of the"): those share by their letters."""
    known = {}
    for word, (start, end) in enumerate(spans):
        inside = [sample for at, sample in events if start <= at < end]
        if inside:
            known[word] = min(inside)
    places = [0, *(end for _, end in spans)]
    at = [0, *(word for word in known if word), len(spans)]
    when = [known.get(0, 0), *(known[word] for word in known if word), samples]
    filled = np.interp(places[:-1], [places[word] for word in at], np.maximum.accumulate(when))
    return tuple(round(float(value)) for value in filled)


def _sounds(
    told: Sequence[tuple[str, int]], starts: Sequence[int], samples: int
) -> tuple[tuple[str, ...], ...]:
    """The sounds of each word; a change of language, which is told among them, is none."""
    ends = [*starts[1:], samples + 1]
    return tuple(
        tuple(ipa for ipa, sample in told if start <= sample < end and ipa and not ipa.startswith("("))
        for start, end in zip(starts, ends, strict=True)
    )


def _trimmed(read: ReadClause) -> ReadClause:
    """Only what is heard; a clause that says nothing is left without samples."""
    level = np.abs(read.samples.astype(np.int32))
    heard = np.flatnonzero(level > _AUDIBLE * max(1, int(level.max(initial=0))))
    if not heard.size:
        nothing = np.zeros(0, np.int16)
        return ReadClause(read.clause, nothing, read.sample_rate, (0,) * len(read.starts), read.sounds)
    first, last = int(heard[0]), int(heard[-1]) + 1
    starts = tuple(min(max(0, start - first), last - first) for start in read.starts)
    return ReadClause(read.clause, read.samples[first:last], read.sample_rate, starts, read.sounds)


def _has_pico(language: str) -> bool:
    return language in _PICO and importlib.util.find_spec("ttspico") is not None


@cache
def _pico(voice: str) -> _Pico:
    """Opened once per language, and kept."""
    engine: _Pico = importlib.import_module("ttspico").TtsEngine(voice)
    return engine


def _read_by_pico(
    words: Sequence[ScriptWord], clauses: Sequence[Clause], language: str
) -> Iterator[ReadClause]:
    if not _has_pico(language):
        raise NoReader(language)
    for clause in clauses:
        text = _text(words, clause).replace(">", " ").replace("\\", " ")
        pcm = np.frombuffer(_pico(_PICO[language]).speak(text) or b"", "<i2").astype(np.int16)
        nothing_known = ((),) * (clause.last_exclusive - clause.first)
        whole = _trimmed(ReadClause(clause, pcm, _PICO_RATE, (0,) * len(nothing_known), nothing_known))
        starts = _by_letters(words, clause, whole.samples.size)
        yield ReadClause(clause, whole.samples, _PICO_RATE, starts, nothing_known)


def _by_letters(words: Sequence[ScriptWord], clause: Clause, samples: int) -> tuple[int, ...]:
    sizes = [letters(word.text) for word in words[clause.first : clause.last_exclusive]]
    before = np.cumsum([0, *sizes[:-1]])
    return tuple(round(float(value)) for value in before / max(1, sum(sizes)) * samples)
