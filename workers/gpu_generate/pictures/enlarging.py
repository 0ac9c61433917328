"""Makes a picture larger by calculation: nothing is invented.

Lanczos, then iterative back-projection (Irani and Peleg 1991): what is made smaller again must be the picture
that came. Edges are sharpened no further than the lightest and darkest around them, so that no halo comes.
"""

import cv2
import numpy as np
from PIL import Image

from workers.gpu_generate.pictures.filling import Floats, Pixels

_ROUNDS = 3
_STEP = 0.8
_SHARPEN = 0.35
_OVERSHOOT = 2.0  # of 255, beyond the neighbourhood
_STAIRS = 9.0  # of 255: smaller steps along an edge are smoothed


def enlarged(picture: Image.Image, scale: float) -> Image.Image:
    """An RGB or RGBA picture `scale` times as large on each side."""
    size = (round(picture.width * scale), round(picture.height * scale))
    colours = _enlarged(np.asarray(picture.convert("RGB")), size)
    if "A" not in picture.getbands():
        return Image.fromarray(colours)
    alpha = picture.getchannel("A").resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(np.dstack([colours, np.asarray(alpha)]))


def _enlarged(picture: Pixels, size: tuple[int, int]) -> Pixels:
    given = np.asarray(picture, np.float32)
    found = _resized(given, size, Image.Resampling.LANCZOS)
    back = (picture.shape[1], picture.shape[0])
    for _ in range(_ROUNDS):
        missing = given - _resized(found, back, Image.Resampling.BOX)
        found = np.asarray(found + _STEP * _resized(missing, size, Image.Resampling.BICUBIC), np.float32)
    return np.asarray(np.clip(_sharpened(found, size[0] / back[0]) + 0.5, 0, 255), np.uint8)


def _sharpened(picture: Floats, scale: float) -> Floats:
    """Its lightness alone: without stairs, then within what is around it."""
    colours = cv2.cvtColor(np.asarray(np.clip(picture, 0, 255), np.float32), cv2.COLOR_RGB2YCrCb)
    light = np.ascontiguousarray(colours[..., 0])
    even = cv2.bilateralFilter(light, -1, _STAIRS, 0.5 * scale)
    soft = cv2.GaussianBlur(even, (0, 0), 0.6 * scale)
    reach = np.ones((2 * round(scale / 2) + 1,) * 2, np.uint8)
    least, most = cv2.erode(even, reach) - _OVERSHOOT, cv2.dilate(even, reach) + _OVERSHOOT
    colours[..., 0] = np.clip(even + _SHARPEN * (even - soft), least, most)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_YCrCb2RGB), np.float32)


def _resized(picture: Floats, size: tuple[int, int], filter_: Image.Resampling) -> Floats:
    """By Pillow, whose filters widen when they make smaller."""
    bands = [
        Image.fromarray(np.ascontiguousarray(picture[..., band])).resize(size, filter_)
        for band in range(picture.shape[2])
    ]
    return np.dstack([np.asarray(band) for band in bands])
