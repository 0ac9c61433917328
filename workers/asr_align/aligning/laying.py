"""Lays a reading out as columns: frames of the pace that is wanted, and the pauses a narrator may make."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workers.asr_align.aligning.reading import ReadClause
from workers.asr_align.aligning.sound import SAMPLE_RATE, Floats, Times
from workers.asr_align.aligning.spectra import HOP_S, band_powers
from workers.asr_align.aligning.warping import Bools, Columns, Ints
from workers.media.sound import resampled

_UNLIKELY = 0.4  # what a pause within a clause costs on top, for each frame


@dataclass(frozen=True, slots=True)
class ReadFrames:
    """A reading as powers of frames. `words`: the first frame of each; `opens_clause`: which may follow a
    pause; `sounds`: what each is made of, in IPA, empty where that is not known."""

    power: Floats
    words: Ints
    opens_clause: Bools
    sounds: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Laid:
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


def laid_out(reading: Floats, read: ReadFrames, step: float, may_pause: Bools) -> Laid:
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
    return Laid(columns, begins, np.array(ends, np.int64))


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
