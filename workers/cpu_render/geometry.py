"""Where a picture of one shape goes in a frame of another. Pure arithmetic on whole pixels."""

from dataclasses import dataclass
from fractions import Fraction

from farm.timeline import Fit
from workers.media.colour import Crop

# `Fit.AUTO` fills the frame while at least this much of the picture stays in view.
_LEAST_IN_VIEW = Fraction(2, 3)


@dataclass(frozen=True, slots=True)
class Placement:
    """`crop` of the source goes to `width` x `height` pixels at `x`, `y`; all even.

    `backdrop`: the picture leaves part of the frame free, which a blurred copy of it fills.
    """

    crop: Crop
    x: int
    y: int
    width: int
    height: int
    backdrop: bool


def place(source_width: int, source_height: int, width: int, height: int, fit: Fit) -> Placement:
    """Fit a picture into a frame of even `width` x `height`."""
    if fit is Fit.COVER or (fit is Fit.AUTO and _in_view(source_width, source_height, width, height)):
        crop = covering_crop(source_width, source_height, width, height)
        return Placement(crop, 0, 0, width, height, backdrop=False)
    whole = Crop(0, 0, source_width, source_height)
    scale = min(Fraction(width, source_width), Fraction(height, source_height))
    inner_width = min(width, _even(source_width * scale))
    inner_height = min(height, _even(source_height * scale))
    left, top = (width - inner_width) // 4 * 2, (height - inner_height) // 4 * 2
    free = (inner_width, inner_height) != (width, height)
    return Placement(whole, left, top, inner_width, inner_height, backdrop=free)


def covering_crop(source_width: int, source_height: int, width: int, height: int) -> Crop:
    """The largest centred part of a picture that has the frame's shape, on even pixels.

    A line of single pixels is kept whole: chroma at half size leaves nothing to cut.
    """
    if min(source_width, source_height) < 2:
        return Crop(0, 0, source_width, source_height)
    kept_width = min(source_width, _even(Fraction(source_height * width, height)))
    kept_height = min(source_height, _even(Fraction(source_width * height, width)))
    return Crop(
        (source_width - kept_width) // 4 * 2, (source_height - kept_height) // 4 * 2, kept_width, kept_height
    )


def _in_view(source_width: int, source_height: int, width: int, height: int) -> bool:
    shape, frame_shape = Fraction(source_width, source_height), Fraction(width, height)
    return min(shape / frame_shape, frame_shape / shape) >= _LEAST_IN_VIEW


def _even(length: Fraction) -> int:
    return max(2, round(length / 2) * 2)
