"""Films of charts: how the marks come in, and a camera over what is finished."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.generate_chart import AnimationStyle, ChartData
from workers.context import InputFile
from workers.gpu_generate.charts.ground import ground, titled
from workers.gpu_generate.charts.kernels import window
from workers.gpu_generate.charts.layout import layout_of, told_apart, unit_of
from workers.gpu_generate.charts.marks import Marks
from workers.media.colour import Converter
from workers.media.planes import Plane, Planes
from workers.media.stills import open_still

_MOVING = 0.72  # of the time in which marks come in; then they stand
_SOFT_EDGE = 0.06  # of the width, of what is uncovered
_NEARER = 1.18  # where a camera begins; it ends with the whole
_FROM_LEFT, _FROM_TOP = 0.1, 0.05  # of what is out of sight: title and axis never are
_HEAD = 13.5  # units of the layout for the title above a chart that was handed in
_MARGIN = 0.06  # of a picture's sides around a chart that was handed in, below its title


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture for the encoder."""

    planes: Planes
    frames: int = 1


def drawn(
    chart: ChartData, style: AnimationStyle, title: str, width: int, height: int, frames: int
) -> Iterator[Shown]:
    """A film of a chart from data. Sides are even."""
    chart = told_apart(chart)
    layout = layout_of(chart, width, height, has_title=bool(title))
    marks = Marks(chart, layout)
    empty = ground(chart, layout, title)
    if style in ("ken_burns", "reveal"):
        full = _copied(empty)
        marks.build(full, 1.0)
        yield from shown(full, empty, style, frames)
        return
    for number in range(frames):
        time = number / max(1, frames - 1) / _MOVING
        out = _copied(empty)
        if style == "morph":
            marks.morph(out, time)
        else:
            marks.build(out, time)
        yield Shown(out)


def pictured(
    file: InputFile, style: AnimationStyle, title: str, width: int, height: int, frames: int
) -> Iterator[Shown]:
    """A film of a picture of a chart. Raises AssetUnreadable for a file that is none."""
    empty = titled(title, width, height, _MARGIN * width)
    full = _copied(empty)
    _place(full, file, top=_HEAD * unit_of(width, height) / height if title else _MARGIN)
    yield from shown(full, empty, style, frames)


def shown(full: Planes, empty: Planes, style: AnimationStyle, frames: int) -> Iterator[Shown]:
    """What is finished, uncovered from the left, or seen from nearby first."""
    camera = _Camera(full)
    for number in range(frames):
        time = number / max(1, frames - 1)
        out = _copied(empty) if style == "reveal" else Planes.blank(full.width, full.height)
        if style == "reveal":
            _uncover(out, full, _smooth(time / _MOVING))
        else:
            camera.show(out, time)
        yield Shown(out)


class _Camera:
    """Moves a window over a picture, evenly and by less than a pixel at a time."""

    def __init__(self, full: Planes) -> None:
        self._full = full

    def show(self, out: Planes, time: float) -> None:
        smooth = _smooth(time)
        zoom = _NEARER - (_NEARER - 1) * smooth
        for source, into in zip(self._full, out, strict=True):
            self._plane(source, into, zoom, _FROM_LEFT, _FROM_TOP)

    def _plane(self, source: Plane, out: Plane, zoom: float, x: float, y: float) -> None:
        columns, parts_x = _places(source.shape[1], zoom, x)
        rows, parts_y = _places(source.shape[0], zoom, y)
        window(source, out, columns, parts_x, rows, parts_y, np.empty(source.shape[1], np.uint8))


def _places(count: int, zoom: float, lean: float) -> tuple[np.ndarray, np.ndarray]:
    at = np.clip((np.arange(count) + 0.5) / zoom + (count - count / zoom) * lean - 0.5, 0, count - 1.01)
    before = at.astype(np.int32)
    return before, ((at - before) * 128).astype(np.int32)


def _smooth(time: float) -> float:
    part = min(1.0, max(0.0, time))
    return part * part * (3 - 2 * part)


def _uncover(out: Planes, full: Planes, share: float) -> None:
    """Everything left of a soft edge."""
    for mine, theirs in zip(out, full, strict=True):
        width = mine.shape[1]
        soft = max(1, int(_SOFT_EDGE * width))
        edge = int(share * (width + soft))
        mine[:, : max(0, edge - soft)] = theirs[:, : max(0, edge - soft)]
        start, end = max(0, edge - soft), min(width, edge)
        if start < end:
            late = (256 * (edge - np.arange(start, end)) / soft).astype(np.uint16)
            mine[:, start:end] = (mine[:, start:end] * (256 - late) + theirs[:, start:end] * late) >> 8


def _place(out: Planes, file: InputFile, *, top: float) -> None:
    """Lay a picture into the middle of the room below the title, as large as it goes."""
    frame = open_still(file.path, file.file_name)
    room = out.width * (1 - 2 * _MARGIN), out.height * (1 - top - _MARGIN)
    scale = min(room[0] / frame.width, room[1] / frame.height)
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (frame.width, frame.height))
    fitted = Planes.of(Converter().convert(frame, width, height))
    left = (out.width - width) // 4 * 2
    down = int(out.height * top + (room[1] - height) / 2) // 2 * 2
    for mine, theirs, part in zip(out, fitted, (1, 2, 2), strict=True):
        mine[down // part : (down + height) // part, left // part : (left + width) // part] = theirs


def _copied(planes: Planes) -> Planes:
    out = Planes.blank(planes.width, planes.height)
    out.copy_from(planes)
    return out
