"""Clock wipe: a hand goes round from twelve, and the next picture is behind it."""

import math

from workers.cpu_render.transitions.contract import Transition, eased
from workers.cpu_render.transitions.field import Field, reveal_by
from workers.media.planes import Planes

_SOFT = 0.07  # of the shorter side: as soft at the middle as at the rim


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """What the hand has passed lies on the right of where it started and on the left of where it is.

    In the second half the rest is such a wedge, so that the pictures change places.
    """
    along = eased(progress)
    if along <= 0.5:
        _wedge(before, after, along, out, forward=1)
    else:
        _wedge(after, before, along, out, forward=-1)


def _wedge(outer: Planes, inner: Planes, along: float, out: Planes, forward: int) -> None:
    """Show `inner` between the start and the hand. Soft edges open and close with the wipe itself."""
    soft = _SOFT * min(out.width, out.height) * forward
    angle = 2 * math.pi * along
    cos, sin = math.cos(angle), math.sin(angle)
    shift = along if forward > 0 else 1 - along
    start = Field(lambda x: x / soft + shift, lambda y: 0 * y)
    hand = Field(lambda x: -cos * x / soft + shift, lambda y: -sin * y / soft)
    reveal_by(outer, inner, out, start, hand)


TRANSITION = Transition("clock-wipe", blend, "Circular clock-style wipe.")
