"""Finds the words of a known text in a narration by comparing it with a reading of the text.

First the whole, coarsely, so that no pause, introduction or slow speaker leads astray; then every frame, near
the coarse path.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workers.asr_align.aligning.reading import ReadClause
from workers.asr_align.aligning.sound import SAMPLE_RATE, Floats, Times
from workers.asr_align.aligning.spectra import (
    HOP_S,
    Powers,
    balance,
    balance_along,
    band_powers,
    cepstra,
    heard_as,
    running_mean,
    with_throat,
)
from workers.asr_align.aligning.warping import Bools, Columns, Ints, Path, warp
from workers.media.sound import resampled

_MOST_ROWS = 12_000  # of the coarse comparison
_LEAST_POOL = 4  # frames
_KNOWN_WITHIN = 120  # frames, of what something else has found
_NEAR = 200  # columns to each side of the coarse path that the fine one may take
_MOST = 1.35  # typical distances; what is further apart is no further
_SLOWER, _FINE_SLOWER = 0.32, 0.22  # what it costs to read slower by a frame: see warp
_WEIGHTS = np.array([0.6] + [1.0] * 12 + [0.8] * 13, np.float32)
_SLOWEST, _QUICKEST = 1.8, 0.6  # narrators, in lengths of the reading
_QUIET, _LOUD = 0.25, 1.15  # how far quiet and speech are from a pause, in typical distances
_RESTLESS = 0.3  # what is added to quiet for each neper that sounds above the floor in it, as in music
_UNLIKELY = 0.4  # what a pause within a clause costs on top, for each frame
_STEADY = 5  # frames over which loudness is taken
_PAIRS = 4_000
_ROUNDS = 2  # of the coarse path: the first tells what the narrator's voice is like
_THROATS = (0.86, 0.92, 1.0, 1.08, 1.16)
_LOOKED_AT = 20_000  # frames
_NO_FIT, _GOOD_FIT = 0.04, 0.2


@dataclass(frozen=True, slots=True)
class ReadFrames:
    """A reading as powers of frames. `words`: the first frame of each; `opens_clause`: which may follow a
    pause; `sounds`: what each is made of, in IPA, empty where that is not known."""

    power: Floats
    words: Ints
    opens_clause: Bools
    sounds: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Frames of the narration, and the reading's frames that lie there; both rise."""

    frames: Times
    places: Times


@dataclass(frozen=True, slots=True)
class Placed:
    """When each word begins and ends in the narration, in seconds, and how far it is from how it was read.

    `fit` 0 to 1: how much nearer the reading is than the same one played backwards.
    """

    starts: Times
    ends: Times
    misfit: Times
    fit: float


@dataclass(frozen=True, slots=True)
class _Rough:
    """Which frame of the reading each of the narration's is about, and whether somebody speaks there.

    `quick`: how long the narrator takes for what the reading says in 1.
    """

    places: Times
    is_spoken: Bools
    quick: float
    fit: float


@dataclass(frozen=True, slots=True)
class _Laid:
    """Columns, and the frame of the reading that each begins at."""

    columns: Columns
    at: Times
    ends: Ints  # of the words: the column after their last


def read_frames(clauses: Iterable[ReadClause]) -> ReadFrames:
    """A reading's clauses, one behind the other."""
    powers, words, opens, sounds, done = [], [], [], list[tuple[str, ...]](), 0
    for read in clauses:
        sound = read.samples.astype(np.float32) / np.float32(32_767)
        if sound.size:
            sound = resampled(np.stack([sound, sound]), read.sample_rate, SAMPLE_RATE)[0]
        power = band_powers(sound)
        frames = [round(start / read.sample_rate / HOP_S) for start in read.starts]
        words += [done + min(frame, len(power) - 1) for frame in frames]
        sounds += read.sounds
        opens += [at == 0 for at in range(len(frames))]
        done += len(power)
        powers.append(power)
    firsts, may_pause = np.array(words, np.int64), np.array(opens, np.bool_)
    return ReadFrames(np.concatenate(powers), firsts, may_pause, tuple(sounds))


