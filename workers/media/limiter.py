"""Keeps a mix below a ceiling without clipping it: the gain goes down just before a peak and comes back."""

from itertools import pairwise

import numpy as np

from workers.media.sound import Samples

HOP = 256  # samples between two points of the gain curve; also how far ahead it looks
RELEASE_S = 0.15


class Limiter:
    """Feed chunks with `push`, then call `flush`: what comes out in all is as long as what went in.

    Between two hops the gain is a straight line whose ends both satisfy the peaks beside them, so no
    sample exceeds `ceiling` (linear). Sound that stays below it passes unchanged, bit for bit.
    """

    def __init__(self, ceiling: float, sample_rate: int) -> None:
        self._ceiling = ceiling
        self._recover = 1 - float(np.exp(-HOP / (RELEASE_S * sample_rate)))
        self._held: Samples = np.empty((2, 0), np.float32)
        self._gain: float | None = None  # at the start of what is held; None before the first hop

    def push(self, chunk: Samples) -> Samples:
        """Everything that can be decided now: all but the last hop or so."""
        self._held = np.concatenate([self._held, chunk], axis=1)
        ready = max(0, self._held.shape[1] // HOP - 1)
        return self._release(ready * HOP)

    def flush(self) -> Samples:
        """The rest."""
        count = self._held.shape[1]
        self._held = np.pad(self._held, ((0, 0), (0, 2 * HOP - count % HOP)))
        return self._release(self._held.shape[1] - HOP)[:, :count]

    def _release(self, count: int) -> Samples:
        """Take `count` samples, a whole number of hops; one more hop is held to look at."""
        if count == 0:
            return self._held[:, :0]
        out = self._held[:, :count]
        needed = self._needed(self._held[:, : count + HOP])
        self._held = self._held[:, count:]
        if self._gain in (None, 1.0) and needed.min() == 1.0:
            self._gain = 1.0
            return out
        curve = self._curve(needed)
        steps = np.arange(HOP, dtype=np.float32) / HOP
        gains = (curve[:-1, None] + (curve[1:] - curve[:-1])[:, None] * steps).reshape(-1)
        return np.clip(out * gains, -self._ceiling, self._ceiling).astype(np.float32)

    def _needed(self, samples: Samples) -> Samples:
        """The gain each hop asks for, at most 1."""
        peaks = np.abs(samples).max(axis=0).reshape(-1, HOP).max(axis=1)
        needed: Samples = np.minimum(1.0, self._ceiling / np.maximum(peaks, 1e-9)).astype(np.float32)
        return needed

    def _curve(self, needed: Samples) -> Samples:
        """The gain at each hop's start: down at once, up slowly."""
        gain = float(needed[0]) if self._gain is None else self._gain
        curve = [gain]
        for this, following in pairwise(needed.tolist()):
            gain = min(this, following, gain + (1 - gain) * self._recover)
            if gain > 0.9999 and this == following == 1.0:
                gain = 1.0
            curve.append(gain)
        self._gain = gain
        return np.array(curve, np.float32)
