"""How long a shot is by the pace, and how many moments of a long clip are shown. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tasks.media_render.params import MAX_ASSETS
from tasks.media_render.planning.brief import DEFAULT_VISUAL_S, Visual
from tasks.media_render.planning.findings import Span
from tasks.media_render.planning.words import Wishes

_PACE_S = {"fast": 1.6, "slow": 4.5, None: float(DEFAULT_VISUAL_S)}
# Where visuals are left out rather than shown shorter.
_LEAST_S = {"fast": Fraction(4, 5), "slow": Fraction(5, 2), None: Fraction(6, 5)}
_PART = 2.0  # a part of a clip lasts so many times as long as what is shown of it, at least


def usual_s(wishes: Wishes, bpm: float | None, share: float) -> float:
    """The length that goes with the pace at that share of the film: in whole beats of the music."""
    begin, end = _PACE_S[wishes.pace], _PACE_S[wishes.pace_at_end or wishes.pace]
    seconds = begin + (end - begin) * share
    beats = 0 if bpm is None else int(seconds * bpm / 60)
    return seconds if bpm is None or beats < 1 else beats * 60 / bpm


def least_s(wishes: Wishes) -> Fraction:
    """How long a visual is shown at least, if there is a choice."""
    paces = (wishes.pace, wishes.pace_at_end or wishes.pace)
    return wishes.each_s or min(_LEAST_S[pace] for pace in paces)


def takes(
    kept: Sequence[Visual], set_s: Mapping[str, Fraction], whole_s: Fraction | None, each_s: float
) -> Counter[str]:
    """How many moments of each are shown, by id: one, and of clips that were looked at more for a long film.

    `set_s` are lengths that their user set or said, the others are shown for `each_s`. A film may drag
    all the same: where there are no long clips.
    """
    found = Counter(visual.id for visual in kept)
    if whole_s is None:
        return found
    missing = float(whole_s) - sum(float(set_s.get(visual.id, each_s)) for visual in kept)
    clips = [visual for visual in kept if visual.seen is not None and visual.id not in set_s]
    lasts_s = {visual.id: visual.duration_s or 0.0 for visual in clips}
    for _ in range(min(int(missing / each_s), MAX_ASSETS - len(kept))):
        part_s = {visual_id: length / (found[visual_id] + 1) for visual_id, length in lasts_s.items()}
        longest = max(part_s, key=part_s.__getitem__, default=None)
        if longest is None or part_s[longest] < _PART * each_s:
            break
        found[longest] += 1
    return found


def part_of(visual: Visual, take: int, count: int) -> Span | None:
    """One of so many equal parts of a clip; None for all of it."""
    if count < 2 or visual.duration_s is None:
        return None
    return visual.duration_s * take / count, visual.duration_s * (take + 1) / count
