"""Moves a camera through a stack of layers: one I420 picture for each moment."""

from collections.abc import Sequence
from dataclasses import replace
from math import cos, pi, radians, sin

import numpy as np

from workers.gpu_generate.animatic.camera import REACH, Pose
from workers.gpu_generate.animatic.canvas import Canvas, Layer
from workers.gpu_generate.animatic.colour import Field
from workers.gpu_generate.animatic.kernels import TILE, Floats, find_tiles, lay, look
from workers.gpu_generate.animatic.noise import dice
from workers.media.planes import Planes

_GRAIN = 128
_VIGNETTE = 0.42
_GRAIN_LUMA = 1.5
_NEAR_ZOOM = 0.35  # how much of a dolly the farthest layer takes part in


class Stage:
    """Layers from the farthest to the nearest, put up once; the last is what never moves.

    What `is_drawn` gets grain and darker corners; what `is_written` on, darkness behind the words.
    """

    def __init__(
        self,
        canvas: Canvas,
        layers: Sequence[Layer],
        *,
        seed: int,
        is_drawn: bool = True,
        is_written: bool = True,
    ) -> None:
        self._canvas = canvas
        self._is_written = is_written
        self._layers = merged(layers)[::-1]
        self._sheets = np.stack([layer.rgba.view(np.uint32)[..., 0] for layer in self._layers])
        rows, columns = -(-canvas.rows // TILE), -(-canvas.columns // TILE)
        self._tiles = np.zeros((len(self._layers), rows, columns), np.uint8)
        for sheet, tiles in zip(self._sheets, self._tiles, strict=True):
            find_tiles(sheet, tiles)
        rng = dice(seed, "grain")
        self._grain = np.clip(rng.normal(0, 32, (_GRAIN, _GRAIN)), -127, 127).astype(np.int8)
        self._grain_gain = _GRAIN_LUMA / 32 if is_drawn else 0.0
        self._vignette = _VIGNETTE if is_drawn else 0.0
        self._offsets = rng.integers(0, _GRAIN, (997, 2), np.int32)

    def show(self, pose: Pose, time: float, seconds: float, number: int, out: Planes) -> None:
        """Draw the moment `time` 0..1, `seconds` after the start, as the `number`-th frame."""
        scale = self._canvas.width / out.width
        maps = np.array([self._map(layer, pose, time, scale, out) for layer in self._layers], np.float32)
        sways = np.array([self._sway(layer, seconds, out.height) for layer in self._layers], np.float32)
        gains = np.array([_gain(layer, seconds) for layer in self._layers], np.float32)
        grain_x, grain_y = self._offsets[number % len(self._offsets)]
        look(
            self._sheets,
            self._tiles,
            maps,
            sways,
            gains,
            self._shades(out.height),
            self._vignette,
            self._grain,
            grain_x,
            grain_y,
            self._grain_gain,
            out.y,
            out.u,
            out.v,
        )

    def _shades(self, rows: int) -> Floats:
        """Darkness from above and below, so that white words can be read on snow."""
        if not self._is_written:
            return np.ones(rows, np.float32)
        y = np.arange(rows) / rows
        above = np.clip(1 - y / 0.2, 0, 1) ** 1.6 * 0.3
        below = np.clip((y - 0.68) / 0.32, 0, 1) ** 1.5 * 0.62
        return (1 - np.maximum(above, below)).astype(np.float32)

    def _map(self, layer: Layer, pose: Pose, time: float, scale: float, out: Planes) -> list[float]:
        """From an output pixel to the layer's."""
        canvas = self._canvas
        middle_x, middle_y = canvas.columns / 2, canvas.rows / 2
        if layer.fixed:
            return [middle_x - scale * out.width / 2, scale, 0, middle_y - scale * out.height / 2, 0, scale]
        zoom = pose.zoom * (1 + (pose.dolly - 1) * (_NEAR_ZOOM + (1 - _NEAR_ZOOM) * layer.depth))
        angle = radians(pose.roll_deg)
        step, turn = scale * cos(angle) / zoom, scale * sin(angle) / zoom
        swing = 0.12 + 0.88 * layer.depth
        drift_x, drift_y = layer.drift
        bob, times = layer.bob
        x = middle_x + canvas.width * (REACH * pose.x * swing - drift_x * (time - 0.5))
        y = middle_y + canvas.height * (
            REACH * pose.y * swing - drift_y * (time - 0.5) - bob * sin(2 * pi * times * time)
        )
        half_x, half_y = out.width / 2, out.height / 2
        return [
            x - step * half_x - turn * half_y,
            step,
            turn,
            y + turn * half_x - step * half_y,
            -turn,
            step,
        ]

    def _sway(self, layer: Layer, seconds: float, rows: int) -> Field:
        if layer.ripple == 0:
            return np.zeros(rows)
        y = np.arange(rows) / rows
        near = np.clip((y - 0.45) / 0.55, 0, 1)
        wave = np.sin(2 * pi * (y * 46 / (0.35 + near) + 0.55 * seconds)) + 0.6 * np.sin(
            2 * pi * (y * 19 - 0.4 * seconds)
        )
        return np.asarray(wave * (0.15 + near) * layer.ripple * self._canvas.width)


def merged(layers: Sequence[Layer]) -> list[Layer]:
    """Neighbours that always move alike are one sheet."""
    found: list[Layer] = []
    for layer in layers:
        if found and layer.motion == found[-1].motion:
            under = found[-1].rgba.copy()
            lay(layer.rgba, under)
            found[-1] = replace(layer, rgba=under)
        else:
            found.append(layer)
    return found


def _gain(layer: Layer, seconds: float) -> float:
    wave = 0.5 + 0.5 * sin(2 * pi * (0.45 * seconds + layer.phase))
    return 1 - layer.flicker * wave
