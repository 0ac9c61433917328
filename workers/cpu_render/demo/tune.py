"""The demo's tune: thirty seconds of plucked chords, bass and a small melody, synthesised with numpy."""

import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]

SAMPLE_RATE = 48_000
BEATS_PER_MINUTE = 96
BARS = 12
BEAT_S = 60 / BEATS_PER_MINUTE
SECONDS = BARS * 4 * BEAT_S

# MIDI notes from the bass up: Am9, Fmaj7, C with a ninth, G with a fourth.
CHORDS = {
    "A": (45, 57, 60, 64, 71),
    "F": (41, 57, 60, 64, 69),
    "C": (48, 55, 60, 64, 74),
    "G": (43, 55, 59, 62, 72),
}
PROGRESSION = "AFCGAFCGAFGC"  # one chord a bar
# The melody of bars 5 to 12: (beat, MIDI note, beats it rings).
MELODY = (
    (16, 76, 1.5), (17.5, 74, 0.5), (18, 72, 2), (20, 69, 1.5), (21.5, 72, 0.5), (22, 76, 2),
    (24, 79, 1.5), (25.5, 76, 0.5), (26, 74, 2), (28, 74, 1), (29, 72, 1), (30, 71, 2),
    (32, 76, 1), (33, 77, 0.5), (33.5, 76, 0.5), (34, 72, 2), (36, 69, 1), (37, 72, 1), (38, 81, 2),
    (40, 79, 1.5), (41.5, 76, 0.5), (42, 74, 1), (43, 71, 1), (44, 72, 3),
)  # fmt: skip
ARPEGGIO = (1, 2, 3, 4, 3, 2, 4, 3)  # which chord note each eighth plucks
LOUDNESS_GAIN = 0.64  # brings the mix to about -16 LUFS


def write_tune(path: Path) -> None:
    """Write the tune as 16-bit stereo WAV."""
    samples = (tune() * 32_767).round()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.T.astype("<i2").tobytes())


def tune() -> Sound:
    """The whole tune, shape (2, n), below full scale."""
    rng = np.random.default_rng(3)
    dry = np.zeros((2, round(SECONDS * SAMPLE_RATE)))
    wet = np.zeros_like(dry)
    for bar in range(BARS):
        chord = CHORDS[PROGRESSION[bar]]
        start = bar * 4 * BEAT_S
        _add(wet, _pad(chord[1:]), start, 0.075)
        _bass_bar(dry, chord[0], start, bar)
        _arpeggio_bar(dry, wet, chord, start, bar, rng)
        _drum_bar(dry, start, bar, rng)
    for beat, note, length in MELODY:
        bell = _pluck(note, length * BEAT_S + 1.2, brightness=0.55, decay=2.2)
        _add(dry, bell, beat * BEAT_S, 0.17, 0.1)
        _add(wet, bell, beat * BEAT_S, 0.2, -0.1)
    mixed = dry + 0.55 * wet + 0.3 * _reverb(wet + 0.35 * dry, rng)
    return _finish(mixed)


def _bass_bar(dry: Sound, root: int, start: float, bar: int) -> None:
    if bar < 1:
        return
    for beat, length in ((0, 1.4), (1.5, 0.45), (2.5, 1.2)):
        _add(dry, _bass(root, length * BEAT_S), start + beat * BEAT_S, 0.34)


def _arpeggio_bar(
    dry: Sound, wet: Sound, chord: tuple[int, ...], start: float, bar: int, rng: np.random.Generator
) -> None:
    if bar == BARS - 1:  # the last bar only lets its chord ring
        for index, note in enumerate(chord[1:]):
            _add(dry, _pluck(note + 12, 3, 0.5, 1.2), start + 0.05 * index, 0.14, (index - 1.5) / 3)
            _add(wet, _pluck(note + 12, 3, 0.5, 1.2), start + 0.05 * index, 0.1)
        return
    for eighth, index in enumerate(ARPEGGIO):
        accent = 1.0 if eighth % 4 == 0 else 0.72
        late = rng.uniform(0, 0.008)  # a hand is never exact
        sound = _pluck(chord[index] + 12, 1.6, 0.4 + 0.15 * accent, 3.2)
        at = start + eighth * BEAT_S / 2 + late
        _add(dry, sound, at, 0.13 * accent, 0.55 * (-1) ** eighth)
        _add(wet, sound, at, 0.07 * accent, -0.4 * (-1) ** eighth)


