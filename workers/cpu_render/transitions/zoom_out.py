"""Zoom out: the camera pulls back from one picture, and the other settles around it."""

from workers.cpu_render.transitions.contract import Transition, eased
from workers.cpu_render.transitions.zoom_in import FAR, NEAR, dissolve
from workers.media.planes import Planes


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """The way of zoom-in, backwards."""
    along = eased(progress)
    dissolve(before, after, progress, out, NEAR**-along, FAR ** (1 - along))


TRANSITION = Transition("zoom-out", blend, "Pulls out from the clip.")
