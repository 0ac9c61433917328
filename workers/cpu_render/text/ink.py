"""Shapes as masks, and masks as colour: what templates are drawn with. Sizes are pixels.

Colour is laid on under a mask's alpha and never mixed with the black of a clear pixel, so edges have no rim.
"""

from dataclasses import dataclass
from math import cos, pi, sin

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

from workers.cpu_render.text.contract import Drawing, Stage
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import Setting

_FINE = 4  # round corners are drawn so many times larger, then halved down to soft edges
_TURNS = 24  # directions in which a silhouette is grown
_WIDE_BLUR = 6  # pixels
_BLUR_REACH = 3  # how many of its radii a blur is still seen away

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A box that hugs its lines. Lengths are in font sizes, colours #RRGGBB or #RRGGBBAA.

    `above` is left free over capital letters and under the last baseline: by these the eye finds the
    middle. For scripts that reach further the box grows. `radius` is cut to half of the box's height.
    `shadow` is a blur below the box, 0 for none.
    """

    fill: str
    ink: str
    beside: float
    above: float
    radius: float
    shadow: float = 0.0
    shadow_colour: str = "#00000059"


def letters(setting: Setting, size: Size, x: int, y: int, *, stroke: int = 0) -> Image.Image:
    """The mask of a setting whose block has its top left corner at x, y, its emoji as silhouettes."""
    mask = Image.new("L", size)
    setting.draw(mask, x, y, stroke=stroke)
    for picture in setting.pictures(x, y):
        silhouette = _thickened(picture.image.getchannel("A"), stroke)
        corner = (picture.x - stroke, picture.y - stroke)
        mask.paste(255, corner, silhouette)
    return mask


def write(canvas: Image.Image, setting: Setting, x: int, y: int, colour: str) -> None:
    """Put a setting on an RGBA canvas: its letters in a colour, its emoji in their own."""
    mask = Image.new("L", canvas.size)
    setting.draw(mask, x, y)
    lay(canvas, mask, colour)
    for picture in setting.pictures(x, y):
        sheet = Image.new("RGBA", canvas.size)
        sheet.paste(picture.image, (picture.x, picture.y))
        canvas.alpha_composite(sheet)


def _thickened(mask: Image.Image, radius: int) -> Image.Image:
    """A mask grown by a radius to all sides."""
    out = ImageOps.expand(mask, radius)
    for step in range(_TURNS if radius else 0):
        angle = 2 * pi * step / _TURNS
        x, y = (round(radius * (1 + turned)) for turned in (cos(angle), sin(angle)))
        shifted = Image.new("L", out.size)
        shifted.paste(mask, (x, y))
        out = ImageChops.lighter(out, shifted)
    return out


def rounded(size: Size, box: tuple[int, int, int, int], radius: int) -> Image.Image:
    """The mask of a box with round corners; right and bottom are exclusive."""
    left, top, right, bottom = box
    fine = Image.new("L", ((right - left) * _FINE, (bottom - top) * _FINE))
    edge = (0, 0, fine.width - 1, fine.height - 1)
    ImageDraw.Draw(fine).rounded_rectangle(edge, radius * _FINE, fill=255)
    mask = Image.new("L", size)
    mask.paste(fine.resize((right - left, bottom - top), Image.Resampling.BOX), (left, top))
    return mask


def blurred(mask: Image.Image, radius: float) -> Image.Image:
    """A mask gone soft; a wide blur is made of a quarter of the size, which nobody sees."""
    if radius < _WIDE_BLUR:
        return mask.filter(ImageFilter.GaussianBlur(radius))
    small = mask.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    whole = (small.width * 4, small.height * 4)
    return small.resize(whole, Image.Resampling.BICUBIC).crop((0, 0, *mask.size))


def reach(radius: float) -> int:
    """How much room a blur of that radius needs on every side."""
    return round(_BLUR_REACH * radius)


def lay(canvas: Image.Image, mask: Image.Image, colour: str) -> None:
    """Put a colour on an RGBA canvas where a mask of its size says."""
    *rgb, alpha = ImageColor.getcolor(colour, "RGBA")  # type: ignore[misc]  # four numbers in this mode
    sheet = Image.new("RGBA", canvas.size, (*rgb, 255))
    sheet.putalpha(mask.point(lambda value: round(value * alpha / 255)))
    canvas.alpha_composite(sheet)


def boxed(setting: Setting, stage: Stage, box: Box) -> Drawing:
    """A setting on a box of its own, where the stage's position asks for it."""
    em = setting.size
    beside, above = round(box.beside * em), round(box.above * em)
    height = setting.body + 2 * above
    width = max(setting.width + 2 * beside, height)
    radius = min(round(box.radius * em), height // 2)
    margin = reach(box.shadow * em)
    image = Image.new("RGBA", (width + 2 * margin, height + 2 * margin))
    frame = (margin, margin, margin + width, margin + height)
    if box.shadow:
        shade = rounded(image.size, frame, radius)
        lay(image, blurred(shade, box.shadow * em), box.shadow_colour)
    lay(image, rounded(image.size, frame, radius), box.fill)
    x = margin + (width - setting.width) // 2
    write(image, setting, x, margin + above - setting.over, box.ink)
    top = SafeArea.of(stage).top_of(height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)
