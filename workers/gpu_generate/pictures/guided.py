"""Lets a rough mask follow the edges of a picture: the guided filter with a guide of three colours.

After He, Sun and Tang, "Guided Image Filtering", ECCV 2010, equations 14 to 16.
"""

import cv2
import numpy as np

from workers.gpu_generate.pictures.filling import Floats


def guided(guide: Floats, mask: Floats, *, radius: int, epsilon: float) -> Floats:
    """`guide` (H, W, 3) and `mask` (H, W), both 0 to 1. More `epsilon` follows only stronger edges."""
    mean, mean_mask = _mean(guide, radius), _mean(mask, radius)
    covariance = _mean(np.asarray(guide * mask[..., None], np.float32), radius) - mean * mean_mask[..., None]
    spread = np.empty((*mask.shape, 3, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            both = _mean(guide[..., one] * guide[..., other], radius) - mean[..., one] * mean[..., other]
            spread[..., one, other] = spread[..., other, one] = both
        spread[..., one, one] += epsilon
    slope = np.asarray(np.linalg.solve(spread, covariance[..., None])[..., 0], np.float32)
    offset = mean_mask - (slope * mean).sum(-1)
    return np.asarray((_mean(slope, radius) * guide).sum(-1) + _mean(offset, radius), np.float32)


def _mean(values: Floats, radius: int) -> Floats:
    size = 2 * radius + 1
    return np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)
