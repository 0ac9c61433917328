"""How large a video is: by the words of a request or its first picture, as the model can make it. Pure."""

from collections.abc import Sequence
from fractions import Fraction

from farm.models import Model

_OWN_SIDE = 720
_SMALLER = (480, 360, 256)
_WIDEST = Fraction(21, 9)
_ORDINARY = Fraction(16, 9)


def size_of(
    aspect_ratio: str | None,
    resolution: str | None,
    picture: tuple[int, int] | None,
    model: Model | None,
    most_side: int,
) -> tuple[int, int]:
    """Width and height in even pixels. `picture` is the size of the first one, None where it is not known.

    A resolution that is named is kept as it is; else the largest of ours with a shorter side of at most
    `most_side` that the model can make.
    """
    ratio = _ratio(aspect_ratio, picture)
    if resolution is not None:
        return _sized(ratio, int(resolution.removesuffix("p")))
    sides = [side for side in (_OWN_SIDE, *_SMALLER) if side <= most_side] or [most_side]
    return next((size for size in _sizes(ratio, sides) if _is_made(size, model)), _sized(ratio, sides[-1]))


def _ratio(aspect_ratio: str | None, picture: tuple[int, int] | None) -> Fraction:
    if aspect_ratio is not None:
        wide, high = aspect_ratio.split(":")
        return Fraction(int(wide), int(high))
    if picture is None:
        return _ORDINARY
    return min(max(Fraction(*picture), 1 / _WIDEST), _WIDEST)


def _sizes(ratio: Fraction, sides: Sequence[int]) -> list[tuple[int, int]]:
    return [_sized(ratio, side) for side in sides]


def _sized(ratio: Fraction, side: int) -> tuple[int, int]:
    return (_even(side * ratio), side) if ratio >= 1 else (side, _even(side / ratio))


def _even(pixels: Fraction) -> int:
    return 2 * round(pixels / 2)


def _is_made(size: tuple[int, int], model: Model | None) -> bool:
    return model is None or model.size is None or max(size) <= model.size.most