def _drum_bar(dry: Sound, start: float, bar: int, rng: np.random.Generator) -> None:
    if bar < 2 or bar == BARS - 1:
        return
    for beat in (0, 2):
        _add(dry, _kick(), start + beat * BEAT_S, 0.4)
    if bar >= 4:
        for eighth in range(8):
            level = 0.034 if eighth % 2 else 0.018
            _add(dry, _shaker(rng), start + eighth * BEAT_S / 2, level, 0.3)


def _hz(note: int) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _time(seconds: float) -> Sound:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


@cache
def _pluck(note: int, seconds: float, brightness: float, decay: float) -> Sound:
    """A struck string: higher partials are weaker, die sooner and are a little sharp."""
    t = _time(seconds)
    sound = np.zeros_like(t)
    for partial in range(1, 9):
        hz = _hz(note) * partial * (1 + 0.0003 * partial**2)
        if hz < 14_000:
            loud = brightness ** (partial - 1) / partial**0.4
            sound += loud * np.exp(-decay * (0.6 + 0.55 * partial) * t) * np.sin(2 * np.pi * hz * t)
    return sound * _edges(t, 0.003, 0.05)


@cache
def _pad(notes: tuple[int, ...]) -> Sound:
    """A soft chord of one bar that swells in and overlaps the next."""
    t = _time(4 * BEAT_S + 0.8)
    sound = np.zeros_like(t)
    for note in notes:
        for cents in (-5, 4):
            hz = _hz(note) * 2 ** (cents / 1200)
            for partial in range(1, 6):
                sway = 1 + 0.25 * np.sin(2 * np.pi * 0.4 * t + partial + cents)
                sound += sway * np.sin(2 * np.pi * hz * partial * t + note) / partial**2
    return sound / 4 * _edges(t, 0.7, 0.9)


@cache
def _bass(note: int, seconds: float) -> Sound:
    t = _time(seconds)
    hz = _hz(note - 12 if note > 45 else note)
    body = np.sin(2 * np.pi * hz * t) + 0.35 * np.sin(4 * np.pi * hz * t) + 0.12 * np.sin(6 * np.pi * hz * t)
    return body * np.exp(-1.6 * t) * _edges(t, 0.008, 0.06)


@cache
def _kick() -> Sound:
    t = _time(0.28)
    phase = 2 * np.pi * (46 * t + (70 / 34) * (1 - np.exp(-34 * t)))
    return np.sin(phase) * np.exp(-13 * t) * _edges(t, 0.002, 0.05)


def _shaker(rng: np.random.Generator) -> Sound:
    t = _time(0.07)
    hiss = np.diff(rng.standard_normal(t.size + 2), 2)  # twice differenced noise is all treble
    return hiss * np.exp(-60 * t) * _edges(t, 0.006, 0.02)


def _edges(t: Sound, rise_s: float, fall_s: float) -> Sound:
    """A smooth beginning and end, so that no note clicks."""
    rise = np.clip(t / rise_s, 0, 1)
    fall = np.clip((t[-1] - t) / fall_s, 0, 1)
    return np.asarray(np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2)


def _add(mix: Sound, sound: Sound, at_s: float, level: float, pan: float = 0.0) -> None:
    """Lay a mono sound into the stereo mix; `pan` goes from -1 (left) to 1 (right)."""
    first = round(at_s * SAMPLE_RATE)
    sound = sound[: mix.shape[1] - first]
    angle = (pan + 1) * np.pi / 4
    mix[0, first : first + sound.size] += level * np.cos(angle) * np.sqrt(2) * sound
    mix[1, first : first + sound.size] += level * np.sin(angle) * np.sqrt(2) * sound


def _reverb(sound: Sound, rng: np.random.Generator) -> Sound:
    """A soft hall: decaying noise, different on both sides, after 20 ms."""
    t = _time(2.2)
    tail = rng.standard_normal((2, t.size)) * np.exp(-3.1 * t) * np.clip((t - 0.02) / 0.03, 0, 1)
    soft = np.exp(-((np.fft.rfftfreq(t.size, 1 / SAMPLE_RATE) / 4500) ** 2))
    tail = np.fft.irfft(np.fft.rfft(tail) * soft, t.size)
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    size = 2 ** int(np.ceil(np.log2(sound.shape[1] + t.size)))
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)
    return np.asarray(wet[:, : sound.shape[1]])


def _finish(mixed: Sound) -> Sound:
    """Level, a gentle saturation instead of clipping, and a fade at the end."""
    t = np.arange(mixed.shape[1]) / SAMPLE_RATE
    loud = 0.89 * np.tanh(LOUDNESS_GAIN * mixed / 0.89)
    return np.asarray(loud * np.sin(np.clip((SECONDS - t) / 1.6, 0, 1) * np.pi / 2) ** 2)
