"""The marks of a chart at a moment of its animation, drawn over the ground by kernels."""

from collections.abc import Sequence

import numpy as np

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Field
from workers.gpu_generate.charts import kernels
from workers.gpu_generate.charts.curves import Curve, curves
from workers.gpu_generate.charts.layout import Layout
from workers.gpu_generate.charts.look import series, yuv
from workers.media.planes import Plane, Planes

Box = tuple[int, int, int, int]  # left, top, right, bottom

_FULL = 255.0
_AREA = (150.0, 26.0)  # how strong an area is at its line and at its foot
_UNDER_LINE = (62.0, 0.0)
_MOST_FILLED = 2  # lines with colour below them
_MOST_DOTS = 40  # points that are marked
_WIDEST = 20.0  # units of a bar
_STAGGER = 0.45  # of the time: how much later than the first the last bar begins to grow


class Marks:
    """Draws the marks of a chart onto pictures of one size."""

    def __init__(self, chart: ChartData, layout: Layout) -> None:
        self._chart, self._layout = chart, layout
        self._mask = np.zeros((layout.height, layout.width), np.uint8)
        self._values = [
            np.array(dataset.data, np.float64) for dataset in chart.datasets
        ]  # None: not a number
        count = len(chart.labels)
        self._places = np.array([layout.column(number, count) for number in range(count)])
        self._pie = _Pie(layout) if chart.type == "pie" else None

    def build(self, out: Planes, time: float) -> None:
        """As it grows: `time` 0 nothing, 1 everything."""
        match self._chart.type:
            case "bar":
                self._bars(out, [values * _risen(len(values), time) for values in self._values])
            case "pie":
                self._slices(out, np.array(self._chart.shares), eased(time))
            case _:
                self._lines(out, self._values, eased(time))

    def morph(self, out: Planes, time: float) -> None:
        """From no difference at all, every number its mean, to what they are."""
        share = _sprung(time)
        now = [_between(values, share) for values in self._values]
        match self._chart.type:
            case "bar":
                self._bars(out, now)
            case "pie":
                self._slices(out, np.maximum(_between(np.array(self._chart.shares), share), 0), 1.0)
            case _:
                self._lines(out, now, 1.0)

    def _lines(self, out: Planes, values: Sequence[Field], drawn: float) -> None:
        layout, places = self._layout, self._places
        head = float(places[0] + (places[-1] - places[0]) * drawn)
        strength = _strength(self._chart.type == "area", len(values))
        for number, row in enumerate(values):
            found = [one for one in curves(places, layout.row(row), layout.width) if one.first <= head + 0.5]
            if strength[0]:
                for curve in found:
                    self._below(curve, head, strength)
                self._tint(out, number, places[0], head)
            for curve in found:
                self._line(curve, head)
            if found:
                at = min(head, found[-1].last)
                self._dot(at, found[-1].row(at), 0.95)
            self._tint(out, number, places[0], head)

    def _below(self, curve: Curve, head: float, strength: tuple[float, float]) -> None:
        """Colour between a line and the floor; below a single point there is none."""
        floor = np.full(self._layout.width, self._layout.floor, np.float32)
        reach = max(1.0, float(np.abs(curve.upper - floor).max()))
        if curve.last > curve.first:
            kernels.fill(self._mask, curve.upper, floor, *_span(curve, head), *strength, reach)

    def _line(self, curve: Curve, head: float) -> None:
        start, end = _span(curve, head)
        if curve.swings:
            kernels.fill(self._mask, curve.upper, curve.lower, start, end, _FULL, _FULL, 1.0)
        kernels.trace(self._mask, curve.heights, start, end, 0.62 * self._layout.unit, _FULL)
        is_dotted = self._chart.type == "line" and len(self._places) <= _MOST_DOTS
        for x in curve.places if is_dotted or curve.first == curve.last else ():
            if x <= head + 0.5:
                self._dot(x, curve.row(x), 0.72)

    def _dot(self, x: float, y: float, radius: float) -> None:
        kernels.dot(self._mask, x, y, radius * self._layout.unit, _FULL)

    def _bars(self, out: Planes, values: Sequence[Field]) -> None:
        layout = self._layout
        count, rows = len(self._chart.labels), len(values)
        wide = min((layout.right - layout.left) / count * 0.7, _WIDEST * layout.unit * rows) / rows
        for number, row in enumerate(values):
            lefts = (self._places + wide * (number - rows / 2 + 0.04)).astype(np.float32)
            kernels.bars(self._mask, lefts, layout.row(row), 0.92 * wide, layout.floor, 0.7 * layout.unit)
            self._tint(out, number, layout.left, layout.right)

    def _slices(self, out: Planes, values: Field, drawn: float) -> None:
        assert self._pie is not None
        ends = np.cumsum(values) / values.sum()
        for number, (start, end) in enumerate(zip([0.0, *ends[:-1]], ends, strict=True)):
            if start < drawn and end > start:
                box = self._pie.slice_into(self._mask, float(start), float(min(end, drawn)))
                self._tint_box(out, number, box)

    def _tint(self, out: Planes, number: int, left: float, right: float) -> None:
        layout, room = self._layout, int(2 * self._layout.unit)
        rows = layout.top - room, layout.bottom + room
        self._tint_box(out, number, (int(left) - room, rows[0], int(right) + room, rows[1]))

    def _tint_box(self, out: Planes, number: int, box: Box) -> None:
        layout = self._layout
        left, top = max(0, box[0]) // 2 * 2, max(0, box[1]) // 2 * 2
        right, bottom = min(layout.width, box[2] + 2) // 2 * 2, min(layout.height, box[3] + 2) // 2 * 2
        kernels.tint(out.y, out.u, out.v, self._mask, left, top, right, bottom, *yuv(series(number)))


