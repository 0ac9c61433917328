"""Draws a shape's outlines, curves included, on a large sheet that is made small again, and so smooth."""

from collections.abc import Sequence
from itertools import pairwise
from math import hypot
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from workers.gpu_generate.animatic.colour import Field

Point: TypeAlias = tuple[float, float]

BODY, DARK, LIGHT, PALE = 0.5, 0.16, 0.8, 1.0
_FINER = 3
_CURVE = 10


class Pen:
    """`tone` is how light a part is, `glow` whether it shines by itself. Later parts hide earlier ones."""

    def __init__(self, size: float, reach: float = 1.6) -> None:
        """`size`: pixels of a length of 1. The sheet reaches so far to both sides and above."""
        self._unit = size * _FINER
        self._reach = reach
        width = max(8, round(2 * reach * self._unit))
        height = max(8, round((reach + 0.4) * self._unit))
        self._sheet = Image.new("RGB", (width, height))
        self._draw = ImageDraw.Draw(self._sheet)

    def blob(self, *points: Point, tone: float = BODY, glow: float = 0.0) -> None:
        """A closed curve through the points."""
        self.poly(*_curve(points, closed=True), tone=tone, glow=glow)

    def poly(self, *points: Point, tone: float = BODY, glow: float = 0.0) -> None:
        """Straight edges."""
        self._draw.polygon([self._at(point) for point in points], fill=_ink(tone, glow))

    def oval(
        self, x: float, y: float, wide: float, high: float, *, tone: float = BODY, glow: float = 0.0
    ) -> None:
        """By its middle and half axes."""
        left, top = self._at((x - wide, y + high))
        right, bottom = self._at((x + wide, y - high))
        self._draw.ellipse((left, top, right, bottom), fill=_ink(tone, glow))

    def bar(
        self,
        left: float,
        bottom: float,
        right: float,
        top: float,
        *,
        round_by: float = 0.0,
        tone: float = BODY,
        glow: float = 0.0,
    ) -> None:
        """A rectangle, its corners rounded."""
        box = (*self._at((left, top)), *self._at((right, bottom)))
        self._draw.rounded_rectangle(box, round_by * self._unit, fill=_ink(tone, glow))

    def stroke(
        self,
        *points: Point,
        start: float,
        end: float | None = None,
        tone: float = BODY,
        glow: float = 0.0,
    ) -> None:
        """A curve through the points, `start` thick and tapering to `end`, with round ends."""
        along = _curve(points, closed=False)
        last = start if end is None else end
        ink = _ink(tone, glow)
        steps = _dense(along, max(0.004, 0.25 * min(start, last)))
        for number, point in enumerate(steps):
            half = (start + (last - start) * number / max(1, len(steps) - 1)) / 2 * self._unit
            x, y = self._at(point)
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=ink)

    def masks(self) -> tuple[Field, Field, Field]:
        """Cover, tone and glow 0..1, of shape (height, width), at the size that was asked for."""
        small = self._sheet.resize(
            (self._sheet.width // _FINER, self._sheet.height // _FINER), Image.Resampling.BOX
        )
        cover, tone, glow = (np.asarray(part, np.float32) / 255 for part in small.split())
        return cover, tone / np.maximum(cover, 1e-3), glow / np.maximum(cover, 1e-3)

    @property
    def origin(self) -> tuple[float, float]:
        """Where (0, 0) lies on the masks, in pixels from the left top."""
        x, y = self._at((0.0, 0.0))
        return x / _FINER, y / _FINER

    def _at(self, point: Point) -> tuple[float, float]:
        return (point[0] + self._reach) * self._unit, (self._reach - point[1]) * self._unit


def path(text: str) -> list[Point]:
    """Points written as `x,y x,y …`."""
    pairs = (pair.split(",") for pair in text.split())
    return [(float(x), float(y)) for x, y in pairs]


def _ink(tone: float, glow: float) -> tuple[int, int, int]:
    return 255, round(255 * tone), round(255 * glow)


def _curve(points: Sequence[Point], *, closed: bool) -> list[Point]:
    """Catmull-Rom through the points."""
    count = len(points)
    if count < 3:
        return list(points)
    found: list[Point] = []
    for number in range(count if closed else count - 1):
        if closed:
            around = [points[(number + shift) % count] for shift in (-1, 0, 1, 2)]
        else:
            around = [points[min(max(number + shift, 0), count - 1)] for shift in (-1, 0, 1, 2)]
        found += [_between(around, step / _CURVE) for step in range(_CURVE)]
    return found if closed else [*found, points[-1]]


def _between(around: Sequence[Point], part: float) -> Point:
    def one(a: float, b: float, c: float, d: float) -> float:
        return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))

    xs, ys = zip(*around, strict=True)
    return one(*xs), one(*ys)


def _dense(points: Sequence[Point], step: float) -> list[Point]:
    """The points, and others between them so that none is farther apart than `step`."""
    found: list[Point] = []
    for (x, y), (to_x, to_y) in pairwise(points):
        count = max(1, round(hypot(to_x - x, to_y - y) / step))
        found += [(x + (to_x - x) * n / count, y + (to_y - y) * n / count) for n in range(count)]
    return [*found, points[-1]]
