"""Colours as the eye tells them apart: sRGB, OKLab (Björn Ottosson, 2020). Arrays of shape (…, 3)."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Colours: TypeAlias = npt.NDArray[np.floating[Any]]

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB, _FROM_LMS = np.linalg.inv(_TO_LAB), np.linalg.inv(_TO_LMS)


def lab(colours: Colours) -> Colours:
    """Of sRGB, 0 to 1: lightness 0 to 1, and two axes of colour."""
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(light @ _TO_LMS.T) @ _TO_LAB.T)


def rgb(labs: Colours) -> Colours:
    """sRGB, 0 to 1; what no screen shows is cut to what it does."""
    light = np.clip((labs @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
