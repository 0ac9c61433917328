"""Zoom in: the camera pushes through one picture into the other."""

from workers.cpu_render.transitions.contract import ONE, Transition, eased, eased_within, mix_planes
from workers.cpu_render.transitions.lens import zoomed
from workers.media.planes import Planes

FAR = 1.9  # how much closer the camera comes to the picture it leaves
NEAR = 1.3  # and to the one that comes, whose mirrored surroundings are in sight until it has


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """Come closer: the next picture grows to its size."""
    along = eased(progress)
    dissolve(before, after, progress, out, FAR**along, NEAR ** (along - 1))


def dissolve(
    before: Planes, after: Planes, progress: float, out: Planes, zoom_before: float, zoom_after: float
) -> None:
    """Both pictures at their zooms, one turning into the other while the camera is fastest."""
    late = round(ONE * eased_within(progress, 0.2, 0.75))
    leaving = zoomed(before, zoom_before, "leaving") if late < ONE else before
    coming = zoomed(after, zoom_after, "coming") if late > 0 else after
    mix_planes(leaving, coming, out, ONE - late, late)


TRANSITION = Transition("zoom-in", blend, "Pushes into the next clip.")
