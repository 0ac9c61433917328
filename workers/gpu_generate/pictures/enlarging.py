"""Makes a picture larger by calculation: nothing is invented.

Lanczos, then iterative back-projection (Irani and Peleg 1991): what is made smaller again must be the picture
that came. Edges are sharpened no further than the lightest and darkest around them, so that no halo comes.
"""

import cv2
import numpy as np
from PIL import Image

from workers.gpu_generate.pictures.alpha import seen_colours
from workers.gpu_generate.pictures.filling import Floats, Pixels

_LIGHT = (0.299, 0.587, 0.114)  # what each colour gives to lightness (BT.601)
_ROUNDS = 3
_STEP = 0.8
_SHARPEN = 0.35
_OVERSHOOT = 2.0  # of 255, beyond the neighbourhood
_STAIRS = 9.0  # of 255: smaller steps along an edge are smoothed


def enlarged(picture: Image.Image, scale: float) -> Image.Image:
    """An RGB or RGBA picture `scale` times as large on each side."""
    size = (round(picture.width * scale), round(picture.height * scale))
    colours = _enlarged(seen_colours(picture), size)
    if picture.mode != "RGBA":
        return Image.fromarray(colours)
    alpha = picture.getchannel("A").resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(np.dstack([colours, np.asarray(alpha)]))


def _enlarged(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """Colour by colour, which takes a third of the memory; 16 bits are finer than a file's tones."""
    bands = []
    light: Floats = np.zeros((size[1], size[0]), np.float32)
    for band, share in enumerate(_LIGHT):
        found = _band(np.ascontiguousarray(picture[..., band]), size)
        light += np.float32(share) * found
        bands.append(found.astype(np.float16))
    more = _sharper(light, size[0] / picture.shape[1]) - light
    return np.dstack([np.asarray(np.clip(band + more + 0.5, 0, 255), np.uint8) for band in bands])


def _band(given: Pixels, size: tuple[int, int]) -> Floats:
    wanted = Image.fromarray(given.astype(np.float32))
    found = np.asarray(wanted.resize(size, Image.Resampling.LANCZOS))
    for _ in range(_ROUNDS):
        missing = np.asarray(wanted) - Image.fromarray(found).resize(wanted.size, Image.Resampling.BOX)
        more = Image.fromarray(np.asarray(missing, np.float32)).resize(size, Image.Resampling.BICUBIC)
        found = found + np.float32(_STEP) * np.asarray(more)
    return np.asarray(np.clip(found, 0, 255), np.float32)


def _sharper(light: Floats, scale: float) -> Floats:
    """Without stairs, then sharpened within what is around it."""
    even = cv2.bilateralFilter(light, -1, _STAIRS, 0.5 * scale)
    soft = cv2.GaussianBlur(even, (0, 0), 0.6 * scale)
    reach = np.ones((2 * round(scale / 2) + 1,) * 2, np.uint8)
    least, most = cv2.erode(even, reach) - _OVERSHOOT, cv2.dilate(even, reach) + _OVERSHOOT
    return np.asarray(np.clip(even + _SHARPEN * (even - soft), least, most), np.float32)
