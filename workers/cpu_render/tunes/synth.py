"""Plays a score: notes are laid on a circle as long as the tune, so that its end flows into its beginning."""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from workers.cpu_render.tunes.mastering import lay, mastered
from workers.cpu_render.tunes.score import Note, Part, Score, Sound
from workers.cpu_render.tunes.voices import SAMPLE_RATE

# A hand is never exact: notes are late or early by about this much, and louder or softer.
_LOOSE_S = 0.003
_LOOSE_FORCE = 0.05
_PUMP_S = 0.11


def play(score: Score, bpm: float) -> Sound:
    """The whole tune, mastered, shape (2, n) at 48 kHz. It loops without a seam and is the same every time.

    Raises ValueError when a beat is no whole number of samples, for then a loop could not be exact.
    """
    beat = round(60 * SAMPLE_RATE / bpm)
    if beat * bpm != 60 * SAMPLE_RATE:
        raise ValueError(f"{score.name}: at {bpm:g} bpm a beat is no whole number of samples")
    rng = np.random.default_rng(crc32(score.name.encode()))
    dry, wet = _mixed(score, beat, rng)
    return mastered(dry, wet, score.room_s, rng)


def _mixed(score: Score, beat: int, rng: np.random.Generator) -> tuple[Sound, Sound]:
    """All parts at their levels: as they are, and what of them goes to the hall."""
    shape = (2, score.beats * beat)
    dry, wet, bus = (np.zeros(shape, np.float32) for _ in range(3))
    for part in score.parts:
        bus[:] = 0
        _fill(bus, score, part, beat, rng)
        bus *= _gain(bus, score, part)
        dry += bus
        bus *= part.room
        wet += bus
    return dry, wet


@dataclass(frozen=True, slots=True)
class _Placed:
    """A note in samples, and how loud it is on each side."""

    at: int
    sound: Sound
    sides: tuple[float, float]


def _fill(bus: Sound, score: Score, part: Part, beat: int, rng: np.random.Generator) -> None:
    for placed in _placed(score, part, beat, rng):
        for side, gain in enumerate(placed.sides):
            sound = placed.sound if placed.sound.ndim == 1 else placed.sound[side]
            lay(bus[side], sound * np.float32(gain), placed.at)
    if part.pump:
        t = np.arange(beat) / SAMPLE_RATE
        dip = 1 - part.pump * np.exp(-t / _PUMP_S) * np.clip((beat - np.arange(beat)) / 480, 0, 1)
        bus.reshape(2, -1, beat)[:] *= _rounded(dip)


def _placed(score: Score, part: Part, beat: int, rng: np.random.Generator) -> Iterator[_Placed]:
    made: dict[tuple[int, float, float], Sound] = {}
    for note in part.notes(score.form):
        seconds = round(note.beats * beat / SAMPLE_RATE + part.voice.release_s, 4)
        key = (note.pitch, seconds, note.force)
        if key not in made:
            made[key] = part.voice.sound(*key)
        late, loud = rng.normal(0, _LOOSE_S), 1 + rng.normal(0, _LOOSE_FORCE)
        at = round(score.swung(note.beat) * beat + np.clip(late, -0.008, 0.008) * SAMPLE_RATE)
        yield _Placed(at, made[key], _sides(part, note, loud))


def _sides(part: Part, note: Note, loud: float) -> tuple[float, float]:
    """Left and right gains of equal power."""
    pan = part.pan + part.width * (note.pitch - 62) / 18 if note.pitch else part.pan
    angle = (float(np.clip(pan, -1, 1)) + 1) * np.pi / 4
    return float(loud * np.cos(angle)), float(loud * np.sin(angle))


def _rounded(dip: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Sound:
    """The dip without its corner at the beat: 5 ms down instead of none."""
    count = 240
    ramp = np.sin(np.linspace(0, np.pi / 2, count)) ** 2
    dip[-count:] = dip[-count - 1] + (dip[0] - dip[-count - 1]) * ramp
    return dip.astype(np.float32)


def _gain(bus: Sound, score: Score, part: Part) -> np.float32:
    """What brings the part, where it plays, to its level."""
    bars = len(score.form.bars)
    share = sum(part.plays(bar) for bar in range(bars)) / bars
    power = float(np.vdot(bus, bus)) / max(bus.size * share, 1)
    return np.float32(10 ** (part.level_db / 20) / np.sqrt(power)) if power else np.float32(0)
