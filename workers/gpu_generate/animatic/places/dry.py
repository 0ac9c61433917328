"""Deserts: dunes with a lit and a dark side, far mesas."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, Rgba
from workers.gpu_generate.animatic.colour import Field, mix, rgb, smoothstep
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.land import mist, ridge, wander
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.sky import bloom, sky_layers
from workers.gpu_generate.animatic.scene import Scene


def desert(scene: Scene, canvas: Canvas) -> Setting:
    """Three rows of dunes before a far table land."""
    behind = sky_layers(scene, canvas)
    mesa = wander(canvas, "mesa", base=0.66, rise=0.15, waves=2.4, rough=0.6)
    mesa = np.where(mesa < 0.6, 0.59 + 0.12 * (mesa - 0.59), mesa).astype(np.float32)
    behind += [Layer(ridge(scene, canvas, mesa, near=0.18, mist=0.5, rocky=0.3, drop=0.12), 0.12)]
    behind += [mist(scene, canvas, "far", at=0.66, thick=0.04, amount=0.6, depth=0.12)]
    for number, (at, rise, waves) in enumerate(((0.70, 0.07, 2.2), (0.80, 0.11, 1.6), (0.93, 0.15, 1.1))):
        edge = wander(canvas, f"dune {number}", base=at, rise=rise, waves=waves, rough=0.22)
        behind += [Layer(_dune(scene, canvas, edge, number), 0.26 + 0.2 * number)]
    behind += [bloom(scene, canvas, 0.66)]
    return Setting(behind, [], ground=0.86, depth=0.68, scale=0.72, lit=0.6)


def _dune(scene: Scene, canvas: Canvas, edge: Field, number: int) -> Rgba:
    """The side turned from the light is cut off by a crest that winds down from the top."""
    down = np.clip(canvas.y - edge[None, :], 0, None)
    bend = clouds(
        canvas.dice("crest", str(number)), canvas.columns, canvas.rows, cell=canvas.height * 0.3, octaves=3
    )
    side = 1.0 if scene.light_x < 0.5 else -1.0
    wide = max(3, canvas.columns // 40)
    smooth = np.convolve(np.pad(edge, wide, mode="edge"), np.ones(2 * wide + 1) / (2 * wide + 1), "valid")
    slope = np.gradient(smooth) * canvas.height
    lean = (
        (0.9 * down + 0.3 * np.clip(down, 0, 0.3) * (bend - 0.5) * 4) * canvas.height * (0.5 + 0.3 * number)
    )
    index = np.clip(np.arange(canvas.columns)[None, :] + side * lean, 0, canvas.columns - 1).astype(int)
    light = smoothstep(-0.1, 0.1, np.asarray(side * slope[index] + 0.06, np.float32))
    light = light * np.exp(-down / 0.3) + 0.55 * (1 - np.exp(-down / 0.3))
    ripples = 0.5 + 0.5 * np.sin((down * 60 + 18 * bend + canvas.x * 9) * (3 - 0.6 * number))
    light = np.clip(light * (0.92 + 0.08 * ripples), 0, 1)[..., None]
    sand = mix(rgb("#e2b36c"), scene.palette.glow, 0.45)
    bright = np.asarray(mix(sand, scene.palette.haze, 0.35 - 0.15 * number), np.float32)
    dark = np.asarray(
        mix(mix(sand, scene.palette.near, 0.62 + 0.1 * number), scene.palette.haze, 0.3 - 0.14 * number),
        np.float32,
    )
    paint = dark * (1 - light) + bright * light
    return canvas.painted(paint, canvas.below(edge))
