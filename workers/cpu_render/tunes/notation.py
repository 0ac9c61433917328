"""Reads what scores are written in: notes, chord symbols, steps and melodies. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BEATS_PER_BAR = 4

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "b": -1}
_CHORD = re.compile(r"([A-G])([#b]?)([^/]*)(?:/([A-G])([#b]?))?")
_PITCH = re.compile(r"([A-G])([#b]?)(\d)")
# Semitones above the root. Rich chords leave the root to the bass, so that four notes are enough.
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "add9": (0, 2, 4, 7),
    "madd9": (0, 2, 3, 7),
    "6": (0, 4, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (2, 4, 7, 10),
    "m9": (2, 3, 7, 10),
    "maj9": (2, 4, 7, 11),
    "13": (2, 4, 9, 10),
    "7b9": (1, 4, 7, 10),
    "maj7#11": (4, 6, 7, 11),
}


@dataclass(frozen=True, slots=True)
class Chord:
    """Pitch classes 0 … 11, C being 0. `bass` is the root unless the symbol says otherwise."""

    root: int
    bass: int
    classes: tuple[int, ...]

    def voicing(self, centre: int, *, is_open: bool = False) -> tuple[int, ...]:
        """Its notes, from below, within six semitones of `centre`: neighbours in a progression move little.

        An open one has its second highest note an octave lower.
        """
        close = sorted(centre - 6 + (pitch - centre + 6) % 12 for pitch in self.classes)
        if is_open and len(close) > 2:
            close[-2] -= 12
        return tuple(sorted(close))

    def bass_note(self, lowest: int) -> int:
        """Its bass, in the octave from `lowest` on."""
        return lowest + (self.bass - lowest) % 12


@dataclass(frozen=True, slots=True)
class Step:
    """A sign at `beat` of its bar that holds for `beats`."""

    beat: float
    beats: float
    sign: str


def chord(symbol: str) -> Chord:
    """The chord of a symbol such as `Am7`, `F#m` or `C/E`. Raises ValueError."""
    found = _CHORD.fullmatch(symbol)
    if not found or found[3] not in _QUALITIES:
        raise ValueError(f"{symbol!r} is no chord that this notation knows")
    root = (_LETTERS[found[1]] + _SIGNS[found[2]]) % 12
    bass = (_LETTERS[found[4]] + _SIGNS[found[5]]) % 12 if found[4] else root
    return Chord(root, bass, tuple((root + up) % 12 for up in _QUALITIES[found[3]]))


def pitch(name: str) -> int:
    """The MIDI number of a note such as `C4` (60) or `F#3`. Raises ValueError."""
    found = _PITCH.fullmatch(name)
    if not found:
        raise ValueError(f"{name!r} is no note")
    return 12 * (int(found[3]) + 1) + _LETTERS[found[1]] + _SIGNS[found[2]]


def progression(text: str) -> tuple[tuple[Chord, ...], ...]:
    """A bar per word; chords that share a bar evenly are joined by commas."""
    return tuple(tuple(chord(symbol) for symbol in bar.split(",")) for bar in text.split())


def steps(text: str) -> Iterator[Step]:
    """One bar, cut evenly into the text's signs: `.` is a rest, `-` prolongs the sign before it."""
    width = BEATS_PER_BAR / len(text)
    for found in re.finditer(r"[^.-]-*", text):
        yield Step(found.start() * width, len(found[0]) * width, found[0][0])


def melody(text: str) -> Sequence[tuple[float, int, float]]:
    """Beat, MIDI pitch and beats of each note of `E5:1.5 D5:.5 -:2 | …`; `-` rests, `|` checks the bar.

    Raises ValueError where a bar has not four beats.
    """
    notes: list[tuple[float, int, float]] = []
    at = 0.0
    for number, bar in enumerate(text.split("|"), 1):
        for word in bar.split():
            name, _, beats = word.partition(":")
            if name != "-":
                notes.append((at, pitch(name), float(beats)))
            at += float(beats)
        if abs(at - number * BEATS_PER_BAR) > 1e-6:
            raise ValueError(f"bar {number} of the melody ends at beat {at:g}: {bar.strip()!r}")
    return notes
