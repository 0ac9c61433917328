"""Finds the beats of a piece of music: where it changes, how fast that repeats, and which of it is the beat.

Three steps, all in numpy: an onset envelope (rising energy in bands, each on a logarithmic scale); the tempo
from its autocorrelation; then the chain of beats through the strongest onsets that keeps that tempo (dynamic
programming after D. Ellis, "Beat Tracking by Dynamic Programming", 2007).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workers.media.sound import Samples, SoundReader

SAMPLE_RATE = 24_000
LONGEST_S = 900  # of a medium; what comes after it is not listened to

_HOP = 256
_WINDOW = 1024
_FRAME_S = _HOP / SAMPLE_RATE
_BANDS = 36
_LOW_BANDS = 8  # of them below about 150 Hz: the kick and the bass, which make a downbeat
_SLOWEST_BPM, _FASTEST_BPM = 50.0, 210.0
_USUAL_BPM, _OCTAVES = 112.0, 0.9
_TIGHTNESS = 300.0  # the cost of an interval twice or half as long as a beat, beside onsets of about 3
_BEATS_PER_BAR = 4
_LEAST_BEATS = 8
_CHUNK = _HOP * 1024
_LEAST_REGULARITY = 0.12
_LEAST_CHANGE = 0.3  # a held tone has a thousandth of it, music ten times as much
_EARLY_S = 0.005  # a window hears an onset before its middle has come there

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Beats:
    """Beats in seconds from the start of the music; `downbeat` is the index, 0 … 3, of the first of a bar.

    `regularity` is how much the onsets repeat at this tempo: 0 not at all, 1 exactly.
    """

    bpm: float
    times: tuple[float, ...]
    downbeat: int
    regularity: float
    duration_s: float


def beats_of(path: Path, name: str | None = None) -> Beats | None:
    """The beats of a sound file; None when it has none to speak of. Raises AssetUnreadable."""
    with SoundReader(path, sample_rate=SAMPLE_RATE, source_end=Fraction(LONGEST_S), name=name) as reader:
        return find_beats(_read(reader))


def find_beats(chunks: Iterable[Samples]) -> Beats | None:
    """The beats of a sound at 24 kHz, in chunks of shape (2, n); None when it has none to speak of."""
    counter = _Counter()
    bands = _bands(counter.through(chunks))
    if bands.shape[1] * _FRAME_S < _LEAST_BEATS * 60 / _FASTEST_BPM:
        return None
    rising = np.maximum(np.diff(bands, axis=1, prepend=bands[:, :1]), 0)
    total = rising.sum(axis=0)
    if total.std() < _LEAST_CHANGE:
        return None
    onsets = _evened(total)
    lag, regularity = _period(onsets)
    if regularity < _LEAST_REGULARITY:
        return None
    chain = _chain(onsets, lag)
    if len(chain) < _LEAST_BEATS:
        return None
    period = float(np.polyfit(np.arange(chain.size), chain, 1)[0])
    times = _exact(onsets, chain) * _FRAME_S + _EARLY_S
    return Beats(
        bpm=60 / (period * _FRAME_S),
        times=tuple(round(float(time), 4) for time in times),
        downbeat=_downbeat(bands, rising, onsets, chain),
        regularity=regularity,
        duration_s=counter.samples / SAMPLE_RATE,
    )


def _read(reader: SoundReader) -> Iterator[Samples]:
    while (chunk := reader.read(_CHUNK)).shape[1]:
        yield chunk


class _Counter:
    """Counts the samples that pass."""

    def __init__(self) -> None:
        self.samples = 0

    def through(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        for chunk in chunks:
            self.samples += chunk.shape[1]
            yield chunk


def _bands(chunks: Iterable[Samples]) -> Curve:
    """Loudness in bands on a logarithmic scale, shape (bands, frames); frame n is around n · _FRAME_S."""
    edges = _band_edges()
    window = np.hanning(_WINDOW).astype(np.float32)
    rows = []
    for piece in _framed(chunks):
        frames = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::_HOP]
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        rows.append(np.log1p(8 * np.sqrt(np.add.reduceat(power, edges, axis=1)[:, :-1])))
    return np.concatenate(rows).T if rows else np.zeros((_BANDS, 0))


def _framed(chunks: Iterable[Samples]) -> Iterator[npt.NDArray[np.float32]]:
    """The sound in mono after half a window of silence, in pieces that overlap by a window less a hop."""
    left = np.zeros(_WINDOW // 2, np.float32)
    for chunk in chunks:
        left = np.concatenate([left, chunk.mean(axis=0)])
        whole = (left.size - _WINDOW) // _HOP + 1
        if whole > 0:
            end = (whole - 1) * _HOP + _WINDOW
            yield left[:end]
            left = left[whole * _HOP :]


def _band_edges() -> npt.NDArray[np.intp]:
    """The first bin of each band and the end of the last, even in octaves from 40 Hz to 11 kHz."""
    hz = np.geomspace(40, 11_000, _BANDS + 1)
    bins = np.round(hz * _WINDOW / SAMPLE_RATE).astype(np.intp)
    for index in range(1, bins.size):  # at the bottom a band is at least one bin
        bins[index] = max(bins[index], bins[index - 1] + 1)
    return bins


def _evened(onsets: Curve) -> Curve:
    """Peaks above the mean of the second around them, in units of their spread."""
    wide = round(1 / _FRAME_S) | 1
    around = np.convolve(np.pad(onsets, wide // 2, mode="edge"), np.ones(wide) / wide, mode="valid")
    peaks = np.maximum(np.convolve(onsets - around, (0.25, 0.5, 0.25), mode="same"), 0)
    return np.asarray(peaks / (peaks.std() or 1.0))


def _period(onsets: Curve) -> tuple[float, float]:
    """How many frames a beat lasts, and how regular that is (0 … 1)."""
    centred = onsets - onsets.mean()
    size = 1 << (2 * centred.size - 1).bit_length()
    alike = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: centred.size]
    alike = alike / np.maximum(np.arange(centred.size, 0, -1), centred.size / 4)
    alike = alike / alike[0] if alike[0] > 0 else alike
    lags = np.arange(60 / _FASTEST_BPM / _FRAME_S, 60 / _SLOWEST_BPM / _FRAME_S, 0.25)
    reach = [count for count in (1, 2, 4, 8) if count * lags[-1] < alike.size]
    whole = np.arange(alike.size)
    likeness = sum(np.interp(lags * count, whole, alike) for count in reach) / len(reach)
    usual = np.exp(-0.5 * (np.log2(60 / (lags * _FRAME_S) / _USUAL_BPM) / _OCTAVES) ** 2)
    best = int(np.argmax(likeness * usual))
    return float(lags[best]), float(np.clip(likeness[best], 0, 1))


def _chain(onsets: Curve, lag: float) -> npt.NDArray[np.intp]:
    """The frames of the beats: the strongest onsets that lie about `lag` apart."""
    near, far = round(lag / 2), round(lag * 2)
    cost = _TIGHTNESS * np.log(np.arange(near, far + 1)[::-1] / lag) ** 2
    best, before = np.array(onsets), np.full(onsets.size, -1)
    for frame in range(near, onsets.size):
        first = max(0, frame - far)
        past = best[first : frame - near + 1] - cost[cost.size - (frame - near + 1 - first) :]
        found = int(np.argmax(past))
        if past[found] > 0:
            best[frame] += past[found]
            before[frame] = first + found
    chain = [onsets.size - far + int(np.argmax(best[-far:]))] if onsets.size > far else []
    while chain and before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    return np.array(chain[::-1], np.intp)


def _exact(onsets: Curve, chain: npt.NDArray[np.intp]) -> Curve:
    """The chain between frames: the tops of parabolas through its onsets."""
    inner = np.clip(chain, 1, onsets.size - 2)
    before, at, after = onsets[inner - 1], onsets[inner], onsets[inner + 1]
    bend = before - 2 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1), 0)
    return np.asarray(np.maximum(chain + np.clip(shift, -0.5, 0.5), 0))


def _downbeat(bands: Curve, rising: Curve, onsets: Curve, chain: npt.NDArray[np.intp]) -> int:
    """Which of the first four beats begins a bar: there the bass comes in, most else does, chords change."""
    low = _evened(rising[:_LOW_BANDS].sum(axis=0))
    weight = _compared(low[chain] + 0.5 * onsets[chain]) + _compared(_changes(bands, chain))
    return int(np.argmax([weight[phase::_BEATS_PER_BAR].mean() for phase in range(_BEATS_PER_BAR)]))


def _changes(bands: Curve, chain: npt.NDArray[np.intp]) -> Curve:
    """How unlike each beat is to the one before it; the first and the last like all on average."""
    beats = np.stack([bands[:, first:end].mean(axis=1) for first, end in pairwise(chain)], axis=1)
    changes = np.abs(np.diff(beats, axis=1)).sum(axis=0)
    return np.pad(changes, 1, constant_values=changes.mean())


def _compared(curve: Curve) -> Curve:
    """In units of its spread around its mean."""
    return np.asarray((curve - curve.mean()) / (curve.std() or 1.0))
