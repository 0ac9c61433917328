"""Texts and sounds that were placed by hand, in a film whose length is only found out later. Pure.

A plan or a voice may come out shorter than was likely when the request was checked. What was placed by hand
is seen and heard all the same: the film goes on until all of it has begun, and no longer than was likely.
"""

from fractions import Fraction

from tasks.media_render.params import MediaRender, exact

SEEN_S = Fraction(1)  # of each of them; all of one that is shorter


def needed_s(params: MediaRender) -> Fraction:
    """How long the film must be at least for all that has a time of its own, in seconds."""
    spans = [
        *((text.start_s, text.duration_s) for text in params.text_overlays),
        *((sound.start_s, sound.duration_s) for sound in params.sfx_placements),
    ]
    ends = [exact(start) + _seen(length) for start, length in spans if start is not None]
    return max(ends, default=Fraction(0))


def _seen(length_s: float | None) -> Fraction:
    return SEEN_S if length_s is None else min(SEEN_S, exact(length_s))
