"""Guesses what lies where nothing is known, from what lies around it. Arrays are uint8 RGB, (H, W, 3)."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_SIGMA = 3.0  # pixels: a softness that is quickly had, and bears enlarging


def spread(picture: Pixels, known: Pixels) -> Pixels:
    """Where `known` (H, W) is 0, the colours of the nearest known places, ever softer with distance."""
    weight: Floats = np.asarray(known, np.float32) / np.float32(255)
    levels = [(np.asarray(picture * weight[..., None], np.float32), weight)]
    while min(levels[-1][1].shape) > 2:
        levels.append(_halved(*levels[-1]))
    found = _mean(*levels[-1])
    for colours, weight in reversed(levels[:-1]):
        rows, columns = weight.shape
        found = np.asarray(cv2.pyrUp(found)[:rows, :columns], np.float32)
        share = np.clip(weight * 4, 0, 1)[..., None]
        found = np.asarray(share * _mean(colours, weight) + (1 - share) * found, np.float32)
    whole = levels[0][1][..., None]
    return np.asarray(np.clip(picture * whole + found * (1 - whole) + 0.5, 0, 255), np.uint8)


def _halved(colours: Floats, weight: Floats) -> tuple[Floats, Floats]:
    return np.asarray(cv2.pyrDown(colours), np.float32), np.asarray(cv2.pyrDown(weight), np.float32)


def _mean(colours: Floats, weight: Floats) -> Floats:
    return np.asarray(colours / np.maximum(weight, 1e-4)[..., None], np.float32)


def extended(picture: Pixels, width: int, height: int, left: int, top: int) -> Pixels:
    """The picture on a larger canvas: beyond its edges it is mirrored, and ever softer."""
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width):
        return picture
    down = _mirrored(np.arange(height) - top, rows)
    across = _mirrored(np.arange(width) - left, columns)
    whole = np.ascontiguousarray(picture[down][:, across])
    x, y = np.arange(width) - left, np.arange(height) - top
    beside = np.maximum(np.maximum(-x, x - columns + 1), 0)[None, :]
    above = np.maximum(np.maximum(-y, y - rows + 1), 0)[:, None]
    distance = np.hypot(beside, above).astype(np.float32) / max(rows, columns)
    for sigma, start in ((0.006, 0.0), (0.018, 0.05), (0.05, 0.16)):
        soft = _soft(whole, max(0.8, sigma * max(width, height)))
        share = np.clip((distance - start) / (start + 0.03), 0, 1)[..., None]
        whole = np.asarray(whole * (1 - share) + soft * share + 0.5, np.uint8)
    whole[top : top + rows, left : left + columns] = picture
    return whole


def _soft(picture: Pixels, sigma: float) -> Pixels:
    """Blurred in pixels; where that is much, on a smaller picture, or it would take minutes."""
    rows, columns = picture.shape[:2]
    times = max(1.0, sigma / _SIGMA)
    size = (max(1, round(columns / times)), max(1, round(rows / times)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / times)
    return np.asarray(cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8)


def mixed(kept: Pixels, made: Pixels, mask: Pixels) -> Pixels:
    """`made` where the mask (H, W) is 255, `kept` where it is 0; its edge is softened inwards."""
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.8, max(mask.shape) / 700)).astype(np.float32)
    share = (np.minimum(soft, mask) / 255)[..., None]
    return np.asarray(kept * (1 - share) + made * share + 0.5, np.uint8)


def _mirrored(index: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    folded = index % (2 * count)
    return np.asarray(np.minimum(folded, 2 * count - 1 - folded))
