"""Where everything of a chart lies: its plot, the scale of its numbers, the column of each label. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from tasks.generate_chart import ChartData
from workers.gpu_generate.animatic.colour import Field

_TICKS = 5


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

    def column(self, number: float, count: int) -> float:
        """The middle of a label's place."""
        return self.left + (self.right - self.left) * (number + 0.5) / count

    @property
    def unit(self) -> float:
        """What sizes are measured in: a hundredth of the smaller side."""
        return min(self.width, self.height * 16 / 9) / 160


def layout_of(chart: ChartData, width: int, height: int, *, has_title: bool) -> Layout:
    """A chart's places in a picture of a size."""
    values = [value for dataset in chart.datasets for value in dataset.data]
    low, high, ticks = scale(min(values), max(values), from_zero=chart.type in ("bar", "area"))
    has_legend = chart.type != "pie" and any(dataset.label for dataset in chart.datasets)
    head = 0.10 + (0.09 if has_title else 0.0) + (0.065 if has_legend else 0.0)
    return Layout(
        width,
        height,
        left=round(0.085 * width),
        top=round(head * height),
        right=round(0.955 * width),
        bottom=round(0.885 * height),
        low=low,
        high=high,
        ticks=ticks,
    )


def scale(least: float, most: float, *, from_zero: bool) -> tuple[float, float, list[float]]:
    """Round numbers around all values: the lowest, the highest, and those that are marked."""
    if from_zero or 0 <= least <= 0.6 * most:
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
    """A number as it is written at an axis: 1,200, 35K, 3.5M, 0.25."""
    size = max(abs(value), abs(step))
    for power, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "K")):
        if size >= power:
            power = 1e3 if letter == "K" else power
            return f"{value / power:.2f}".rstrip("0").rstrip(".") + letter
    digits = max(0, min(6, 1 - floor(log10(step)))) if 0 < step < 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
