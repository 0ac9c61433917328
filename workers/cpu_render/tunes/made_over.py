"""A tune made over: the score that fits some words best, in a key and at a tempo of its own for each seed."""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tasks.media_render.tune_query import rank
from tasks.media_render.tunes import BUNDLED, Tune
from workers.cpu_render.tunes import scores
from workers.cpu_render.tunes.score import Drum, Part, Score, Sound, Voice
from workers.cpu_render.tunes.synth import play
from workers.cpu_render.tunes.voices import SAMPLE_RATE

_NOTES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_FARTHEST = 4  # semitones up or down: voices sound like themselves within these
_LOOSEST = 0.06  # of the tempo
_SLOWEST, _QUICKEST = 0.8, 1.25  # of a tune's own tempo, where words name another
_AS_GOOD = 0.85  # a tune with so much of the best one's points may be taken as well
_TEMPO = re.compile(r"(?<!\d)(\d{2,3})\s*bpm")


@dataclass(frozen=True, slots=True)
class Shifted:
    """A voice that plays everything some semitones higher."""

    voice: Voice
    semitones: int

    @property
    def release_s(self) -> float:
        return self.voice.release_s

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        return self.voice.sound(pitch + self.semitones, seconds, force)


class Piece(NamedTuple):
    """What is played: a score, and how fast."""

    name: str
    score: Score
    bpm: float
    key: str

    def sound(self) -> Sound:
        """One loop of it, shape (2, n) at 48 kHz."""
        return play(self.score, self.bpm)


def piece_for(words: str, seed: int) -> Piece:
    """The same for the same words and seed."""
    rng = np.random.default_rng(seed)
    tune = _tune(words, rng)
    semitones = int(rng.integers(-_FARTHEST, _FARTHEST + 1))
    bpm = exact_bpm(_tempo(words, tune, rng))
    score = scores()[tune.name]
    parts = tuple(_shifted(part, semitones) for part in score.parts)
    return Piece(
        tune.name,
        replace(score, name=f"{score.name} {seed}", parts=parts),
        bpm,
        shifted_key(tune.key, semitones),
    )


def exact_bpm(wanted: float) -> float:
    """The tempo nearest to it of which a beat is a whole number of samples, as `play` asks."""
    nearest = round(60 * SAMPLE_RATE / wanted)
    for away in range(1000):
        for beat in (nearest + away, nearest - away):
            bpm = 60 * SAMPLE_RATE / beat
            if round(60 * SAMPLE_RATE / bpm) * bpm == 60 * SAMPLE_RATE:
                return bpm
    raise ValueError(f"no tempo near {wanted:g} bpm is exact")


def shifted_key(key: str, semitones: int) -> str:
    """`A minor` four semitones up is `Db minor`."""
    note, _, mode = key.partition(" ")
    if note not in _NOTES:
        return key
    return f"{_NOTES[(_NOTES.index(note) + semitones) % 12]} {mode}".strip()


def _tune(words: str, rng: np.random.Generator) -> Tune:
    """Of those that fit about as well as the best one, any; of none that fits, any at all."""
    known = [tune for tune in BUNDLED if tune.name in scores()]
    ranked, _unknown = rank(words, known)
    best = ranked[0][1]
    fitting = [tune for tune, points in ranked if best <= 0 or points >= _AS_GOOD * best]
    return fitting[int(rng.integers(len(fitting)))]


def _tempo(words: str, tune: Tune, rng: np.random.Generator) -> float:
    own = tune.bpm or 100.0
    named = _TEMPO.search(words.casefold())
    if named:
        return float(np.clip(float(named[1]), _SLOWEST * own, _QUICKEST * own))
    return own * (1 + float(rng.uniform(-_LOOSEST, _LOOSEST)))


def _shifted(part: Part, semitones: int) -> Part:
    if isinstance(part, Drum):
        return part
    return replace(part, voice=Shifted(part.voice, semitones))
