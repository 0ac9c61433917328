"""Colours as RGB 0..1 and the gradients between them, mixed in OKLab so that none turns grey."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from workers.media import oklab

Rgb: TypeAlias = tuple[float, float, float]
Field: TypeAlias = npt.NDArray[np.floating[Any]]

_STEPS = 512


def rgb(text: str) -> Rgb:
    """`#rrggbb` as numbers."""
    return tuple(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))  # type: ignore[return-value]  # three


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` of the other."""
    lab = oklab.lab(np.array(one)) * (1 - share) + oklab.lab(np.array(other)) * share
    return tuple(float(part) for part in oklab.rgb(lab))  # type: ignore[return-value]  # three


def turned(colour: Rgb, degrees: float, lightness: float = 0.0, chroma: float = 1.0) -> Rgb:
    """The colour with its hue turned, and so much lighter and more colourful."""
    light, a, b = oklab.lab(np.array(colour))
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle) * chroma, np.sin(angle) * chroma
    lab = np.array([np.clip(light + lightness, 0, 1), a * cos - b * sin, a * sin + b * cos])
    return tuple(float(part) for part in oklab.rgb(lab))  # type: ignore[return-value]  # three


def gradient(stops: Sequence[Rgb], places: Field, at: Sequence[float] | None = None) -> Field:
    """Colours of shape (*places.shape, 3) along a gradient. Its stops lie at `at`, 0..1; None: evenly."""
    known = np.linspace(0, 1, len(stops)) if at is None else np.asarray(at)
    labs = np.array([oklab.lab(np.array(stop)) for stop in stops])
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
    table = oklab.rgb(smooth).astype(np.float32)
    index = np.clip(places * (_STEPS - 1), 0, _STEPS - 1).astype(np.int32)
    return table[index]


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, without corners."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)


def luma(colour: Rgb) -> float:
    """How light a colour looks, 0..1."""
    return float(oklab.lab(np.array(colour))[0])
