"""Which visuals nobody would miss, and which of many are kept when there is not room for all. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from tasks.media_render.planning.brief import Visual


def quality(visual: Visual) -> float:
    """0 for what nobody would miss, 1 for a sharp and well-lit visual; 0.5 where nobody looked."""
    seen = visual.seen
    if seen is None:
        return 0.5
    lit = 1.0 - min(1.0, 2.2 * abs(seen.lightness - 0.45))
    moving = min(1.0, 6 * max(seen.motion, default=0.0)) if visual.is_clip else 0.5
    return 0.6 * seen.sharpness + 0.25 * lit + 0.15 * moving


def best(visuals: Sequence[Visual], count: int) -> Sequence[Visual]:
    """So many of them, the best wherever they are; of equals the earlier."""
    return sorted(visuals, key=quality, reverse=True)[: max(0, count)]


def spread(visuals: Sequence[Visual], count: int) -> Sequence[Visual]:
    """So many of them from the beginning to the end: the best of each of so many equal parts."""
    if count >= len(visuals):
        return visuals
    edges = [part * len(visuals) // count for part in range(count + 1)] if count > 0 else []
    return [max(visuals[begin:end], key=quality) for begin, end in pairwise(edges)]
