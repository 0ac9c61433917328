"""Pictures that can be seen through: whether they are, and what is meant to be seen there."""

import numpy as np
from PIL import Image

from workers.gpu_generate.pictures.filling import Pixels, spread

OPAQUE = 250  # of 255: what is hardly less than opaque is not meant to be seen through


def is_transparent(picture: Image.Image) -> bool:
    """Whether any of it can be seen through."""
    if not picture.has_transparency_data:
        return False
    return bool(np.asarray(picture.convert("RGBA").getchannel("A")).min() < OPAQUE)


def on_white(picture: Image.Image) -> Image.Image:
    """RGB. What lies hidden where it is transparent is not part of the picture."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.convert("RGBA").getchannel("A"))
    return ground


def seen_colours(picture: Image.Image) -> Pixels:
    """Colours of an RGB or RGBA picture, (H, W, 3); where it is transparent, those around it."""
    pixels = np.asarray(picture)
    if picture.mode != "RGBA":
        return pixels
    return spread(pixels[..., :3], pixels[..., 3])
