"""Ken Burns: the clip moves slowly (its `motion`, which the timeline sets) and dissolves in."""

from workers.cpu_render.transitions.contract import Transition
from workers.cpu_render.transitions.crossfade import blend

TRANSITION = Transition("ken-burns", blend, "Slow image movement, entered by a short crossfade.")
