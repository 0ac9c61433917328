"""What a place is made of, and where in it the subject stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.gpu_generate.animatic.canvas import Layer


@dataclass(frozen=True, slots=True)
class Setting:
    """Layers from the farthest on. The subject stands between `behind` and `before`, its feet at `ground`.

    `ground` is in picture heights; `depth` and `scale` are the subject's. `mirror` is how clearly the ground
    shows it upside down; `lit` how much of its own colour is seen, the rest being shadow and haze.
    """

    behind: Sequence[Layer]
    before: Sequence[Layer]
    ground: float
    depth: float = 0.7
    scale: float = 1.0
    mirror: float = 0.0
    lit: float = 0.6
    shadow: float = 0.35
