"""No transition: a hard cut. Plans have no blend for it; one asked for all the same changes in the middle."""

from workers.cpu_render.transitions.contract import Transition
from workers.media.planes import Planes


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Show one, then the other."""
    out.copy_from(before if progress < 0.5 else after)


TRANSITION = Transition("none", blend, "No transition. Hard cut.")
