"""Colours as RGB 0..1 and the gradients between them, mixed in Oklab so that none turns grey.

The matrices are Björn Ottosson's (https://bottosson.github.io/posts/oklab/).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rgb: TypeAlias = tuple[float, float, float]
Field: TypeAlias = npt.NDArray[np.floating[Any]]

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
_STEPS = 512


def rgb(text: str) -> Rgb:
    """`#rrggbb` as numbers."""
    return tuple(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))  # type: ignore[return-value]  # three


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` of the other."""
    lab = _lab(np.array(one)) * (1 - share) + _lab(np.array(other)) * share
    return tuple(float(part) for part in _rgb(lab))  # type: ignore[return-value]  # three


def turned(colour: Rgb, degrees: float, lightness: float = 0.0, chroma: float = 1.0) -> Rgb:
    """The colour with its hue turned, and so much lighter and more colourful."""
    light, a, b = _lab(np.array(colour))
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle) * chroma, np.sin(angle) * chroma
    lab = np.array([np.clip(light + lightness, 0, 1), a * cos - b * sin, a * sin + b * cos])
    return tuple(float(part) for part in _rgb(lab))  # type: ignore[return-value]  # three


def gradient(stops: Sequence[Rgb], places: Field, at: Sequence[float] | None = None) -> Field:
    """Colours of shape (*places.shape, 3) along a gradient. Its stops lie at `at`, 0..1; None: evenly."""
    known = np.linspace(0, 1, len(stops)) if at is None else np.asarray(at)
    labs = np.array([_lab(np.array(stop)) for stop in stops])
    steps = np.linspace(0, 1, _STEPS)
    smooth = np.stack([np.interp(steps, known, labs[:, part]) for part in range(3)], axis=-1)
    kernel = np.hanning(_STEPS // 8)
    kernel /= kernel.sum()
    pad = len(kernel) // 2
    smooth = np.stack(
        [
            np.convolve(np.pad(smooth[:, part], pad, mode="edge"), kernel, "same")[pad:-pad]
            for part in range(3)
        ],
        axis=-1,
    )
    table = _rgb(smooth).astype(np.float32)
    index = np.clip(places * (_STEPS - 1), 0, _STEPS - 1).astype(np.int32)
    return table[index]


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, without corners."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)


def luma(colour: Rgb) -> float:
    """How light a colour looks, 0..1."""
    return float(_lab(np.array(colour))[0])


def _lab(colour: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def _rgb(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = np.clip((lab @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
