"""Picks the moment of a clip that is worth showing: sharp, lit, moving, of one shot, no half sentence."""

from collections.abc import Iterator, Sequence

from tasks.media_render.planning.brief import Visual
from tasks.media_render.planning.findings import Heard, Seen, Span
from tasks.media_render.planning.manner import Pace

_MOTION = {"fast": 0.9, "slow": -0.5, None: 0.35}  # how much a moment gains by moving, at most
_CUT_INSIDE = 0.5  # what a change of shot within the moment costs
_HANDLE_S = 0.3  # what a transition shows of a clip before and after the moment
_MID_SENTENCE, _CUT_OFF = 0.5, 0.3
_BREATH_S = 0.2
_EDGE_S, _AT_EDGE = 0.3, 0.1  # clips often begin and end with a shake
_MOST_SPEECHES = 200


def best_start(
    visual: Visual, length_s: float, liking: Pace | None = None, within: Span | None = None
) -> float:
    """Where in a clip, or in a part of it, to begin a moment of `length_s`, in seconds.

    At its beginning where nothing is known of the clip.
    """
    first_start, end = within or (0.0, visual.duration_s or 0.0)
    last_start = end - length_s
    if last_start <= first_start or (visual.seen is None and visual.heard is None):
        return first_start
    starts = sorted(min(last_start, max(first_start, start)) for start in _candidates(visual, last_start))
    worths = [_worth(visual, start, length_s, liking) for start in starts]
    return round(starts[worths.index(max(worths))], 3)


def _candidates(visual: Visual, last_start: float) -> Iterator[float]:
    yield 0.0
    yield last_start
    if (seen := visual.seen) is not None and seen.step_s:
        yield from (index * seen.step_s for index in range(len(seen.sharp)))
        yield from (shot + _HANDLE_S for shot in seen.shots)
    if visual.heard is not None:
        yield from (start - _BREATH_S for start, _ in visual.heard.speech[:_MOST_SPEECHES])


def _worth(visual: Visual, start: float, length_s: float, liking: Pace | None) -> float:
    end = start + length_s
    worth = 0.0
    if visual.seen is not None:
        worth += _look_of(visual.seen, start, end, liking)
    if visual.heard is not None:
        worth -= _interrupted(visual.heard, start, end)
    if start < _EDGE_S or end > (visual.duration_s or end) - _EDGE_S:
        worth -= _AT_EDGE
    return worth


def _look_of(seen: Seen, start: float, end: float, liking: Pace | None) -> float:
    """Against the best that the clip has: what all of it lacks counts against no moment."""
    if not seen.step_s or not seen.sharp:
        return 0.0
    span = slice(int(start / seen.step_s), max(int(start / seen.step_s) + 1, round(end / seen.step_s)))
    sharp = _relative(seen.sharp, span)
    moving = _relative(seen.motion, span) if seen.motion else 0.0
    dark = sum(1 for light in seen.light[span] if not 0.08 < light < 0.95) / max(1, len(seen.light[span]))
    cuts = sum(1 for shot in seen.shots if start - _HANDLE_S < shot < end + _HANDLE_S + seen.step_s)
    return sharp + _MOTION[liking] * moving - dark - _CUT_INSIDE * min(2, cuts)


def _relative(samples: Sequence[float], span: slice) -> float:
    """The mean of some samples as a share of the greatest of all."""
    found, most = samples[span], max(samples)
    return sum(found) / len(found) / most if found and most > 0 else 0.0


def _interrupted(heard: Heard, start: float, end: float) -> float:
    """What it costs to come into a sentence, and to leave one."""
    cost = 0.0
    if any(begin + _BREATH_S < start < stop - _BREATH_S for begin, stop in heard.speech):
        cost += _MID_SENTENCE
    if any(begin + _BREATH_S < end < stop - _BREATH_S for begin, stop in heard.speech):
        cost += _CUT_OFF
    return cost
