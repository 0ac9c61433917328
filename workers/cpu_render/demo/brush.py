"""The few tools the demo's pictures are drawn with: gradients, noise, soft shapes, grain.

A canvas is a float32 array of shape (height, width, 3) in sRGB values 0..1. Lengths are in widths of
the picture, measured from its top left corner, so that circles are round.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Canvas = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.floating[Any]]
Colour = npt.NDArray[np.floating[Any]]

WIDTH, HEIGHT = 1620, 2160
BAND_ROWS = 32
ASPECT = HEIGHT / WIDTH

X: Mask = ((np.arange(WIDTH, dtype=np.float32) + 0.5) / WIDTH)[None, :]
Y: Mask = ((np.arange(HEIGHT, dtype=np.float32) + 0.5) / WIDTH)[:, None]


def colour(code: str) -> Colour:
    """An "rrggbb" code as three floats."""
    return np.frombuffer(bytes.fromhex(code), np.uint8).astype(np.float32) / 255


def ramp(at: Mask, *stops: tuple[float, str]) -> Canvas:
    """Colours along a line: `at` of any shape, stops of (position, code) in rising order."""
    places = [place for place, _ in stops]
    colours = np.stack([colour(code) for _, code in stops])
    channels = [np.interp(at, places, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def sky(*stops: tuple[float, str]) -> Canvas:
    """A canvas with a vertical gradient."""
    return np.repeat(ramp(Y, *stops), WIDTH, axis=1)


def smooth(low: float, high: float, at: Mask) -> Mask:
    """0 below `low`, 1 above `high`, an S between; `low` may be the greater one."""
    t = np.clip((at - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def paint(canvas: Canvas, mask: Mask, paint_colour: Colour | Canvas) -> None:
    """Lay a colour over the canvas where the mask is 1, in place."""
    for part, alpha, over in _bands(canvas, mask, paint_colour):
        part += alpha * (over - part)


def lighten(canvas: Canvas, mask: Mask, light: Colour | Canvas) -> None:
    """Screen a colour onto the canvas, in place: light on light never burns out."""
    for part, alpha, over in _bands(canvas, mask, light):
        part += alpha * over * (1 - part)


def _bands(
    canvas: Canvas, mask: Mask, over: Colour | Canvas
) -> Iterator[tuple[Canvas, Mask, Colour | Canvas]]:
    """A few rows at a time, which stay in the processor's cache; rows without a mask are left out."""
    for top in range(0, canvas.shape[0], BAND_ROWS):
        rows = slice(top, top + BAND_ROWS)
        if mask[rows].any():
            yield canvas[rows], mask[rows][..., None], over if over.ndim == 1 else over[rows]


def disc(x: float, y: float, radius: float, softness: float = 0.0008) -> Mask:
    """A filled circle with an antialiased or soft rim."""
    return smooth(radius + softness, radius - softness, np.hypot(X - x, Y - y))


def glow(x: float, y: float, radius: float, squash: float = 1.0) -> Mask:
    """Light that falls off around a point; `squash` above 1 makes it wide and flat."""
    distance = ((X - x) / squash) ** 2 + (Y - y) ** 2
    return np.exp(-distance / (2 * radius**2)).astype(np.float32)


def below(line: Mask) -> Mask:
    """Everything under a horizon line (one height per column), antialiased."""
    return np.clip((Y - line[None, :]) * WIDTH + 0.5, 0, 1).astype(np.float32)


def wander(rng: np.random.Generator, knots: int, octaves: int, fall: float = 0.5) -> Mask:
    """A random line over the width, about -1..1: `knots` hills, and finer ones of `fall` the height each."""
    line = np.zeros(WIDTH, np.float32)
    weight = 1.0
    for octave in range(octaves):
        count = knots * 2**octave + 3
        values = rng.uniform(-1, 1, count)
        at = np.linspace(0.5, count - 2.5, WIDTH)
        index = at.astype(int)
        t = at - index
        eased = t * t * (3 - 2 * t)
        line += (weight * (values[index] * (1 - eased) + values[index + 1] * eased)).astype(np.float32)
        weight *= fall
    return line


