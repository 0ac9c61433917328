"""Shapes as masks, and masks as colour: what templates are drawn with. Sizes are pixels.

Colour is laid on under a mask's alpha and never mixed with the black of a clear pixel, so edges have no rim.
"""

from dataclasses import dataclass

from PIL import Image, ImageColor, ImageDraw, ImageFilter

from workers.cpu_render.text.contract import Drawing, Stage
from workers.cpu_render.text.typesetting import SafeArea, Setting

_FINE = 4  # round corners are drawn so many times larger, then halved down to soft edges
_BLUR_REACH = 3  # how many of its radii a blur is still seen away

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A box that hugs its lines. Lengths are in font sizes, colours #RRGGBB or #RRGGBBAA.

    `above` is left free over capital letters and under the last baseline: by these the eye finds the
    middle. `radius` is cut to half of the box's height. `shadow` is a blur below the box, 0 for none.
    """

    fill: str
    ink: str
    beside: float
    above: float
    radius: float
    shadow: float = 0.0
    shadow_colour: str = "#00000059"


def letters(setting: Setting, size: Size, x: int, y: int, *, stroke: int = 0) -> Image.Image:
    """The mask of a setting whose block has its top left corner at x, y."""
    mask = Image.new("L", size)
    setting.draw(mask, x, y, "white", stroke=stroke, stroke_fill="white")
    return mask


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
    """A mask gone soft."""
    return mask.filter(ImageFilter.GaussianBlur(radius))


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
    em = setting.font.size
    beside, above = round(box.beside * em), round(box.above * em)
    ascent, _ = setting.font.getmetrics()
    over = ascent - setting.capital  # from the top of the block to the top of a capital
    height = setting.capital + setting.leading * (len(setting.lines) - 1) + 2 * above
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
    lay(image, letters(setting, image.size, x, margin + above - over), box.ink)
    top = SafeArea.of(stage).top_of(height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)
