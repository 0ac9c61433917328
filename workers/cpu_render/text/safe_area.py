"""Where text may stand in a frame. Sizes are pixels."""

from dataclasses import dataclass

from farm.timeline import Position
from workers.cpu_render.text.contract import Stage

# Share of the frame kept free at the top, bottom and sides. On video that fills an upright phone, where
# players lay buttons and captions over the lower fifth and a bar over the top, more; posts of a feed
# (4:5, 1:1) have theirs beside the picture.
_PHONE_MARGINS = (0.12, 0.20, 0.075)
_FEED_MARGINS = (0.075, 0.085, 0.065)
_WIDE_MARGINS = (0.08, 0.09, 0.06)
_PHONE_SHAPE = 1.5  # height over width from which a frame counts as one


@dataclass(frozen=True, slots=True)
class SafeArea:
    """The part of a frame that no player lays anything over."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, stage: Stage) -> "SafeArea":
        top, bottom, side = _margins(stage.height / stage.width)
        return cls(
            round(stage.width * side),
            round(stage.height * top),
            round(stage.width * (1 - side)),
            round(stage.height * (1 - bottom)),
        )

    @property
    def width(self) -> int:
        return self.right - self.left

    def top_of(self, height: int, position: Position) -> int:
        """Where a block of that height starts."""
        if position is Position.TOP:
            return self.top
        if position is Position.BOTTOM:
            return self.bottom - height
        return (self.top + self.bottom - height) // 2


def _margins(shape: float) -> tuple[float, float, float]:
    """Top, bottom and side, for a frame that is so many times as high as wide."""
    if shape >= _PHONE_SHAPE:
        return _PHONE_MARGINS
    return _FEED_MARGINS if shape >= 1 else _WIDE_MARGINS
