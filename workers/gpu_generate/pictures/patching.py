"""Paints a hole over with what fits there from elsewhere in the same picture: textures and edges go on.

Patches that reach into the hole look for their like among what is known (PatchMatch: Barnes, Shechtman,
Finkelstein and Goldman 2009), from coarse to fine. Each pixel becomes the mean of what the patches over it
propose (Wexler, Shechtman and Irani 2007).
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from workers.gpu_generate.pictures.filling import Floats, Pixels, mixed, spread

Bools: TypeAlias = npt.NDArray[np.bool_]
Index: TypeAlias = npt.NDArray[np.intp]

_WORK_PX = 448  # of the longer side, where it is painted
_GRAIN = 2.0
_REACH = 3  # pixels: patches are seven wide
_COARSEST_PX = 20  # of the shorter side
_ROUNDS = (2, 4, 10, 30)  # of looking and painting, from the finest level on; all coarser have the last
_TRUST = 1.3  # so many times less a patch counts for each pixel from what is known
_LEAST_TRUST = 0.003
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_LEAST_KNOWN = 50  # patches: with fewer there is nothing to choose from
_MOST_TARGETS = 20_000  # patches: with more, what the coarser levels found has to do (seconds are spent)


def painted_in(picture: Pixels, hole: Pixels, seed: int) -> Pixels:
    """What `hole` (H, W; 255 within) covers of an RGB picture is painted over; by each seed otherwise."""
    if not hole.any():
        return picture
    rows, columns = hole.shape
    scale = min(1.0, _WORK_PX / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    rough = cv2.resize(hole, size, interpolation=cv2.INTER_AREA) > 0
    rng = np.random.default_rng(seed)
    filled = _filled(small, np.asarray(rough), rng)
    large = cv2.resize(filled, (columns, rows), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    large += rng.normal(0, _GRAIN, (rows, columns, 1)).astype(np.float32)
    return mixed(picture, np.asarray(np.clip(large + 0.5, 0, 255), np.uint8), hole)


def _filled(picture: Pixels, hole: Bools, rng: np.random.Generator) -> Pixels:
    """From the coarsest level to this one; softly where too little is known, or too much is missing."""
    levels = _levels(picture, hole)
    filled = spread(levels[-1][0], _known(levels[-1][1]))
    near: Index | None = None
    for number in reversed(range(len(levels))):
        colours, missing = levels[number]
        size = (colours.shape[1], colours.shape[0])
        filled = np.where(missing[..., None], cv2.resize(filled, size), colours)
        level = _Level.of(filled, missing)
        if len(level.sources) < _LEAST_KNOWN or not 0 < len(level.targets) < _MOST_TARGETS:
            near = None
            continue
        filled, near = level.painted(near, rng, _ROUNDS[min(number, len(_ROUNDS) - 1)])
    return filled


def _known(hole: Bools) -> Pixels:
    """As `spread` wants it. Where nothing is known, everything is."""
    return np.where(hole & ~hole.all(), 0, 255).astype(np.uint8)


def _levels(picture: Pixels, hole: Bools) -> list[tuple[Pixels, Bools]]:
    """Each half as large as the one before."""
    levels = [(picture, hole)]
    while min(levels[-1][1].shape) >= 2 * _COARSEST_PX:
        finer, missing = levels[-1]
        size = (finer.shape[1] // 2, finer.shape[0] // 2)
        colours = spread(finer, _known(missing))
        share = cv2.resize(missing.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        coarser = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
        levels.append((np.asarray(coarser, np.uint8), np.asarray(share > 0)))
    return levels


@dataclass
class _Level:
    """One size. Patches are named by their middles. `image` and `trust` are padded by _REACH on each side."""

    image: Floats
    trust: Floats
    hole: Bools
    is_source: Bools
    sources: Index
    targets: Index

    @classmethod
    def of(cls, picture: Pixels, hole: Bools) -> "_Level":
        wide = np.ones((2 * _REACH + 1,) * 2, np.uint8)
        near_hole = np.asarray(cv2.dilate(hole.astype(np.uint8), wide), np.uint8) > 0
        inner = np.zeros_like(hole)
        inner[_REACH:-_REACH, _REACH:-_REACH] = True
        is_source = ~near_hole & inner
        away = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
        trust = np.pad(np.maximum(_TRUST**-away, _LEAST_TRUST), _REACH, "reflect")
        image = np.pad(picture, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)), "reflect")
        return cls(
            image.astype(np.float32),
            trust.astype(np.float32),
            hole,
            is_source,
            np.argwhere(is_source),
            np.argwhere(near_hole),
        )

    def painted(self, near: Index | None, rng: np.random.Generator, rounds: int) -> tuple[Pixels, Index]:
        """The picture, and for each place the source that its patch is most like, (H, W, 2)."""
        found = self._begun(near, rng)
        for _ in range(rounds):
            found, cost = self._searched(found, rng)
            self._paint(found, cost)
        field = np.zeros((*self.hole.shape, 2), np.intp)
        field[tuple(self.targets.T)] = found
        inside = self.image[_REACH:-_REACH, _REACH:-_REACH]
        return np.asarray(np.clip(inside + 0.5, 0, 255), np.uint8), field

    def _begun(self, near: Index | None, rng: np.random.Generator) -> Index:
        """As the coarser level found, else anywhere."""
        found: Index = self.sources[rng.integers(len(self.sources), size=len(self.targets))]
        if near is None:
            return found
        rows, columns = (np.minimum(self.targets[:, axis] // 2, near.shape[axis] - 1) for axis in (0, 1))
        finer = 2 * near[rows, columns] + self.targets % 2
        return np.where(self._are_sources(finer)[:, None], finer, found)

    def _searched(self, found: Index, rng: np.random.Generator) -> tuple[Index, Floats]:
        """Better sources: those beside the neighbours' ones, and others ever nearer by."""
        cost = self._cost(found)
        field = np.full((*self.hole.shape, 2), -1, np.intp)
        rows, columns = self.targets.T
        for step in _NEIGHBOURS:
            field[rows, columns] = found
            beside = np.clip(self.targets + step, 0, np.array(self.hole.shape) - 1)
            found, cost = self._better(found, cost, field[tuple(beside.T)] - step)
        radius = max(self.hole.shape)
        while radius >= 1:
            away = rng.integers(-radius, radius + 1, size=found.shape)
            found, cost = self._better(found, cost, found + away)
            radius //= 2
        return found, cost

    def _better(self, found: Index, cost: Floats, other: Index) -> tuple[Index, Floats]:
        may = np.flatnonzero(self._are_sources(other))
        seen = self._cost(other[may], may)
        wins = may[seen < cost[may]]
        found, cost = found.copy(), cost.copy()
        found[wins], cost[wins] = other[wins], seen[seen < cost[may]]
        return found, cost

    def _are_sources(self, places: Index) -> Bools:
        rows, columns = self.hole.shape
        inside = (places >= 0).all(axis=1) & (places[:, 0] < rows) & (places[:, 1] < columns)
        held = np.where(inside[:, None], places, 0)
        return np.asarray(inside & self.is_source[held[:, 0], held[:, 1]])

    def _cost(self, sources: Index, of: Index | slice = slice(None)) -> Floats:
        """How unlike the patches of targets and sources are: mean of squares, what is known counting most."""
        size = (2 * _REACH + 1,) * 2
        patches = np.lib.stride_tricks.sliding_window_view(self.image, size, axis=(0, 1))
        trusts = np.lib.stride_tricks.sliding_window_view(self.trust, size)
        rows, columns = self.targets[of].T
        away = np.square(patches[rows, columns] - patches[sources[:, 0], sources[:, 1]]).sum(axis=1)
        trust = trusts[rows, columns]
        return np.asarray((away * trust).sum(axis=(1, 2)) / trust.sum(axis=(1, 2)), np.float32)

    def _paint(self, found: Index, cost: Floats) -> None:
        """Each pixel of the hole as the patches over it have it; the better they fit, the more they count."""
        rows, columns = (self.targets + _REACH).T
        fits = np.exp(-cost / (2 * max(1.0, float(np.percentile(cost, 90))))) + _LEAST_TRUST
        weight = (fits * self.trust[rows, columns] ** 2)[:, None]
        colours = np.zeros_like(self.image)
        weights = np.zeros((*self.image.shape[:2], 1), np.float32)
        for down, across in np.ndindex((2 * _REACH + 1,) * 2):
            to = self.targets[:, 0] + down, self.targets[:, 1] + across
            colours[to] += weight * self.image[found[:, 0] + down, found[:, 1] + across]
            weights[to] += weight
        rows, columns = (axis + _REACH for axis in np.nonzero(self.hole))
        self.image[rows, columns] = colours[rows, columns] / weights[rows, columns]
