"""Keeps sound below a ceiling without clipping it: the gain goes down just before a peak and comes back.

Works on hops (`loudness.hop_of`). Pure: peaks in, gains out; who holds the sound multiplies.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from workers.media.loudness import HOPS_PER_S
from workers.media.sound import Samples

Gains = npt.NDArray[np.float64]

AHEAD = 3  # hops over which the gain goes down before a peak
MARGIN = 8  # samples that `true_peaks` needs around what it looks at
_RELEASE_S = 0.15
_BLOCK = 6000  # hops: 30 s
_LEAD = 400  # hops after which nothing is left of a release
_BETWEEN = 3  # points between two samples at which the wave is looked at: four times the sample rate


def curve(needed: Gains) -> Gains:
    """The gain at the edges of each hop, one more than there are hops.

    `needed` is what each hop bears at most, up to 1. Between two edges the gain is a straight line, never
    above what the hop bears. It goes down smoothly over AHEAD hops and comes back in about 0.15 s.
    """
    blocks = [_lowered(needed, start, start + _BLOCK) for start in range(0, needed.size, _BLOCK)]
    if not blocks:
        return np.ones(1)
    lowered = np.concatenate(blocks)
    edges: Gains = np.minimum(np.append(lowered, lowered[-1:]), np.append(lowered[:1], lowered))
    return edges


def _lowered(needed: Gains, start: int, end: int) -> Gains:
    """The gain within hops `[start, end)`; block by block, so that no array but the result is long."""
    first = max(0, start - _LEAD)
    part = needed[first : end + AHEAD]
    held = 1 - _released(1 - part)
    ahead = np.lib.stride_tricks.sliding_window_view(np.pad(held, (AHEAD, AHEAD), mode="edge"), AHEAD + 1)
    smooth = np.lib.stride_tricks.sliding_window_view(ahead.min(axis=1), AHEAD + 1).mean(axis=1)
    bounded: Gains = np.minimum(smooth, part)  # a mean of floats may lie a hair above them
    return bounded[start - first : end - first]


def applied(sound: Samples, edges: Gains, hop: int, ceiling: float) -> Samples:
    """Whole hops (the last may be cut short) under the gains at their edges."""
    steps = np.arange(hop) / hop
    gains = (edges[:-1, None] + np.diff(edges)[:, None] * steps).reshape(-1)[: sound.shape[1]]
    limited: Samples = np.clip(sound * gains.astype(np.float32), -ceiling, ceiling)
    return limited


def true_peaks(sound: Samples, hops: npt.NDArray[np.intp], hop: int) -> Samples:
    """The greatest value of the wave in each of `hops`, also between the samples (ITU-R BS.1770, annex 2).

    `sound` has MARGIN samples before its first hop and behind its last.
    """
    taps = _interpolation()
    if hops.size == 0:
        return np.empty(0, np.float32)
    stretches = np.lib.stride_tricks.sliding_window_view(sound, hop + taps.shape[0] - 1, axis=1)
    chosen = stretches[:, hops * hop + 1]
    windows = np.lib.stride_tricks.sliding_window_view(chosen, taps.shape[0], axis=2)
    between = np.abs(windows @ taps).max(axis=(0, 2, 3))
    return np.asarray(np.maximum(between, np.abs(chosen[:, :, MARGIN - 1 : 1 - MARGIN]).max(axis=(0, 2))))


def _released(reduction: Gains) -> Gains:
    """Every reduction dies away exponentially, until a greater one takes over."""
    fall = np.arange(reduction.size) / (_RELEASE_S * HOPS_PER_S)
    strongest = np.maximum.accumulate(np.log(np.maximum(reduction, 1e-12)) + fall)
    lasting: Gains = np.exp(strongest - fall)
    lasting[lasting < 1e-4] = 0.0
    return lasting


@cache
def _interpolation() -> Samples:
    """Taps, shape (2 * MARGIN, 3), for the points between the middle two of 2 * MARGIN samples."""
    points = np.arange(1, _BETWEEN + 1) / (_BETWEEN + 1)
    at = np.arange(2 * MARGIN)[:, None] - (MARGIN - 1) - points
    window = np.i0(6.0 * np.sqrt(np.maximum(0, 1 - (at / MARGIN) ** 2))) / np.i0(6.0)
    taps = np.sinc(at) * window
    return np.asarray(taps / taps.sum(axis=0), np.float32)
