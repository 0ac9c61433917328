"""Where a picture comes to lie on the canvas that is made of it. Pure: numbers only."""

from dataclasses import dataclass

from farm.models import Fitted, Model, Wish
from tasks.edit_image import Direction, EditImage

_GROWTH = 1.5  # of a side that is outpainted, where no size is asked for
_TOLERANCE = 0.03  # of a side: so near to the edge, a picture is stretched to it
_SIDEWAYS, _UPRIGHT = ("all", "left", "right"), ("all", "up", "down")


@dataclass(frozen=True, slots=True)
class Placing:
    """The canvas, as the model makes it, and the box on it that the picture fills."""

    fitted: Fitted
    left: int
    top: int
    width: int
    height: int

    @property
    def covers(self) -> bool:
        """Whether nothing lies beside the picture."""
        return (self.width, self.height) == (self.fitted.width, self.fitted.height)


def placing(params: EditImage, model: Model, width: int, height: int) -> Placing:
    """For a picture of this size. Raises BadRequest for a size that was asked for and cannot be made."""
    grown = _grown(params.outpaint, width, height)
    fitted = model.fitted(_wish(params, model, *grown))
    scale = min(fitted.width / grown[0], fitted.height / grown[1])
    wide = _nearly(width * scale, fitted.width)
    high = _nearly(height * scale, fitted.height)
    left = {"left": fitted.width - wide, "right": 0}.get(params.outpaint or "", (fitted.width - wide) // 2)
    top = {"up": fitted.height - high, "down": 0}.get(params.outpaint or "", (fitted.height - high) // 2)
    return Placing(fitted, left, top, wide, high)


def _grown(direction: Direction | None, width: int, height: int) -> tuple[float, float]:
    wide = width * _GROWTH if direction in _SIDEWAYS else width
    high = height * _GROWTH if direction in _UPRIGHT else height
    return wide, high


def _wish(params: EditImage, model: Model, width: float, height: float) -> Wish:
    """The size asked for, else the picture's own, brought within what the model makes."""
    if params.width is not None and params.height is not None:
        return params.wish
    if model.size is not None:
        scale = min(1.0, model.size.most / max(width, height))
        scale = max(scale, min(model.size.least / min(width, height), model.size.most / max(width, height)))
        width, height = width * scale, height * scale
    return params.wish.model_copy(
        update={"width": max(1, int(width + 0.5)), "height": max(1, int(height + 0.5))}
    )


def _nearly(length: float, whole: int) -> int:
    return whole if whole - length <= _TOLERANCE * whole else max(1, round(length))
