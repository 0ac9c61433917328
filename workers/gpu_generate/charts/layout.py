"""Where everything of a chart lies: its plot, the scale of its numbers, the column of each label. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Field

_TICKS = 5
_MOST_SLICES = 14  # that are told apart
_LEAST, _MOST = 1e-5, 1e15  # numbers beyond are written with their power of ten


@dataclass(frozen=True, slots=True)
class Layout:
    """Pixels. `low` and `high` are the numbers at the plot's bottom and top, `ticks` the marked ones."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int
    low: float
    high: float
    ticks: Sequence[float]

    def row(self, value: float | Field) -> Field:
        """The row of a number, or of many."""
        share = (np.asarray(value, np.float64) - self.low) / (self.high - self.low)
        return np.asarray(self.bottom - share * (self.bottom - self.top), np.float32)

    @property
    def floor(self) -> float:
        """The row from which marks rise or hang: that of zero, as far as the plot goes."""
        return float(self.row(min(max(0.0, self.low), self.high)))

    def column(self, number: float, count: int) -> float:
        """The middle of a label's place."""
        return self.left + (self.right - self.left) * (number + 0.5) / count

    @property
    def unit(self) -> float:
        """What sizes are measured in: 8 pixels where the smaller side is 720."""
        return unit_of(self.width, self.height)

    @property
    def ring(self) -> "Ring":
        return ring_of(self)


@dataclass(frozen=True, slots=True)
class Ring:
    """Where a pie lies, and the list of its slices: beside it, or below where the picture is not wide."""

    x: float
    y: float
    radius: float
    list_left: float
    list_right: float
    list_top: float
    list_bottom: float


def unit_of(width: int, height: int) -> float:
    """A ninetieth of the smaller side."""
    return min(width, height) / 90


def layout_of(chart: ChartData, width: int, height: int, *, has_title: bool) -> Layout:
    """A chart's places in a picture of a size."""
    values = [value for dataset in chart.datasets for value in dataset.data if value is not None]
    low, high, ticks = scale(min(values), max(values), from_zero=chart.type in ("bar", "area"))
    has_legend = chart.type != "pie" and any(dataset.label for dataset in chart.datasets)
    unit = unit_of(width, height)
    head = 9.0 + (8.1 if has_title else 0.0) + (5.9 if has_legend else 0.0)
    return Layout(
        width,
        height,
        left=round(max(0.085 * width, 11 * unit)),
        top=round(head * unit),
        right=round(width - 0.045 * width),
        bottom=round(height - 10.4 * unit),
        low=low,
        high=high,
        ticks=ticks,
    )


def ring_of(layout: Layout) -> Ring:
    """Two fifths of a wide picture, or the upper part of a high one."""
    width, height, unit = layout.width, layout.height, layout.unit
    top, bottom = layout.top - 4 * unit, height - 6 * unit
    if width >= 1.25 * height:
        x, y, radius = 0.34 * width, 0.54 * height, 0.33 * height
        return Ring(x, y, radius, 0.62 * width, 0.955 * width, max(top, 0.12 * height), bottom)
    radius = min(0.36 * width, 0.29 * (bottom - top))
    y = top + 5 * unit + radius
    return Ring(0.5 * width, y, radius, layout.left, layout.right, y + radius + 6 * unit, bottom)


def told_apart(chart: ChartData) -> ChartData:
    """The chart; of a pie with many slices the largest, in their order, and the rest as one."""
    values = chart.shares
    if chart.type != "pie" or len(values) <= _MOST_SLICES:
        return chart
    by_size = sorted(range(len(values)), key=lambda number: -values[number])
    kept, rest = sorted(by_size[: _MOST_SLICES - 1]), by_size[_MOST_SLICES - 1 :]
    labels = (*(chart.labels[number] for number in kept), f"{len(rest)} more")
    data = (*(values[number] for number in kept), sum(values[number] for number in rest))
    dataset = chart.datasets[0].model_copy(update={"data": data})
    return chart.model_copy(update={"labels": labels, "datasets": (dataset,)})


def scale(least: float, most: float, *, from_zero: bool) -> tuple[float, float, list[float]]:
    """Round numbers around all values: the lowest, the highest, and those that are marked."""
    if from_zero or 0 <= least <= 0.6 * most or least == most:
        least, most = min(0.0, least), max(0.0, most)
    if most - least < 1e-12 * max(1.0, abs(most)):
        least, most = least - max(0.5, abs(least) / 2), most + max(0.5, abs(most) / 2)
    step = nice((most - least) / _TICKS)
    first, last = floor(least / step + 1e-9), ceil(most / step - 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks


def nice(step: float) -> float:
    """The next of 1, 2, 2.5, 5 and ten times that."""
    power = 10.0 ** floor(log10(step))
    return next(power * times for times in (1, 2, 2.5, 5, 10) if step <= power * times * (1 + 1e-9))


def number_text(value: float, step: float = 0.0) -> str:
    """A number as it is written at an axis: 1,200, 35K, 3.5M, 0.25, 1e-9."""
    if abs(value) <= abs(step) / 1e6:
        return "0"
    size = max(abs(value), abs(step))
    if not _LEAST <= size < _MOST:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{_short(digits)}e{int(power)}"
    for power_of_ten, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "K")):
        if size >= power_of_ten:
            return _short(f"{value / (1e3 if letter == 'K' else power_of_ten):.2f}") + letter
    digits_behind = max(0, min(6, 1 - floor(log10(step)))) if 0 < step < 10 else 2
    return _short(f"{value:,.{digits_behind}f}")


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
