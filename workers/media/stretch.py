"""Makes sound quicker or slower and keeps its pitch, in step with a picture at the same speed.

WSOLA: pieces of 40 ms overlap by half; each is taken from where the picture is, give or take 10 ms, so that
it goes on where the one before would have. No error adds up, as it does in libavfilter's atempo, which begins
some 10 ms early and has to be chained beyond its range.
"""

from collections.abc import Generator
from fractions import Fraction

import numpy as np

from workers.media.sound import HeldSound, Samples, SoundReader

_HALF_S = 0.02
_REACH_S = 0.01
_NEARNESS = 1e-3  # of two pieces that fit alike, the one nearer to its moment


class AtSpeed:
    """A sound at `speed` times its own, its pitch kept. It is read as the sound is, and closes it."""

    def __init__(self, sound: SoundReader | HeldSound, sample_rate: int, speed: Fraction) -> None:
        self._sound = sound
        self._pieces = _stretched(_Source(sound), sample_rate, speed)
        self._left: Samples = np.empty((2, 0), np.float32)

    def close(self) -> None:
        """Close the sound; may be called twice."""
        self._sound.close()

    def read(self, count: int) -> Samples:
        """The next `count` samples of shape (2, n); fewer only when the sound has ended."""
        taken = [self._left]
        missing = count - self._left.shape[1]
        while missing > 0 and (piece := next(self._pieces, None)) is not None:
            taken.append(piece)
            missing -= piece.shape[1]
        all_taken = np.concatenate(taken, axis=1)
        self._left = all_taken[:, count:]
        return all_taken[:, :count]


class _Source:
    """A sound by its samples' numbers. It is silent before its first and after its last."""

    def __init__(self, sound: SoundReader | HeldSound) -> None:
        self._sound = sound
        self._held: Samples = np.empty((2, 0), np.float32)
        self._first = 0  # the number of the first that is held
        self.length: int | None = None  # once it is known

    def span(self, start: int, end: int) -> Samples:
        """Samples `[start, end)`, of which none has been forgotten."""
        self._read_to(end)
        before = max(0, -start)
        there = self._held[:, max(0, start - self._first) : max(0, end - self._first)]
        return np.pad(there, ((0, 0), (before, end - start - before - there.shape[1])))

    def forget(self, before: int) -> None:
        """No sample before this will be asked for."""
        gone = min(max(0, before - self._first), self._held.shape[1])
        self._held, self._first = self._held[:, gone:], self._first + gone

    def _read_to(self, end: int) -> None:
        missing = end - self._first - self._held.shape[1]
        if missing <= 0 or self.length is not None:
            return
        read = self._sound.read(missing)
        self._held = np.concatenate([self._held, read], axis=1)
        if read.shape[1] < missing:
            self.length = self._first + self._held.shape[1]


def _stretched(source: _Source, sample_rate: int, speed: Fraction) -> Generator[Samples, None, None]:
    """The sound half a piece at a time: the end of one fading into the beginning of the next."""
    half, reach = round(_HALF_S * sample_rate), round(_REACH_S * sample_rate)
    rise = (np.sin((np.arange(half) + 0.5) / half * np.pi / 2) ** 2).astype(np.float32)
    made, at = 0, 0
    while source.length is None or made < source.length / speed:
        ending = source.span(at, at + half)
        moment = round((made + half) * speed)
        source.forget(min(at, moment - reach - half))
        around = source.span(moment - reach - half, moment + reach)
        offset = _best(ending.sum(axis=0), around.sum(axis=0))
        piece = ending * rise[::-1] + around[:, offset : offset + half] * rise
        at = moment - reach + offset
        if source.length is not None:
            piece = piece[:, : max(0, round(source.length / speed) - made)]
        made += half
        yield piece


def _best(ending: Samples, around: Samples) -> int:
    """Where in `around` something as long as `ending` begins that is most like it."""
    likeness = np.correlate(around, ending, "valid")
    energy = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
    loud = np.sqrt(energy[len(ending) :] - energy[: -len(ending)] + 1e-9)
    far = np.linspace(-1, 1, len(likeness)) ** 2
    whole = float(np.sqrt(energy[-1] + 1e-9))
    return int(np.argmax(likeness / loud / whole - _NEARNESS * far))
