"""Finds the words of a known text in a narration by comparing it with a reading of the text.

First the whole, coarsely, so that no pause, introduction or slow speaker leads astray; then every frame, near
the coarse path.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.asr_align.aligning.laying import Laid, ReadFrames, laid_out
from workers.asr_align.aligning.rough import Known, Rough, Search
from workers.asr_align.aligning.sound import Floats, Times
from workers.asr_align.aligning.spectra import (
    HOP_S,
    Powers,
    balance,
    balance_along,
    cepstra,
    heard_as,
    running_mean,
    with_throat,
)
from workers.asr_align.aligning.warping import Path, warp

_NEAR = 200  # columns to each side of the coarse path that the fine one may take
_MOST = 1.35  # typical distances; what is further apart is no further
_SLOWER = 0.22  # what it costs to read slower by a frame: see warp
_WEIGHTS = np.array([0.6] + [1.0] * 12 + [0.8] * 13, np.float32)
_QUIET, _LOUD = 0.25, 1.15  # how far quiet and speech are from a pause, in typical distances
_RESTLESS = 0.3  # what is added to quiet for each neper that sounds above the floor in it, as in music
_STEADY = 5  # frames over which loudness is taken
_PAIRS = 4_000
_THROATS = (0.86, 0.92, 1.0, 1.08, 1.16)
_LOOKED_AT = 20_000  # frames
_NO_FIT, _GOOD_FIT = 0.015, 0.1  # the gain of a text that is not what is spoken: 0.01 at most, measured


@dataclass(frozen=True, slots=True)
class Placed:
    """When each word begins and ends in the narration, in seconds.

    `gain`: how much nearer the reading is than the same one played backwards, as a share; `fit` says it as
    0 to 1: whether the text is what is spoken.
    """

    starts: Times
    ends: Times
    gain: float
    fit: float


def find(
    narration: Powers,
    read: ReadFrames,
    report: Callable[[float], None],
    known: Known | None = None,
) -> Placed:
    """Place every word of the reading. `report` hears 0 to 1 and may raise.

    `known`: where some of the reading's frames are in the narration, if something else has found that.
    """
    pauses = _pauses(narration)
    frames, reading = _alike(narration, heard_as(read.power, balance(read.power, narration), narration))
    search = Search(frames, pauses, _MOST)
    rough = search.look(reading, read, 1.0, known, lambda done: report(done * 0.15))
    voice, gain = _likest(narration, read, rough)
    frames, reading = _alike(narration, heard_as(voice, gain, narration))
    search = Search(frames, pauses, _MOST)
    rough = search.look(reading, read, rough.quick, known, lambda done: report(0.15 + done * 0.15))
    nearer = search.gain(rough, lambda done: report(0.3 + done * 0.15))
    fine = laid_out(reading, read, 1 / rough.quick, np.ones_like(read.opens_clause))
    first = np.maximum.accumulate(np.maximum(0, np.searchsorted(fine.at, rough.places) - _NEAR))
    path = warp(
        frames,
        pauses,
        fine.columns,
        first,
        2 * _NEAR,
        _MOST,
        _SLOWER,
        lambda done: report(0.45 + done * 0.55),
    )
    return _placed(path, fine, nearer)


def _likest(narration: Powers, read: ReadFrames, rough: Rough) -> tuple[Floats, Floats]:
    """The reading with the throat and the balance that are nearest to the narrator's where both speak."""
    spoken = np.flatnonzero(rough.is_spoken)
    if spoken.size > _LOOKED_AT:
        spoken = spoken[:: -(-spoken.size // _LOOKED_AT)]
    places = np.round(rough.places[spoken]).astype(np.int64).clip(0, len(read.power) - 1)
    there = Powers(narration.power[spoken], narration.floor[spoken])
    tried = []
    for longer in _THROATS:
        voice = with_throat(read.power[places], longer)
        gain = balance_along(voice, there)
        ours, theirs = _alike(there, heard_as(voice, gain, there))
        apart = float(np.minimum(np.sqrt(((ours - theirs) ** 2).sum(axis=1)), _MOST).mean())
        tried.append((apart, longer, gain))
    _, longer, gain = min(tried, key=lambda one: one[0])
    return with_throat(read.power, longer), gain


def _alike(narration: Powers, reading: Powers) -> tuple[Floats, Floats]:
    """The features of both, scaled so that a frame of one is 1 from a frame of the other on the average."""
    ours, theirs = cepstra(narration.rise()), cepstra(reading.rise())
    scale = _WEIGHTS / (theirs.std(axis=0) + 1e-3)
    ours, theirs = ours * scale, theirs * scale
    chance = np.random.default_rng(0)
    some = ours[chance.integers(len(ours), size=_PAIRS)]
    others = theirs[chance.integers(len(theirs), size=_PAIRS)]
    typical = np.float32(np.sqrt(((some - others) ** 2).sum(axis=1)).mean() + 1e-6)
    return ours / typical, theirs / typical


def _pauses(narration: Powers) -> Floats:
    """How far each frame is from a pause: by its loudness alone, between quiet and speech.

    Silence is the middle of all cepstra and would be near to every sound.
    """
    level = running_mean(narration.rise().mean(axis=1, keepdims=True), _STEADY)[:, 0]
    low, high = np.percentile(level, [10, 75])
    loud = ((level - low) / max(float(high - low), 1e-3)).clip(0, 1)
    quiet = _QUIET + _RESTLESS * min(1.0, float(low))
    pauses: Floats = (quiet + loud * (_LOUD - quiet)).astype(np.float32)
    return pauses


def _placed(path: Path, laid: Laid, gain: float) -> Placed:
    starts, ends = path.frame_of(laid.columns.words), path.frame_of(laid.ends)
    seconds: Times = np.stack([starts, np.maximum(ends, starts + 1)]).astype(np.float64) * HOP_S
    fit = min(1.0, max(0.0, (gain - _NO_FIT) / (_GOOD_FIT - _NO_FIT)))
    return Placed(seconds[0], seconds[1], gain, fit)
