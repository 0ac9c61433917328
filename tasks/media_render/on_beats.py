"""Moves cuts onto the beats of the music, strong ones rather. Pure.

Only the ends of visuals whose length nobody has set are moved, by half a second at most, and no visual loses
more than half of its length; the last of them ends where it would have ended, so that the whole is as long as
without.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from pydantic import Field

from farm.noun import Noun
from tasks.media_render.tunes import BEATS_PER_BAR, Tune

FURTHEST_S = Fraction(1, 2)
# How strong the beats of a bar are: a beat half as strong must be twice as near.
_STRENGTHS = (1.0, 0.5, 0.75, 0.5)


class Grid(Noun):
    """When the music's beats fall, in seconds from its start; `strengths` go with `times`.

    With `repeat_s` the music starts over then, and its beats with it.
    """

    times: tuple[Fraction, ...] = Field(min_length=1)
    strengths: tuple[float, ...]
    repeat_s: Fraction | None = None

    @classmethod
    def measured(cls, times: Iterable[float], downbeat: int, repeat_s: float | None) -> "Grid":
        """From beats as they were found; `downbeat` is the index of the first that begins a bar."""
        exact = tuple(Fraction(str(round(time, 4))) for time in times)
        strengths = tuple(_STRENGTHS[(n - downbeat) % BEATS_PER_BAR] for n in range(len(exact)))
        return cls(
            times=exact, strengths=strengths, repeat_s=None if repeat_s is None else Fraction(repeat_s)
        )

    def nearest(
        self, wanted: Fraction, earlier_s: Fraction = FURTHEST_S, later_s: Fraction = FURTHEST_S
    ) -> Fraction:
        """The beat for a cut at `wanted`; `wanted` itself when none is near enough.

        It comes no more than `earlier_s` before and `later_s` after it, and FURTHEST_S in any case.
        """
        first, last = wanted - min(earlier_s, FURTHEST_S), wanted + min(later_s, FURTHEST_S)
        near = [beat for beat in self._around(wanted) if first <= beat[0] <= last and beat[0] > 0]
        if not near:
            return wanted
        return min(near, key=lambda beat: float(abs(beat[0] - wanted)) / beat[1])[0]

    def _around(self, wanted: Fraction) -> Iterator[tuple[Fraction, float]]:
        """Beats and their strengths, those within FURTHEST_S among them."""
        rounds = wanted // self.repeat_s if self.repeat_s else 0
        for turn in (rounds - 1, rounds, rounds + 1) if self.repeat_s else (0,):
            start = turn * (self.repeat_s or 0)
            first = bisect_left(self.times, wanted - FURTHEST_S - start)
            end = bisect_right(self.times, wanted + FURTHEST_S - start)
            for index in range(first, end):
                yield start + self.times[index], self.strengths[index]


def grid_of(tune: Tune) -> Grid | None:
    """The beats of a bundled tune, exact from its tempo; None for a file, whose beats must be measured."""
    beat_s, bars = tune.beat_s, tune.bars
    if beat_s is None or bars is None:
        return None
    count = bars * BEATS_PER_BAR
    strengths = tuple(_STRENGTHS[beat % BEATS_PER_BAR] for beat in range(count))
    return Grid(
        times=tuple(beat * beat_s for beat in range(count)), strengths=strengths, repeat_s=count * beat_s
    )


def ends_on_beats(
    lengths: Sequence[Fraction],
    is_free: Sequence[bool],
    grid: Grid | None,
    frame_s: Fraction = Fraction(0),
) -> Iterator[Fraction]:
    """When each of the visuals ends, one after the other; without a grid, the sums of their lengths.

    A visual that is longer than `frame_s` stays so.
    """
    coming = deque(length for length, free in zip(lengths, is_free, strict=True) if free)
    plain = at = Fraction(0)
    for length, free in zip(lengths, is_free, strict=True):
        start, plain = at, plain + length
        at = start + length if grid is not None and not free else plain
        if free:
            coming.popleft()
        if grid is not None and free and coming:
            kept = start + length - _spare(length, frame_s)
            at = grid.nearest(plain, plain - kept, _spare(coming[0], frame_s))
        yield at


def _spare(length: Fraction, frame_s: Fraction) -> Fraction:
    """How much of its length a visual may lose."""
    return max(Fraction(0), min(length / 2, length - frame_s))
