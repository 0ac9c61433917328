"""Which packets of a clip may stand in the film as they are. Pure: numbers in, numbers out.

They may wherever the film, encoded anew, would show the same pictures one after the other. So it is asked
for every frame which picture `workers.media.video` would show; what rate a header claims is of no matter.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from farm.timeline import Rate, VideoClip
from workers.media.coding import Footage

# A run that is not longer is not worth its joins. Clips at 24 or 25 pictures a second in a film of 25 or 30,
# which would be nothing but short runs, stay out by this.
LEAST_S = 1


@dataclass(frozen=True, slots=True)
class Run:
    """Packets `[start, end)` of some footage, shown in `frames` of the timeline.

    `shown` has the frame of each, in the order of decoding.
    """

    start: int
    frames: range
    shown: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.shown)

    @property
    def delay(self) -> int:
        """By how many frames decoding must be ahead of showing."""
        return max(number - frame for number, frame in enumerate(self.shown, self.frames.start))


def runs_of(footage: Footage, clip: VideoClip, rate: Rate, frames: range) -> list[Run]:
    """What can be taken over in some frames of a clip's place, in order.

    A run begins with a picture that needs no other (IDR), and ends where all that was decoded has been shown:
    nowhere else can the next piece begin afresh. That need not be before a keyframe.
    """
    order = _Order.of(footage)
    least = rate.nearest_frame(LEAST_S)
    return [
        run
        for place, first in _stretches(order.shown_in(footage, clip, rate, frames), frames.start)
        for run in _in_stretch(footage, order, place, first)
        if len(run.shown) > least
    ]


@dataclass(frozen=True, slots=True)
class _Order:
    """The order of showing: the times of what is shown, and the rank of each packet (None: hidden)."""

    times: tuple[int, ...]
    ranks: tuple[int | None, ...]
    packets: tuple[int, ...]

    @classmethod
    def of(cls, footage: Footage) -> "_Order":
        packets = sorted(
            (number for number in range(len(footage.pts)) if number not in footage.hidden),
            key=footage.pts.__getitem__,
        )
        ranks: list[int | None] = [None] * len(footage.pts)
        for rank, number in enumerate(packets):
            ranks[number] = rank
        return cls(tuple(footage.pts[number] for number in packets), tuple(ranks), tuple(packets))

    def shown_in(self, footage: Footage, clip: VideoClip, rate: Rate, frames: range) -> list[int]:
        """The rank of the picture that is shown in each frame, as `VideoReader` has it; -1: none."""
        grace = min(1 / footage.rate, 1 / rate.fps) / 4
        start = clip.source_start + grace - rate.seconds(clip.start_frame)
        last = None if clip.source_end is None else clip.source_end - grace
        found = []
        for frame in frames:
            time = start + rate.seconds(frame)
            if last is not None:
                time = min(time, last)
            found.append(bisect_right(self.times, floor(max(time, Fraction(0)) / footage.time_base)) - 1)
        return found


def _stretches(shown: Sequence[int], start: int) -> Iterator[tuple[range, int]]:
    """Frames in which each picture of a row is shown once, and the rank of the first."""
    first = 0
    for at in range(1, len(shown) + 1):
        if at == len(shown) or shown[at] != shown[at - 1] + 1:
            if shown[first] >= 0:
                yield range(start + first, start + at), shown[first]
            first = at


def _in_stretch(footage: Footage, order: _Order, place: range, first: int) -> Iterator[Run]:
    """All runs whose ranks lie in `[first, first + len(place))`."""
    end = first + len(place)
    at = first
    while at < end:
        number = order.packets[at]
        count = _whole(order.ranks, number, at, end) if number in footage.idr else 0
        if count:
            start = place.start - first + at
            ranks = [rank for rank in order.ranks[number : number + count] if rank is not None]
            yield Run(number, range(start, start + count), tuple(start - at + rank for rank in ranks))
        at += max(count, 1)


def _whole(ranks: Sequence[int | None], number: int, first: int, end: int) -> int:
    """How many packets from `number` on show exactly the ranks from `first`, as many as stay below `end`."""
    whole, highest = 0, first
    for count, rank in enumerate(ranks[number : number + end - first], 1):
        if rank is None or not first <= rank < end:
            break
        highest = max(highest, rank)
        if highest - first + 1 == count:
            whole = count
    return whole
