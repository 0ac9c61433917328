"""Finds the beats of a piece of music: where it changes, how fast that repeats, and which of it is the beat.

Three steps, all in numpy: an onset envelope (rising energy in bands, each on a logarithmic scale); the tempo from
its autocorrelation; then the chain of beats through the strongest onsets that keeps that tempo (dynamic programming
after D. Ellis, "Beat Tracking by Dynamic Programming", 2007).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
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
_USUAL_BPM, _OCTAVES = 108.0, 0.75
_TIGHTNESS = 400.0
_BEATS_PER_BAR = 4
_LEAST_BEATS = 8
_CHUNK = _HOP * 1024
_LEAST_REGULARITY = 0.12

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Beats:
    """Beats in seconds from the start of the music. `downbeat` is the index, 0 … 3, of the first that begins a bar.

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
        return find_beats(iter(lambda: reader.read(_CHUNK), None))


def find_beats(chunks: Iterable[Samples]) -> Beats | None:
    """The beats of a sound at 24 kHz, in chunks of shape (2, n) that end with an empty one or with themselves."""
    bands, samples = _bands(chunks)
    if bands.shape[1] * _FRAME_S < _LEAST_BEATS * 60 / _FASTEST_BPM:
        return None
    rising = np.maximum(np.diff(bands, axis=1, prepend=bands[:, :1]), 0)
    onsets = _evened(rising.sum(axis=0))
    lag, regularity = _period(onsets)
    if regularity < _LEAST_REGULARITY:
        return None
    chain = _chain(onsets, lag)
    if len(chain) < _LEAST_BEATS:
        return None
    period, first = _straight(chain)
    times = _exact(onsets, chain) * _FRAME_S
    return Beats(
        bpm=60 / (period * _FRAME_S),
        times=tuple(round(float(time), 4) for time in times),
        downbeat=_downbeat(rising, onsets, chain),
        regularity=regularity,
        duration_s=samples / SAMPLE_RATE,
    )
