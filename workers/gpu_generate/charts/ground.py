"""What stands still behind a chart: ground, grid, axes, words. Drawn once."""

from collections.abc import Sequence

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Rgb, gradient
from workers.gpu_generate.charts import letters
from workers.gpu_generate.charts.layout import Layout, number_text, unit_of
from workers.gpu_generate.charts.look import AXIS, GRID, GROUND_FOOT, GROUND_TOP, TITLE, WORDS, series
from workers.media.planes import Planes

_FINER = 2
_TITLE, _LONG_TITLE, _SMALL = 5.0, 3.7, 2.5  # sizes of letters
_LABEL_ROOM, _LABEL_GAP = 17.0, 3.0
_LOOKED_AT = 200  # labels whose widths tell how many there is room for


def ground(chart: ChartData, layout: Layout, title: str) -> Planes:
    """The chart without its marks."""
    image = blank(layout.width, layout.height)
    pen = Pen(image, layout.unit)
    head(pen, title, layout.left, layout.right)
    if chart.type == "pie":
        _slices(pen, layout, chart)
        return planes_of(image)
    _grid(pen, layout)
    _labels(pen, layout, chart.labels)
    _legend(pen, layout, chart)
    return planes_of(image)


def titled(title: str, width: int, height: int, margin: float) -> Planes:
    """The ground with a title alone."""
    image = blank(width, height)
    head(Pen(image, unit_of(width, height)), title, margin, width - margin)
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
        self._image, self._draw, self.unit = image, ImageDraw.Draw(image), unit

    def words(self, x: float, y: float, text: str, size: float, colour: Rgb, anchor: str = "la") -> None:
        """On one line; (x, y) is its left, middle or right and its top or middle, as Pillow's anchors say."""
        pixels = self._pixels(size)
        above, below = letters.ascent_of(pixels)
        y += above if anchor[1] == "a" else (above - below) / 2
        found = letters.pieces(text, pixels)
        x -= sum(piece.width for piece in found) * {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]]
        for piece in found:
            self._draw.text((x, y), piece.text, font=piece.font, fill=_ink(colour), anchor="ls")
            x += piece.width

    def width(self, text: str, size: float) -> float:
        """Pixels."""
        return letters.width_of(text, self._pixels(size))

    def cut(self, text: str, size: float, room: float) -> str:
        """As much of it as goes into `room` pixels."""
        return letters.cut(text, self._pixels(size), room)

    def lines(self, text: str, size: float, room: float, most: int) -> list[str]:
        return letters.lines(text, self._pixels(size), room, most)

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Rgb) -> None:
        self._draw.line([start, end], fill=_ink(colour), width=max(1, round(0.16 * self.unit)))

    def pill(self, x: float, y: float, colour: Rgb) -> None:
        """A small rounded box, the middle of its left side at (x, y); drawn larger first."""
        unit = self.unit
        left, top, right, bottom = (
            round(part) for part in (x, y - 0.6 * unit, x + 2.6 * unit, y + 0.6 * unit)
        )
        size = max(1, right - left), max(1, bottom - top)
        large = Image.new("L", (size[0] * _FINER * 2, size[1] * _FINER * 2))
        ImageDraw.Draw(large).rounded_rectangle(
            (0, 0, large.width - 1, large.height - 1), large.height / 2, fill=255
        )
        self._image.paste(_ink(colour), (left, top), large.resize(size, Image.Resampling.BOX))

    def _pixels(self, size: float) -> int:
        return max(8, round(size * self.unit))


def head(pen: Pen, title: str, left: float, right: float) -> None:
    """The title: on one line, or smaller on two."""
    room, unit = right - left, pen.unit
    if pen.width(title, _TITLE) <= room:
        pen.words(left, 5.6 * unit, title, _TITLE, TITLE)
        return
    found = pen.lines(title, _LONG_TITLE, room, 2)
    for number, line in enumerate(found):
        y = (4.2 if len(found) > 1 else 6.2) + 1.3 * _LONG_TITLE * number
        pen.words(left, y * unit, line, _LONG_TITLE, TITLE)


def _grid(pen: Pen, layout: Layout) -> None:
    step = layout.ticks[1] - layout.ticks[0]
    for value in layout.ticks:
        y = float(layout.row(value))
        is_zero = abs(value) < step / 1e6
        pen.line((layout.left, y), (layout.right, y), AXIS if is_zero else GRID)
        pen.words(layout.left - 1.6 * layout.unit, y, number_text(value, step), _SMALL, WORDS, "rm")


def _labels(pen: Pen, layout: Layout, labels: Sequence[str]) -> None:
    """As many as have room, cut where they are long; the first always."""
    room, gap = (layout.right - layout.left) / len(labels), _LABEL_GAP * layout.unit
    some = labels[:: -(-len(labels) // _LOOKED_AT)]
    widest = max(pen.width(label, _SMALL) for label in some)
    wanted = min(widest, max(_LABEL_ROOM * layout.unit, room - gap)) + gap
    every = max(1, int(np.ceil(wanted / room)))
    y = layout.bottom + 2.2 * layout.unit
    for number in range(0, len(labels), every):
        text = pen.cut(labels[number], _SMALL, every * room - gap)
        half = pen.width(text, _SMALL) / 2 + layout.unit
        x = min(max(layout.column(number, len(labels)), half), layout.width - half)
        pen.words(x, y, text, _SMALL, WORDS, "ma")


def _legend(pen: Pen, layout: Layout, chart: ChartData) -> None:
    """The datasets' names in a row, cut where all of them together are too long."""
    named = [(number, one.label) for number, one in enumerate(chart.datasets) if one.label]
    unit = layout.unit
    around = 3.6 * unit + 4 * unit
    widths = [pen.width(label, 2.6) + around for _, label in named]
    share = (layout.right - layout.left) / max(1, len(named))
    most = share if sum(widths) > layout.right - layout.left else max(widths, default=0)
    x, y = float(layout.left), layout.top - 3.7 * unit
    for number, label in named:
        text = pen.cut(label, 2.6, most - around)
        pen.pill(x, y, series(number))
        pen.words(x + 3.6 * unit, y, text, 2.6, WORDS, "lm")
        x += pen.width(text, 2.6) + around


def _slices(pen: Pen, layout: Layout, chart: ChartData) -> None:
    """What a pie's slices are called, and their shares; the whole in its middle."""
    ring, unit, values = layout.ring, layout.unit, chart.shares
    total, name = sum(values), chart.datasets[0].label
    pen.words(ring.x, ring.y - (1.2 * unit if name else 0), number_text(total), 6.0, TITLE, "mm")
    pen.words(ring.x, ring.y + 3.6 * unit, pen.cut(name, 2.6, ring.radius), 2.6, WORDS, "mm")
    rows = list(zip(chart.labels, values, strict=True))
    step = min(7.0 * unit, (ring.list_bottom - ring.list_top) / len(rows))
    is_beside = ring.list_left > ring.x
    y = max(ring.list_top, ring.y - step * len(rows) / 2) if is_beside else ring.list_top
    size, room = min(3.2, 0.5 * step / unit), ring.list_right - ring.list_left - 14 * unit
    for number, (label, value) in enumerate(rows):
        row = y + step * (number + 0.5)
        pen.pill(ring.list_left, row, series(number))
        pen.words(ring.list_left + 4.4 * unit, row, pen.cut(label, size, room), size, TITLE, "lm")
        pen.words(ring.list_right, row, f"{100 * value / total:.1f} %", size, WORDS, "rm")


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
