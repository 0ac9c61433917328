"""What a tune is written as: a progression of chords, and the parts that play over it. Holds no sound."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import floor
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workers.cpu_render.tunes.notation import BEATS_PER_BAR, Chord, melody, progression, steps

Sound = npt.NDArray[np.float32]  # (n,) or (2, n)

_FORCES = {"X": 1.0, "x": 0.78, "o": 0.45}


class Voice(Protocol):
    """An instrument. Voices are values: two that are equal sound the same."""

    @property
    def release_s(self) -> float:
        """How long a note goes on sounding after it was let go."""
        ...

    def sound(self, pitch: int, seconds: float, force: float) -> Sound:
        """One note, `seconds` in all, release included; `force` is 0 … 1. Begins and ends at silence."""
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """When in the tune, in beats; `force` is 0 … 1."""

    beat: float
    pitch: int
    beats: float
    force: float


@dataclass(frozen=True, slots=True)
class Form:
    """The bars of a tune and their chords."""

    bars: tuple[tuple[Chord, ...], ...]

    def chord_at(self, bar: int, beat: float) -> Chord:
        """What is played at a beat of a bar."""
        chords = self.bars[bar % len(self.bars)]
        return chords[min(int(beat * len(chords) / BEATS_PER_BAR), len(chords) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(ABC):
    """One instrument's part.

    `level_db` is how loud the part is while it plays (its RMS), against the score's other parts. `pan` is
    -1 … 1; `width` spreads notes around it by their pitch. `room` is how much goes to the reverb. `bars` is a
    letter per bar, started over: `x` plays, `.` rests. With `pump` it makes way for every beat.
    """

    voice: Voice
    level_db: float
    pan: float = 0.0
    width: float = 0.0
    room: float = 0.2
    bars: str = "x"
    pump: float = 0.0

    @abstractmethod
    def notes(self, form: Form) -> Iterator[Note]:
        """All of its notes."""

    def plays(self, bar: int) -> bool:
        return self.bars[bar % len(self.bars)] == "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped(Part):
    """A part of steps: bars joined by `|` are played in turn. Notes ring for at least `ring` beats."""

    steps: str
    ring: float = 0.0

    def notes(self, form: Form) -> Iterator[Note]:
        for bar in range(len(form.bars)):
            if self.plays(bar):
                yield from self._of_bar(form, bar)

    def _of_bar(self, form: Form, bar: int) -> Iterator[Note]:
        patterns = self.steps.split("|")
        for step in steps(patterns[bar % len(patterns)]):
            chord = form.chord_at(bar, step.beat)
            for note in self.pitches(step.sign, chord):
                force = _FORCES.get(step.sign) or (0.9 if step.beat % 1 == 0 else 0.7)
                beat = bar * BEATS_PER_BAR + step.beat
                yield Note(beat, note, max(step.beats, self.ring), force)

    @abstractmethod
    def pitches(self, sign: str, chord: Chord) -> tuple[int, ...]:
        """What a sign means over a chord."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drum(Stepped):
    """`X` strong, `x` plain, `o` soft."""

    def pitches(self, sign: str, chord: Chord) -> tuple[int, ...]:
        return (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chords(Stepped):
    """Whole chords: `X`, `x` or `o`."""

    centre: int = 62
    is_open: bool = False

    def pitches(self, sign: str, chord: Chord) -> tuple[int, ...]:
        return chord.voicing(self.centre, is_open=self.is_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arpeggio(Stepped):
    """Single notes of the chord, counted from below: after its last come the same an octave higher."""

    centre: int = 62

    def pitches(self, sign: str, chord: Chord) -> tuple[int, ...]:
        notes = chord.voicing(self.centre)
        octave, index = divmod(int(sign), len(notes))
        return (notes[index] + 12 * octave,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bass(Stepped):
    """`r` the bass note, `8` its octave, `5` the fifth above it, `4` the fourth below it."""

    lowest: int = 33

    def pitches(self, sign: str, chord: Chord) -> tuple[int, ...]:
        return (chord.bass_note(self.lowest) + {"r": 0, "8": 12, "5": 7, "4": -5}[sign],)


@dataclass(frozen=True, slots=True, kw_only=True)
class Melody(Part):
    """Notes as written; a text shorter than the tune starts over."""

    text: str

    def notes(self, form: Form) -> Iterator[Note]:
        written = melody(self.text)
        length = (self.text.count("|") + 1) * BEATS_PER_BAR
        for start in range(0, len(form.bars) * BEATS_PER_BAR, length):
            for beat, pitch, beats in written:
                at = start + beat
                if at < len(form.bars) * BEATS_PER_BAR and self.plays(floor(at / BEATS_PER_BAR)):
                    yield Note(at, pitch, beats, 0.9 if beat % 1 == 0 else 0.75)


@dataclass(frozen=True, slots=True)
class Score:
    """A tune in 4/4. `room_s` is how long its hall rings; `swing` delays the offbeat eighths, in beats."""

    name: str
    chords: str
    parts: tuple[Part, ...]
    room_s: float = 2.0
    swing: float = 0.0
    form: Form = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "form", Form(progression(self.chords)))

    @property
    def beats(self) -> int:
        return len(self.form.bars) * BEATS_PER_BAR

    def swung(self, beat: float) -> float:
        """Where a beat falls once it swings."""
        whole, part = divmod(beat, 1)
        late = 0.5 + self.swing
        return whole + (part * 2 * late if part < 0.5 else late + (part - 0.5) * 2 * (1 - late))
