"""Measures one picture in plain numpy: how sharp it is, how light, and what it looks like from afar."""

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from workers.media.colour import Converter
from workers.media.planes import Planes

Grey = npt.NDArray[np.float32]

SIDE_PX = 720  # pictures are judged at about the size at which they are shown
_CELLS, _TILES, _TINTS = 64, 8, 8  # cells and tiles a side of what is compared, and cells of its tints
_BLUR_PX = 9
_ROUNDING = 1.0  # a step that whole numbers and compression make of a smooth slope
_PLAIN = 0.25  # the mean step between neighbouring pixels below which there is nothing to be sharp
_EVEN = 4.0  # levels within which a picture is of one colour, however its noise or dithering steps
_BLACK, _WHITE = 16.0, 235.0
_LIT_APART, _TINTS_APART = 25.0, 6.0  # on average: a copy may be a little lighter, or in other colours
_FLAT = 4.0  # a tile whose cells differ no more has no shapes to compare
_ALIKE = 0.5  # how much the shapes of a tile must have in common: copies have 0.6 to 1


@dataclass(frozen=True, slots=True)
class Glance:
    """A picture from afar: the lightness of its cells, and their tints."""

    cells: Grey
    tints: Grey

    def is_like(self, other: "Glance") -> bool:
        """Whether both show the same: a copy, another encoding, a blurred or lighter one, a burst's next.

        Two slides that differ in a few words do not: what has shapes must have the same ones everywhere.
        """
        lit = float(np.mean(np.abs(self.cells - other.cells)))
        if lit > _LIT_APART or float(np.mean(np.abs(self.tints - other.tints))) > _TINTS_APART:
            return False
        mine, its = _tiles(self.cells), _tiles(other.cells)
        spread = np.sqrt((mine**2).mean(axis=1)), np.sqrt((its**2).mean(axis=1))
        has_shape = np.maximum(*spread) >= _FLAT
        likeness = (mine * its).mean(axis=1) / np.maximum(spread[0] * spread[1], _FLAT**2 / 10)
        return bool(np.all(likeness[has_shape] >= _ALIKE)) and (bool(has_shape.any()) or lit < _FLAT)


def small(frame: av.VideoFrame, converter: Converter, side_px: int = SIDE_PX) -> Planes:
    """The picture with `side_px` on its longer side, as everything is composed: BT.709, limited range."""
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = (max(16, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    return Planes.of(converter.convert(frame, width, height))


def sharpness(luma: Grey) -> float:
    """How much of the detail a blur would take, 0 … 1: little is left to take from what is blurred already.

    After F. Crete et al., "The blur effect: perception and estimation with a new no-reference perceptual blur
    metric" (2007); of both directions the worse, for a moving camera blurs one. A plain picture counts as
    sharp: there is nothing in it that could be out of focus.
    """
    if np.ptp(luma) <= _EVEN:
        return 1.0
    directions = [view for view in (luma, luma.T) if np.mean(np.abs(np.diff(view, axis=1))) >= _PLAIN]
    return min((_taken(view) for view in directions), default=1.0)


def lightness(luma: Grey) -> float:
    """The mean from black, 0, to white, 1."""
    return float(np.clip((luma.mean() - _BLACK) / (_WHITE - _BLACK), 0, 1))


def glance(planes: Planes) -> Glance:
    """What is compared of a picture."""
    luma, *chroma = (np.asarray(plane, np.float32) for plane in planes)
    return Glance(_cells(luma, _CELLS), np.stack([_cells(plane, _TINTS) for plane in chroma]))


def change(before: Grey, after: Grey) -> float:
    """How much one small picture differs from another, 0 … 1."""
    return float(np.clip(np.mean(np.abs(after - before)) / (_WHITE - _BLACK), 0, 1))


def _taken(luma: Grey) -> float:
    """The share of the steps along the rows that a blur along the rows takes away."""
    wide = np.cumsum(np.pad(luma, ((0, 0), (_BLUR_PX // 2 + 1, _BLUR_PX // 2)), mode="edge"), axis=1)
    blurred = (wide[:, _BLUR_PX:] - wide[:, :-_BLUR_PX]) / _BLUR_PX
    steps, left = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(blurred, axis=1))
    steps = np.maximum(0, steps - _ROUNDING)
    whole = float(steps.sum(dtype=np.float64))
    return float(np.maximum(0, steps - left).sum(dtype=np.float64)) / whole if whole else 0.0


def _cells(plane: Grey, count: int) -> Grey:
    """The plane's mean in each of so many cells a side."""
    plane = np.kron(plane, np.ones([-(-count // min(side, count)) for side in plane.shape], np.float32))
    rows, columns = (np.linspace(0, side, count + 1).astype(np.intp) for side in plane.shape)
    sums = np.add.reduceat(np.add.reduceat(plane, rows[:-1], axis=0), columns[:-1], axis=1)
    return np.asarray(sums / (np.diff(rows)[:, None] * np.diff(columns)[None, :]), np.float32)


def _tiles(cells: Grey) -> Grey:
    """Tiles of cells, one in a row, their means taken away."""
    side = _CELLS // _TILES
    tiles = cells.reshape(_TILES, side, _TILES, side).swapaxes(1, 2).reshape(_TILES**2, side**2)
    return np.asarray(tiles - tiles.mean(axis=1, keepdims=True), np.float32)
