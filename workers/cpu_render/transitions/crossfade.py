"""Crossfade: one picture dissolves into the other."""

from workers.cpu_render.transitions.contract import ONE, Transition, mix_planes
from workers.media.planes import Planes


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Evenly, so that the light of the two together stays the same."""
    late = round(progress * ONE)
    mix_planes(before, after, out, ONE - late, late)


TRANSITION = Transition("crossfade", blend, "Soft fade between clips.")
