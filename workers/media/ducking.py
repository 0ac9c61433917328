"""Lets all else give way while a voice speaks: quieter just before the first word, back after the last."""

import numpy as np

from workers.media.sound import Samples

DUCK_DB = 10.0
LOOK_S = 0.2  # how long before a word the way down begins
HOLD_S = 0.45  # pauses up to this long are part of the speech
RELEASE_S = 0.8
_HOPS_PER_S = 100
_SPEAKING = 10 ** (-45 / 20)  # mean of a hop from which on a voice counts as speaking


class Ducker:
    """Feed chunks with `push`, then call `flush`: what comes out in all is as long as what went in.

    The gain moves along an S-curve in decibels, so that neither end of it can be heard as a step.
    """

    def __init__(self, sample_rate: int) -> None:
        self._hop = sample_rate // _HOPS_PER_S
        self._look = round(LOOK_S * _HOPS_PER_S)
        self._hold = round(HOLD_S * _HOPS_PER_S)
        self._release = round(RELEASE_S * _HOPS_PER_S)
        self._held: Samples = np.empty((3, 2, 0), np.float32)
        self._speaks: list[bool] = []  # of the held hops that are whole
        self._silent_for = self._hold + 1  # hops
        self._position = 0.0  # 0: full level … 1: down
        self._is_first = True

    def push(self, bed: Samples, voice: Samples, beside: Samples) -> Samples:
        """The sum of all three, as far as it can be decided; only `bed` gives way to `voice`."""
        self._held = np.concatenate([self._held, np.stack([bed, voice, beside])], axis=2)
        self._listen()
        return self._mixed(max(0, len(self._speaks) - self._look))

    def flush(self) -> Samples:
        """The rest."""
        count = self._held.shape[2]
        self._held = np.pad(self._held, ((0, 0), (0, 0), (0, -count % self._hop)))
        self._listen()
        rest: Samples = self._mixed(len(self._speaks))[:, :count]
        return rest

    def _listen(self) -> None:
        """Note in which of the new hops a voice speaks."""
        start, end = len(self._speaks) * self._hop, self._held.shape[2] // self._hop * self._hop
        voice = self._held[1, :, start:end].reshape(2, -1, self._hop)
        self._speaks += (np.square(voice).mean(axis=2).max(axis=0) > _SPEAKING**2).tolist()

    def _mixed(self, hops: int) -> Samples:
        count = hops * self._hop
        if hops == 0:
            return np.empty((2, 0), np.float32)
        bed, voice, beside = self._held[:, :, :count]
        edges = self._edges(hops)
        steps = np.arange(self._hop, dtype=np.float32) / self._hop
        gains = (edges[:-1, None] + np.diff(edges)[:, None] * steps).reshape(-1)
        self._held, self._speaks = self._held[:, :, count:], self._speaks[hops:]
        mixed: Samples = bed * gains + voice + beside
        return mixed

    def _edges(self, hops: int) -> Samples:
        """The gain at the edges of the next hops, one more than there are."""
        positions = [] if self._is_first else [self._position]
        for hop in range(hops):
            self._silent_for = 0 if self._speaks[hop] else self._silent_for + 1
            speaks = self._silent_for <= self._hold or any(self._speaks[hop : hop + self._look])
            if self._is_first:  # a voice from the very beginning finds the way free
                self._is_first, self._position = False, float(speaks)
                positions.append(self._position)
            step = 1 / self._look if speaks else -1 / self._release
            self._position = min(1.0, max(0.0, self._position + step))
            positions.append(self._position)
        place = np.array(positions)
        return np.asarray(10 ** (-DUCK_DB / 20 * place * place * (3 - 2 * place)), np.float32)
