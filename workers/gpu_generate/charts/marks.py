"""The marks of a chart at a moment of its animation, drawn over the ground by kernels."""

from collections.abc import Sequence

import numpy as np

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Field
from workers.gpu_generate.charts import kernels
from workers.gpu_generate.charts.layout import Layout
from workers.gpu_generate.charts.look import series, yuv
from workers.media.planes import Plane, Planes

_FULL = 255.0
_AREA = (150.0, 26.0)  # how strong an area is at its line and at its foot
_UNDER_LINE = (62.0, 0.0)
_STAGGER = 0.45  # of the time: how much later than the first the last bar begins to grow


class Marks:
    """Draws the marks of a chart onto pictures of one size."""

    def __init__(self, chart: ChartData, layout: Layout) -> None:
        self._chart, self._layout = chart, layout
        self._mask = np.zeros((layout.height, layout.width), np.uint8)
        self._values = [np.asarray(dataset.data, np.float64) for dataset in chart.datasets]
        self._columns = np.arange(layout.width, dtype=np.float32)
        self._pie = _Pie(layout) if chart.type == "pie" else None

    def build(self, out: Planes, time: float) -> None:
        """As it grows: `time` 0 nothing, 1 everything."""
        match self._chart.type:
            case "bar":
                self._bars(out, [values * _risen(len(values), time) for values in self._values])
            case "pie":
                self._slices(out, self._values[0], eased(time))
            case _:
                self._lines(out, self._values, eased(time))

    def morph(self, out: Planes, time: float) -> None:
        """From no difference at all, every number its mean, to what they are."""
        share = _sprung(time)
        now = [values.mean() + (values - values.mean()) * share for values in self._values]
        match self._chart.type:
            case "bar":
                self._bars(out, now)
            case "pie":
                self._slices(out, np.maximum(now[0], 0), 1.0)
            case _:
                self._lines(out, now, 1.0)

    def _lines(self, out: Planes, values: Sequence[Field], drawn: float) -> None:
        layout = self._layout
        count = len(self._chart.labels)
        places = np.array([layout.column(number, count) for number in range(count)])
        floor = np.full(layout.width, layout.row(max(layout.low, 0.0)), np.float32)
        first, last = places[0], places[-1]
        head = first + (last - first) * drawn
        is_area = self._chart.type == "area"
        thick = 0.62 * layout.unit
        for number, row in enumerate(values):
            heights = np.interp(self._columns, places, layout.row(row)).astype(np.float32)
            start, end = int(first), int(min(head, last)) + 1
            kernels.fill(self._mask, heights, floor, start, end, *(_AREA if is_area else _UNDER_LINE))
            self._tint(out, number, first, head)
            kernels.trace(self._mask, heights, start, end, thick, _FULL)
            if not is_area and count <= 40:
                for x in places[places <= head + 0.5]:
                    kernels.dot(
                        self._mask, x, heights[min(int(x), layout.width - 1)], 0.72 * layout.unit, _FULL
                    )
            kernels.dot(
                self._mask, head, heights[min(int(head), layout.width - 1)], 0.95 * layout.unit, _FULL
            )
            self._tint(out, number, first, head)

    def _bars(self, out: Planes, values: Sequence[Field]) -> None:
        layout = self._layout
        count, rows = len(self._chart.labels), len(values)
        room = (layout.right - layout.left) / count
        wide = room * 0.7 / rows
        floor = float(layout.row(max(layout.low, 0.0)))
        for number, row in enumerate(values):
            for place, value in enumerate(row):
                left = layout.column(place, count) - room * 0.35 + wide * number + 0.04 * wide
                head = float(layout.row(value))
                if abs(head - floor) >= 0.5:
                    kernels.bar(self._mask, left, left + 0.92 * wide, head, floor, 0.7 * layout.unit)
            self._tint(out, number, layout.left, layout.right)

    def _slices(self, out: Planes, values: Field, drawn: float) -> None:
        assert self._pie is not None
        ends = np.cumsum(values) / values.sum()
        for number, (start, end) in enumerate(zip([0.0, *ends[:-1]], ends, strict=True)):
            if start < drawn and end > start:
                self._pie.slice_into(self._mask, float(start), float(min(end, drawn)))
                self._tint_box(out, number, self._pie.box)

    def _tint(self, out: Planes, number: int, left: float, right: float) -> None:
        layout, room = self._layout, int(2 * self._layout.unit)
        self._tint_box(out, number, (int(left) - room, 0, int(right) + room, layout.height))

    def _tint_box(self, out: Planes, number: int, box: tuple[int, int, int, int]) -> None:
        layout = self._layout
        left, top = max(0, box[0]) // 2 * 2, max(0, box[1]) // 2 * 2
        right, bottom = min(layout.width, box[2] + 2) // 2 * 2, min(layout.height, box[3] + 2) // 2 * 2
        kernels.tint(out.y, out.u, out.v, self._mask, left, top, right, bottom, *yuv(series(number)))


class _Pie:
    """A ring in the left half, every pixel's angle and distance known."""

    def __init__(self, layout: Layout) -> None:
        self.radius = 0.33 * min(layout.height, layout.width)
        self.x, self.y = 0.34 * layout.width, 0.54 * layout.height
        reach = int(self.radius) + 3
        self._left, self._top = int(self.x) - reach, int(self.y) - reach
        right = np.arange(2 * reach + 1)[None, :] + self._left - self.x
        down = np.arange(2 * reach + 1)[:, None] + self._top - self.y
        self._ways = np.hypot(right, down).astype(np.float32)
        self._turns = ((np.arctan2(right, -down) / (2 * np.pi)) % 1).astype(np.float32)
        self._gap = 0.25 * layout.unit

    @property
    def box(self) -> tuple[int, int, int, int]:
        size = self._turns.shape[0]
        return self._left, self._top, self._left + size, self._top + size

    def slice_into(self, mask: Plane, start: float, end: float) -> None:
        """Mark a piece of the ring between two turns."""
        is_whole = end - start > 1 - 1e-6
        inner, gap = 0.58 * self.radius, 0.0 if is_whole else self._gap
        shape = self._turns, self._ways, self._left, self._top
        reach = (start - 0.01, end + 0.01) if is_whole else (start, end)
        kernels.slice_(mask, *shape, *reach, inner, self.radius, gap)


def pie_place(layout: Layout) -> tuple[float, float, float]:
    """The ring's middle and radius."""
    pie = _Pie(layout)
    return pie.x, pie.y, pie.radius


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