def find(
    narration: Powers,
    read: ReadFrames,
    report: Callable[[float], None],
    known: Known | None = None,
) -> Placed:
    """Place every word of the reading. `report` hears 0 to 1 and may raise.

    `known`: where some of the reading's frames are in the narration, if something else has found that.
    """
    voice = read.power
    gain = balance(voice, narration)
    for round_ in range(_ROUNDS):
        frames, reading = _alike(narration, heard_as(voice, gain, narration))
        rough = _rough(frames, reading, read, known, narration)
        report(0.3 * (round_ + 1) / _ROUNDS)
        if round_ + 1 < _ROUNDS:
            voice, gain = _likest(narration, read, rough)
    fine = _laid(reading, read, 1 / rough.quick, np.ones_like(read.opens_clause))
    first = np.searchsorted(fine.at, rough.places) - _NEAR
    first = np.maximum.accumulate(np.maximum(0, first))
    path = warp(
        frames,
        _pauses(narration),
        fine.columns,
        first,
        2 * _NEAR,
        _MOST,
        _FINE_SLOWER,
        lambda done: report(0.3 + done * 0.7),
    )
    return _placed(path, fine, rough.fit)


def _rough(
    frames: Floats, reading: Floats, read: ReadFrames, known: Known | None, narration: Powers
) -> _Rough:
    """The coarse path through all of it: anywhere, or near what is known."""
    pool = max(_LEAST_POOL, -(-len(frames) // _MOST_ROWS))
    pooled, pauses = _pooled(frames, pool), _pooled(_pauses(narration)[:, None], pool)[:, 0]
    times: Times = (np.arange(len(pooled), dtype=np.float64) + 0.5) * pool
    quick = 1.0
    for _ in range(2):
        laid = _laid(reading, read, pool / quick, read.opens_clause)
        path = (
            _whole(pooled, pauses, laid.columns)
            if known is None
            else _along(pooled, pauses, laid, times, known, pool)
        )
        is_spoken = ~laid.columns.is_pause[path.columns]
        quick = _bounded(float(is_spoken.sum()) * pool / len(reading))
    places = np.interp(np.arange(len(frames)), times, laid.at[path.columns])
    spoken = np.interp(np.arange(len(frames)), times, is_spoken) > 0.5
    fit = _fit(pooled, pauses, laid.columns, path) if known is None else 1.0
    return _Rough(places, spoken, quick, fit)


def _likest(narration: Powers, read: ReadFrames, rough: _Rough) -> tuple[Floats, Floats]:
    """The reading with the throat and the balance that are nearest to the narrator's where both speak."""
    spoken = np.flatnonzero(rough.is_spoken)
    if spoken.size > _LOOKED_AT:
        spoken = spoken[:: -(-spoken.size // _LOOKED_AT)]
    places = np.round(rough.places[spoken]).astype(np.int64).clip(0, len(read.power) - 1)
    there = Powers(narration.power[spoken], narration.floor[spoken])
    best = (np.inf, read.power, np.ones(read.power.shape[1], np.float32))
    for longer in _THROATS:
        voice = with_throat(read.power, longer)
        gain = balance_along(voice[places], there)
        ours, theirs = _alike(there, heard_as(voice[places], gain, there))
        apart = float(np.minimum(np.sqrt(((ours - theirs) ** 2).sum(axis=1)), _MOST).mean())
        if apart < best[0]:
            best = (apart, voice, gain)
    return best[1], best[2]


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
    """How far each frame is from a pause: by its loudness alone, between the narration's quiet and its speech.

    Silence is the middle of all cepstra and would be near to every sound.
    """
    level = running_mean(narration.rise().mean(axis=1, keepdims=True), _STEADY)[:, 0]
    low, high = np.percentile(level, [10, 75])
    loud = ((level - low) / max(float(high - low), 1e-3)).clip(0, 1)
    quiet = _QUIET + _RESTLESS * min(1.0, float(low))
    pauses: Floats = (quiet + loud * (_LOUD - quiet)).astype(np.float32)
    return pauses


def _bounded(quick: float) -> float:
    return min(_SLOWEST, max(_QUICKEST, quick))


def _pooled(frames: Floats, pool: int) -> Floats:
    whole = max(1, len(frames) // pool)
    pooled: Floats = frames[: whole * pool].reshape(whole, -1, frames.shape[1]).mean(axis=1)
    return pooled


def _laid(reading: Floats, read: ReadFrames, step: float, may_pause: Bools) -> _Laid:
    """The reading as columns of `step` frames each, with a pause before the words that may follow one."""
    bounds = [*read.words.tolist(), len(reading)]
    edges: list[tuple[float, float]] = []
    is_pause: list[bool] = []
    unlikely: list[float] = []
    words, ends = [], []
    for word, (begin, end) in enumerate(pairwise(bounds)):
        if may_pause[word] or word == 0:
            edges.append((begin, begin))
            is_pause.append(True)
            unlikely.append(0 if read.opens_clause[word] else _UNLIKELY)
        count = max(1, round((end - begin) / step))
        cuts = np.linspace(begin, max(end, begin + 1), count + 1).tolist()
        words.append(len(edges))
        edges += pairwise(cuts)
        is_pause += [False] * count
        unlikely += [0] * count
        ends.append(len(edges))
    edges.append((len(reading), len(reading)))
    is_pause.append(True)
    unlikely.append(0)
    begins, finishes = np.array(edges, np.float64).T
    paused = np.array(is_pause, np.bool_)
    means = _means(reading, begins, finishes, paused)
    columns = Columns(means, paused, np.array(unlikely, np.float32), np.array(words, np.int64))
    return _Laid(columns, begins, np.array(ends, np.int64))


def _means(reading: Floats, begins: Times, ends: Times, is_pause: Bools) -> Floats:
    """The mean of the reading over each column, parts of frames counted; nothing sounds in a pause."""
    sums = np.concatenate([np.zeros((1, reading.shape[1])), np.cumsum(reading, axis=0, dtype=np.float64)])
    padded = np.concatenate([reading, reading[-1:]])

    def up_to(places: Times) -> Times:
        whole = np.floor(places).astype(np.int64).clip(0, len(reading))
        total: Times = sums[whole] + (places - whole)[:, None] * padded[whole]
        return total

    spans = np.where(is_pause, 1.0, np.maximum(ends - begins, 1e-6))
    means: Times = (up_to(ends) - up_to(begins)) / spans[:, None]
    means[is_pause] = 0
    return means.astype(np.float32)


def _whole(pooled: Floats, pauses: Floats, columns: Columns) -> Path:
    anywhere = np.zeros(len(pooled), np.int64)
    return warp(pooled, pauses, columns, anywhere, len(columns.is_pause), _MOST, _SLOWER, lambda _done: None)


def _along(pooled: Floats, pauses: Floats, laid: _Laid, times: Times, known: Known, pool: int) -> Path:
    """A path that keeps near what is known."""
    near = max(8, round(_KNOWN_WITHIN / pool))
    places = np.searchsorted(laid.at, np.interp(times, known.frames, known.places)) - near
    first = np.maximum.accumulate(np.maximum(0, places))
    return warp(pooled, pauses, laid.columns, first, 2 * near, _MOST, _SLOWER, lambda _done: None)


def _fit(pooled: Floats, pauses: Floats, columns: Columns, path: Path) -> float:
    """A text that is not what is spoken fits no better than itself played backwards."""
    backwards = columns.features[::-1].copy()
    backwards[:, 13:] *= -1
    other = Columns(backwards, columns.is_pause[::-1].copy(), columns.unlikely[::-1].copy(), columns.words)
    theirs = _whole(pooled, pauses, other)
    ours_apart, theirs_apart = float(path.distances.mean()), float(theirs.distances.mean())
    gain = (theirs_apart - ours_apart) / max(theirs_apart, 1e-6)
    return min(1.0, max(0.0, (gain - _NO_FIT) / (_GOOD_FIT - _NO_FIT)))


def _placed(path: Path, laid: _Laid, fit: float) -> Placed:
    starts, ends = path.frame_of(laid.columns.words), path.frame_of(laid.ends)
    sums = np.concatenate([[0.0], np.cumsum(path.distances, dtype=np.float64)])
    spans = np.maximum(1, ends - starts)
    misfit = (sums[np.minimum(starts + spans, len(path.distances))] - sums[starts]) / spans
    seconds: Times = np.stack([starts, np.maximum(ends, starts + 1)]).astype(np.float64) * HOP_S
    return Placed(seconds[0], seconds[1], misfit, fit)