class _Pie:
    """A ring, every pixel's angle and distance known."""

    def __init__(self, layout: Layout) -> None:
        ring = layout.ring
        self._radius = ring.radius
        reach = int(ring.radius) + 3
        self._left, self._top = int(ring.x) - reach, int(ring.y) - reach
        right = np.arange(2 * reach + 1)[None, :] + self._left - ring.x
        down = np.arange(2 * reach + 1)[:, None] + self._top - ring.y
        self._ways = np.hypot(right, down).astype(np.float32)
        self._turns = ((np.arctan2(right, -down) / (2 * np.pi)) % 1).astype(np.float32)
        self._gap = 0.25 * layout.unit

    def slice_into(self, mask: Plane, start: float, end: float) -> Box:
        """Mark a piece of the ring between two turns. Returns where that is."""
        is_whole = end - start > 1 - 1e-6
        inner, gap = 0.58 * self._radius, 0.0 if is_whole else self._gap
        box = self._box(start, end, inner)
        shape = self._turns, self._ways, self._left, self._top, np.array(box, np.int32)
        reach = (start - 0.01, end + 0.01) if is_whole else (start, end)
        kernels.slice_(mask, *shape, *reach, inner, self._radius, gap)
        left, top, right, bottom = box
        return left + self._left, top + self._top, right + self._left, bottom + self._top

    def _box(self, start: float, end: float, inner: float) -> Box:
        """Around a piece of the ring, in its own pixels."""
        quarters = [turn for turn in np.arange(0, 1.01, 0.25) if start < turn < end]
        turns = 2 * np.pi * np.array([start, end, *quarters])
        ways = np.array([[inner], [self._radius]])
        middle = self._turns.shape[0] / 2
        x, y = middle + ways * np.sin(turns), middle - ways * np.cos(turns)
        most = self._turns.shape[0]
        least = max(0, int(x.min()) - 2), max(0, int(y.min()) - 2)
        return *least, min(most, int(x.max()) + 4), min(most, int(y.max()) + 4)


def _between(values: Field, share: float) -> Field:
    """From their mean to what they are; what is missing is missing all the while."""
    known = values[np.isfinite(values)]
    middle = known.mean() if known.size else 0.0
    return np.asarray(middle + (values - middle) * share)


def _span(curve: Curve, head: float) -> tuple[int, int]:
    """The columns of it that are drawn, as far as `head`."""
    return int(curve.first), int(min(head, curve.last)) + 1


def _strength(is_area: bool, rows: int) -> tuple[float, float]:
    """How strong the colour is between a line and the floor; below many lines none can be told apart."""
    if is_area:
        return _AREA[0] / rows**0.5, _AREA[1] / rows**0.5
    return (0.0, 0.0) if rows > _MOST_FILLED else _UNDER_LINE


def eased(time: float) -> float:
    """Quick at first, then slower and slower."""
    part = min(1.0, max(0.0, time))
    return float(1 - (1 - part) ** 3)


def _risen(count: int, time: float) -> Field:
    """How far each of so many bars has grown, one after the other."""
    starts = np.linspace(0, _STAGGER, count) if count > 1 else np.zeros(1)
    part = np.clip((time - starts) / (1 - _STAGGER), 0, 1)
    return np.asarray(1 - (1 - part) ** 3)


def _sprung(time: float) -> float:
    """To 1 and a little beyond, and back."""
    part = min(1.0, max(0.0, time))
    return float(1 - np.exp(-6 * part) * np.cos(7.5 * part) * (1 - part))
