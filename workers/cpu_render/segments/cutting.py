"""Cuts a film into segments of like cost. Pure.

What is written over the picture does not count: another caption must not move the cuts, or every segment
would have to be rendered again. For the same reason cuts are looked for one after the other from the start:
what is changed late in a film leaves the segments before it as they were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise
from math import ceil, log

from farm.timeline import Motion
from workers.cpu_render.plan import Blend, Picture, Plan, Shot, Span

# How far from its length a segment may end for the sake of a better place.
_EARLY, _LATE = 0.7, 1.3
_REST = 1.6  # what is left is one segment when it is no longer than this
# Where there would be too many, segments are longer by this, or by this again: if their length followed the
# film's, each frame more at its end would move all cuts.
_STEP = 1.25


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames `[start_frame, end_frame_exclusive)`; `cost` is in frames that move."""

    start_frame: int
    end_frame_exclusive: int
    cost: float

    @property
    def frames(self) -> int:
        return self.end_frame_exclusive - self.start_frame


def cut(planned: Plan, length: float, most: int, every: int = 1) -> tuple[Segment, ...]:
    """Cut a film into segments that cost about `length` moving frames each; into about `most` at most.

    They end where one picture gives way to another at once; else where no transition is at work; within one
    only if it is that long. Starts are multiples of `every`, the frames on end of which one is written.
    """
    spans = list(_unwritten(planned.spans))
    film = _Film(spans, [0.0, *accumulate(_cost(span.picture) * span.frames for span in spans)])
    length *= _STEP ** max(0, ceil(log(film.cost / (most * length), _STEP)))
    cuts = [at := spans[0].start_frame]
    while film.cost - film.cost_at(at) > _REST * length:
        following = film.best_place(film.cost_at(at), length) // every * every
        if following <= at:
            break
        cuts.append(at := following)
    cuts.append(spans[-1].end_frame_exclusive)
    return tuple(
        Segment(start, end, film.cost_at(end) - film.cost_at(start)) for start, end in pairwise(cuts)
    )


def _unwritten(spans: Sequence[Span]) -> Iterator[Span]:
    """One span for each picture, whatever is written over it: not even a rounding may depend on words."""
    for _, alike in groupby(spans, key=lambda span: span.picture):
        parts = list(alike)
        yield replace(parts[0], end_frame_exclusive=parts[-1].end_frame_exclusive)


def _cost(picture: Picture) -> float:
    """What a frame costs beside one of a photo that moves. Measured at 1080p, encoding included."""
    if isinstance(picture, Blend):
        return 1.45 if _moves(picture) else 1.0
    if not isinstance(picture, Shot) or not picture.is_moving:
        return 0.4
    if picture.clip.motion is not Motion.NONE:
        return 1.0
    return 1.0 + 0.15 * max(1.0, float(picture.clip.speed))  # a clip is decoded, too


def _moves(picture: Picture) -> bool:
    if isinstance(picture, Blend):
        return _moves(picture.before) or _moves(picture.after)
    return isinstance(picture, Shot) and picture.is_moving


@dataclass(frozen=True, slots=True)
class _Film:
    """`costs` are those of all before each span, and at last of all."""

    spans: Sequence[Span]
    costs: Sequence[float]

    @property
    def cost(self) -> float:
        return self.costs[-1]

    def cost_at(self, frame: int) -> float:
        """What all before a frame costs."""
        for span, before in zip(self.spans, self.costs, strict=False):
            if frame < span.end_frame_exclusive:
                return before + (frame - span.start_frame) * _cost(span.picture)
        return self.cost

    def frame_at(self, cost: float) -> int:
        """The frame before which so much has been spent."""
        for span, before, after in zip(self.spans, self.costs, self.costs[1:], strict=False):
            if cost < after:
                return span.start_frame + round((cost - before) / _cost(span.picture))
        return self.spans[-1].end_frame_exclusive

    def best_place(self, spent: float, length: float) -> int:
        """Where a segment ends that begins after so much was spent."""
        wanted = self.frame_at(spent + length)
        least, most = (self.frame_at(spent + share * length) for share in (_EARLY, _LATE))
        for places in (self._hard_cuts(), self._calm_edges(), self._calm_frames(wanted)):
            within = [frame for frame in places if least <= frame <= most]
            if within:
                return min(within, key=lambda frame: (abs(frame - wanted), frame))
        return wanted

    def _hard_cuts(self) -> Iterator[int]:
        """Where a picture gives way to another at once."""
        for before, after in pairwise(self.spans):
            calm = not isinstance(before.picture, Blend) and not isinstance(after.picture, Blend)
            if calm and before.picture != after.picture:
                yield after.start_frame

    def _calm_edges(self) -> Iterator[int]:
        """Where a transition begins or ends."""
        for before, after in pairwise(self.spans):
            if isinstance(before.picture, Blend) != isinstance(after.picture, Blend):
                yield after.start_frame

    def _calm_frames(self, wanted: int) -> Iterator[int]:
        """The frames nearest to the wanted one at which no transition is at work."""
        for span in self.spans:
            if not isinstance(span.picture, Blend):
                yield max(span.start_frame, min(wanted, span.end_frame_exclusive - 1))
