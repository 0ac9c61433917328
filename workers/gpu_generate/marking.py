"""The mark on what is made for accounts whose tier has one: drawn on the pixels, before they are encoded.

It stands in the corner at the lower right, light on a soft shadow, so that it can be read on any ground.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = npt.NDArray[np.uint8]
TEXT = "made with Kinefarm"
_SIZE, _LEAST_PX = 0.032, 9  # of the shorter side
_INK, _SHADE = 0.72, 0.45  # how much covers what is behind


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A small sheet and where it lies: `ink` and `shade` are shares, 0 to 1, of shape (h, w, 1)."""

    top: int
    left: int
    ink: npt.NDArray[np.float32]
    shade: npt.NDArray[np.float32]

    def lay(self, picture: Pixels) -> None:
        """Draw it on an RGB picture of the mark's size, (H, W, 3), in place."""
        height, width = self.ink.shape[:2]
        box = picture[self.top : self.top + height, self.left : self.left + width]
        seen = box * (1 - self.shade) * (1 - self.ink) + 255 * self.ink
        box[...] = np.asarray(seen + 0.5, np.uint8)


@lru_cache(maxsize=8)
def mark_of(width: int, height: int, text: str = TEXT) -> Mark:
    """The mark for pictures of a size. Where it would not fit it is made smaller."""
    size = max(_LEAST_PX, _SIZE * min(width, height))
    wide = ImageFont.load_default(size).getlength(text)
    size *= min(1.0, 0.9 * width / wide)
    font = ImageFont.load_default(size)
    wide = font.getlength(text)
    pad = max(2, round(size * 0.6))
    across, high = min(width, round(wide) + 2 * pad), min(height, round(size * 1.3) + 2 * pad)
    sheet = Image.new("L", (across, high), 0)
    ImageDraw.Draw(sheet).text((pad, high - pad), text, fill=255, font=font, anchor="ls")
    soft = sheet.filter(ImageFilter.GaussianBlur(size * 0.18)).point(lambda tone: min(255, round(tone * 2.2)))
    return Mark(height - high, width - across, _share(sheet, _INK), _share(soft, _SHADE))


def marked(picture: Image.Image) -> Image.Image:
    """A still with the mark, RGB or RGBA as it was: on what is transparent it is seen as well."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    pixels = np.array(picture.convert("RGB"))
    mark = mark_of(picture.width, picture.height)
    mark.lay(pixels)
    drawn = Image.fromarray(pixels)
    if alpha is not None:
        cover = np.array(alpha)
        box = cover[mark.top : mark.top + mark.ink.shape[0], mark.left : mark.left + mark.ink.shape[1]]
        box[...] = np.maximum(box, np.asarray(255 * np.maximum(mark.ink, mark.shade)[..., 0], np.uint8))
        drawn.putalpha(Image.fromarray(cover))
    return drawn


def _share(sheet: Image.Image, most: float) -> npt.NDArray[np.float32]:
    return (np.asarray(sheet, np.float32) * (most / 255))[..., None]
