"""Wipe: a soft, slightly slanted edge runs over the picture from left to right."""

from workers.cpu_render.transitions.contract import Transition, eased
from workers.cpu_render.transitions.field import Field, reveal_by
from workers.media.planes import Planes

_SLANT = 0.18  # pixels sideways per pixel down
_SOFT = 0.12  # of the shorter side


def blend(before: Planes, after: Planes, progress: float, out: Planes) -> None:
    """The edge starts just outside of one corner and ends just outside of the opposite one."""
    soft = _SOFT * min(out.width, out.height)
    reach = (out.width + _SLANT * out.height) / 2
    edge = eased(progress) * (2 * reach + soft) - reach
    field = Field(lambda x: (edge - x) / soft, lambda y: -_SLANT * y / soft)
    reveal_by(before, after, out, field, field)


TRANSITION = Transition("wipe", blend, "Wipe movement, from left to right with a soft edge.")
