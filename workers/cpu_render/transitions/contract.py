"""What a transition is to the compositor, and the sums several of them need."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.cpu_render.kernels import mix
from workers.media.planes import BLACK, Planes

ONE = 128  # the weight of kernels.mix that is all of a picture

Blend = Callable[[Planes, Planes, float, Planes], None]


@dataclass(frozen=True, slots=True)
class Transition:
    """`blend(before, after, progress, out)` draws over all of `out`, which is neither of the other two.

    `before` and `after` must not be changed. Progress runs from 0, which would show only `before`, to 1,
    which would show only `after`; neither end is asked for. The cut lies where the timeline puts it.
    """

    name: str
    blend: Blend
    summary: str


def eased(progress: float) -> float:
    """From rest to rest, 0 to 1, without a jolt at either end (a fifth-degree smoothstep)."""
    return progress**3 * (progress * (6 * progress - 15) + 10)


def eased_within(progress: float, start: float, end: float) -> float:
    """Eased from 0 at `start` to 1 at `end`, and held outside."""
    return eased(min(1.0, max(0.0, (progress - start) / (end - start))))


def mix_planes(before: Planes, after: Planes, out: Planes, before_weight: int, after_weight: int) -> None:
    """Both pictures by their weights of 128, and black for what is left."""
    for first, second, row, ground in zip(before, after, out, BLACK, strict=True):
        mix(first, second, row, before_weight, after_weight, ground)
