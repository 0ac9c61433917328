"""Slide: the next picture pushes the other out to the left, with the blur of a quick camera."""

import math

from workers.cpu_render.kernels import PAN_ONE, pan
from workers.cpu_render.scratch import sums
from workers.cpu_render.transitions.contract import Transition, eased
from workers.media.planes import Planes

_SMEAR = 0.05  # of the width, where the motion is fastest


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """From rest to rest; the smear follows the speed, in whole pixels: else edges would waver by 0.05."""
    speed = math.sin(math.pi * progress) ** 4
    for first, second, row in zip(before, after, out, strict=True):
        width = row.shape[1]
        smear = max(1, round(speed * _SMEAR * width))
        shift = round(eased(progress) * width * PAN_ONE)
        pan(first, second, row, sums(2 * width + 2), shift, smear * PAN_ONE)


TRANSITION = Transition("slide", blend, "Slide movement: the next clip pushes in from the right.")