def eased(line: Mask, reach: int) -> Mask:
    """A line without its teeth: the mean over `reach` columns to both sides."""
    padded = np.pad(line, reach, mode="edge")
    window = np.ones(2 * reach + 1, np.float32) / (2 * reach + 1)
    return np.asarray(np.convolve(padded, window, mode="valid"), np.float32)


def clouds(rng: np.random.Generator, columns: int, rows: int, octaves: int, fall: float = 0.5) -> Mask:
    """Soft noise over the canvas, 0..1: `columns` × `rows` blobs, and finer ones of `fall` the weight."""  # noqa: RUF002
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        small = rng.random((rows * 2**octave + 2, columns * 2**octave + 2), np.float32)
        total += weight * np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        weights += weight
        weight *= fall
    return total / weights


def stars(
    canvas: Canvas, rng: np.random.Generator, count: int, horizon: float, light: str = "ffffff"
) -> None:
    """Small round stars above `horizon`, most of them faint."""
    for _ in range(count):
        x, y = int(rng.integers(4, WIDTH - 5)), int(rng.integers(4, int(horizon * WIDTH)))
        radius = rng.uniform(0.6, 1.1) + (rng.random() > 0.94) * rng.uniform(0.5, 1.1)
        strength = rng.uniform(0.15, 0.9) * float(np.clip(1.15 - y / (horizon * WIDTH), 0.1, 1))
        grid = np.arange(-4, 5, dtype=np.float32)
        dot = np.exp(-(grid[:, None] ** 2 + grid[None, :] ** 2) / (2 * radius**2)) * strength
        lighten(canvas[y - 4 : y + 5, x - 4 : x + 5], dot.astype(np.float32), colour("ffffff"))


def mirror(canvas: Canvas, rng: np.random.Generator, shore: float, deep: str) -> None:
    """Fill the picture below `shore` with the blurred, rippled, darkened image of what is above."""
    top = int(shore * WIDTH)
    rows = HEIGHT - top
    image = Image.fromarray((np.clip(canvas[top - rows : top][::-1], 0, 1) * 255).astype(np.uint8))
    image = image.resize((WIDTH // 3, rows // 9), Image.Resampling.BOX).resize(
        (WIDTH, rows), Image.Resampling.BICUBIC
    )
    still = np.asarray(image, np.float32) / 255
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    ripples = np.cumsum(rng.normal(0, 1, rows)) % 9 - 4.5 + rng.normal(0, 3, rows)
    columns = (np.arange(WIDTH)[None, :] + (ripples[:, None] * (0.4 + 3.5 * depth)).astype(int)) % WIDTH
    water = still[np.arange(rows)[:, None], columns]
    water += (0.30 + 0.45 * depth[..., None]) * (colour(deep) - water)
    canvas[top:] = water
    shine = np.exp(-(((Y[top : top + 12] - shore) * WIDTH / 3) ** 2)) * 0.25
    lighten(canvas[top : top + 12], np.repeat(shine, WIDTH, 1).astype(np.float32), colour("d8f3ee"))


def finish(
    canvas: Canvas, rng: np.random.Generator, grain: float = 0.012, vignette: float = 0.22
) -> Image.Image:
    """Darken the corners, add film grain (which also keeps gradients from banding), round to 8 bits."""
    distance = ((X - 0.5) / 0.5) ** 2 + ((Y - ASPECT / 2) / (ASPECT / 2)) ** 2
    canvas *= (1 - vignette * np.clip(distance - 0.35, 0, None) ** 1.5 / 2.1)[..., None]
    noise = rng.standard_normal((HEIGHT, WIDTH), np.float32)
    canvas += (noise * grain)[..., None]
    return Image.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8))
