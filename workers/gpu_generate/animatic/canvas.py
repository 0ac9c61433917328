"""The sheet that layers are drawn on: larger than the picture, so that a camera can wander over it.

Places are in picture widths and heights from the picture's top left corner; the sheet goes on beyond it on
all sides by MARGIN.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from workers.gpu_generate.animatic.colour import Field, Rgb
from workers.gpu_generate.animatic.kernels import pack
from workers.gpu_generate.animatic.noise import dice

MARGIN = 0.17
_MUCH = 4.0
LARGEST = 1920  # pixels of the picture's longer side; larger pictures are drawn so and enlarged

Rgba = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One sheet, premultiplied RGBA of shape (height, width, 4); light that is only added has no alpha.

    `depth` is 0 far away and 1 near. `drift` moves it in the course of the film, in widths and heights; `bob`
    up and down by so much, so many times. `ripple` is the sway of its rows in widths; `flicker` the share of
    it that comes and goes, `phase` when. A `fixed` one ignores the camera.
    """

    rgba: Rgba
    depth: float
    drift: tuple[float, float] = (0.0, 0.0)
    bob: tuple[float, float] = (0.0, 0.0)
    ripple: float = 0.0
    flicker: float = 0.0
    phase: float = 0.0
    fixed: bool = False

    @property
    def motion(self) -> tuple[object, ...]:
        """The same for layers that always move alike."""
        return self.depth, self.drift, self.bob, self.ripple, self.flicker, self.phase, self.fixed


@dataclass(slots=True, eq=False)
class Canvas:
    """`width` and `height` are the picture's, in pixels; `x` (1, W) and `y` (H, 1) are places."""

    width: int
    height: int
    seed: int
    x: Field = field(init=False)
    y: Field = field(init=False)
    _noise: Field = field(init=False)

    def __post_init__(self) -> None:
        columns, rows = round(self.width * (1 + 2 * MARGIN)), round(self.height * (1 + 2 * MARGIN))
        self.x = ((np.arange(columns) + 0.5) / self.width - MARGIN).astype(np.float32)[None, :]
        self.y = ((np.arange(rows) + 0.5) / self.height - MARGIN).astype(np.float32)[:, None]
        self._noise = self.dice("dither").random((64, 64), np.float32)

    @property
    def columns(self) -> int:
        return int(self.x.shape[1])

    @property
    def rows(self) -> int:
        return int(self.y.shape[0])

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def column(self, x: float) -> float:
        """The sheet's pixel column of a place."""
        return (x + MARGIN) * self.width

    def row(self, y: float) -> float:
        return (y + MARGIN) * self.height

    def dice(self, *words: str) -> np.random.Generator:
        return dice(self.seed, *words)

    def distance(self, x: float, y: float, *, flat: float = 1.0) -> Field:
        """From a place, in picture heights; `flat` above 1 makes circles wide."""
        return np.asarray(np.hypot((self.x - x) * self.aspect / flat, self.y - y))

    def below(self, edge: Field) -> Field:
        """1 below an edge of shape (W,) in heights, 0 above it, smooth over a pixel."""
        return np.asarray(np.clip((self.y - edge[None, :]) * self.height + 0.5, 0, 1))

    def painted(self, colour: Field | Rgb, alpha: Field) -> Rgba:
        """A layer's pixels: colour of shape (H, W, 3), or one for all, where alpha says so."""
        return self._packed(colour, alpha, shines=False)

    def shining(self, colour: Field | Rgb, amount: Field) -> Rgba:
        """Light to be added."""
        return self._packed(colour, amount, shines=True)

    def _packed(self, colour: Field | Rgb, amount: Field, *, shines: bool) -> Rgba:
        out = np.empty((self.rows, self.columns, 4), np.uint8)
        paint = np.asarray(colour, np.float32)
        share = np.array(np.broadcast_to(amount, out.shape[:2]), np.float32, order="C")
        pack(paint.reshape(1, 1, 3) if paint.ndim == 1 else paint, share, self._noise, shines, out)
        return out


def blurred(sheet: Field, pixels: float) -> Field:
    """A field 0..1 of shape (H, W), or (H, W, 3), softened; by much, at half its size."""
    image = Image.fromarray((np.clip(sheet, 0, 1) * 255).astype(np.uint8))
    half = pixels >= _MUCH
    small = image.reduce(2) if half else image
    for _ in range(2):
        small = small.filter(ImageFilter.BoxBlur(pixels / 2 if half else pixels))
    soft = small.resize(image.size, Image.Resampling.BILINEAR) if half else small
    return np.asarray(soft, np.float32) / 255


def shifted(sheet: Field, right: int, down: int) -> Field:
    """Moved by whole pixels; what comes in from outside is 0."""
    out = np.zeros_like(sheet)
    rows, columns = sheet.shape
    to_rows, from_rows = (
        slice(max(0, down), min(rows, rows + down)),
        slice(max(0, -down), min(rows, rows - down)),
    )
    to_columns = slice(max(0, right), min(columns, columns + right))
    from_columns = slice(max(0, -right), min(columns, columns - right))
    out[to_rows, to_columns] = sheet[from_rows, from_columns]
    return out
