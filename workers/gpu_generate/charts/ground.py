"""What stands still behind a chart: ground, grid, axes, words. Drawn once."""

from collections.abc import Sequence

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Rgb, gradient
from workers.gpu_generate.charts.layout import Layout, number_text
from workers.gpu_generate.charts.look import (
    AXIS,
    GRID,
    GROUND_FOOT,
    GROUND_TOP,
    TITLE,
    WORDS,
    font_for,
    series,
)
from workers.media.planes import Planes

_FINER = 2


def ground(chart: ChartData, layout: Layout, title: str) -> Planes:
    """The chart without its marks."""
    image = blank(layout.width, layout.height)
    pen = Pen(image, layout.unit)
    if title:
        pen.words(layout.left, 0.062 * layout.height, title, 5.0, TITLE)
    if chart.type == "pie":
        return planes_of(image)
    _grid(pen, layout)
    _labels(pen, layout, chart.labels)
    _legend(pen, layout, chart)
    return planes_of(image)


def blank(width: int, height: int) -> Image.Image:
    """The ground alone, with a breath of noise so that it has no steps."""
    down = np.linspace(0, 1, height, dtype=np.float32)
    colours = np.repeat(gradient((GROUND_TOP, GROUND_FOOT), down)[:, None, :], width, axis=1) * 255
    noise = np.random.Generator(np.random.Philox(1)).random((height, width, 1), np.float32)
    return Image.fromarray((colours + noise).astype(np.uint8))


class Pen:
    """Draws words and lines smoothly on a picture; sizes are in the layout's units."""

    def __init__(self, image: Image.Image, unit: float) -> None:
        self._image, self._draw, self._unit = image, ImageDraw.Draw(image), unit

    def words(self, x: float, y: float, text: str, size: float, colour: Rgb, anchor: str = "la") -> None:
        """As Pillow's anchors say where (x, y) is of them."""
        pixels = max(8, round(size * self._unit))
        for letter, font, offset in font_for(text, pixels, anchor):
            self._draw.text((x + offset, y), letter, font=font, fill=_ink(colour), anchor="l" + anchor[1])

    def width(self, text: str, size: float) -> float:
        return sum(
            font.getlength(letter)
            for letter, font, _ in font_for(text, max(8, round(size * self._unit)), "la")
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Rgb) -> None:
        self._draw.line([start, end], fill=_ink(colour), width=max(1, round(0.16 * self._unit)))

    def pill(self, box: Sequence[float], colour: Rgb) -> None:
        """A small rounded box, drawn larger first."""
        left, top, right, bottom = (round(part) for part in box)
        large = Image.new("L", ((right - left) * _FINER * 2, (bottom - top) * _FINER * 2))
        ImageDraw.Draw(large).rounded_rectangle(
            (0, 0, large.width - 1, large.height - 1), large.height / 2, fill=255
        )
        mask = large.resize((right - left, bottom - top), Image.Resampling.BOX)
        self._image.paste(_ink(colour), (left, top), mask)


def _grid(pen: Pen, layout: Layout) -> None:
    step = layout.ticks[1] - layout.ticks[0]
    for value in layout.ticks:
        y = float(layout.row(value))
        is_zero = abs(value) < step / 1e6
        pen.line((layout.left, y), (layout.right, y), AXIS if is_zero else GRID)
        pen.words(layout.left - 1.6 * layout.unit, y, number_text(value, step), 2.5, WORDS, "rm")


def _labels(pen: Pen, layout: Layout, labels: Sequence[str]) -> None:
    """As many as have room; the first always."""
    room = (layout.right - layout.left) / len(labels)
    widest = max(pen.width(label, 2.5) for label in labels) + 2 * layout.unit
    every = max(1, int(np.ceil(widest / room)))
    for number in range(0, len(labels), every):
        x = layout.column(number, len(labels))
        pen.words(x, layout.bottom + 2.2 * layout.unit, labels[number], 2.5, WORDS, "ma")


def _legend(pen: Pen, layout: Layout, chart: ChartData) -> None:
    x, y = float(layout.left), layout.top - 5.2 * layout.unit
    for number, dataset in enumerate(chart.datasets):
        if not dataset.label:
            continue
        unit = layout.unit
        pen.pill((x, y + 0.9 * unit, x + 2.6 * unit, y + 2.1 * unit), series(number))
        pen.words(x + 3.6 * unit, y + 1.5 * unit, dataset.label, 2.6, WORDS, "lm")
        x += 3.6 * unit + pen.width(dataset.label, 2.6) + 4 * unit


def planes_of(image: Image.Image) -> Planes:
    """A picture as the encoder takes it."""
    frame = VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
    frame.color_range = ColorRange.JPEG
    converted = frame.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    return Planes.of(converted)


def _ink(colour: Rgb) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue
